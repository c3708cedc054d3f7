package doctor

import (
	"strings"
	"testing"
	"time"

	"gourdian/internal/web"
)

// speakers are all that results are said by.
func speakers(t *testing.T) []*web.Speaker {
	t.Helper()
	catalogue, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	var all []*web.Speaker
	for _, lang := range web.Languages() {
		all = append(all, catalogue.In(lang))
	}
	return all
}

// want checks that a result is what it should be, and that it can be said in
// every language with nothing left out.
func want(t *testing.T, got Result, code Code) {
	t.Helper()
	if got.Code != code {
		t.Errorf("%s %v, want %s", got.Code, got.Args, code)
	}
	for _, s := range speakers(t) {
		text, remedy := Words(s, got)
		for _, said := range []string{text, remedy} {
			if strings.ContainsAny(said, "{}") || strings.Contains(said, "[doctor.") {
				t.Errorf("%s in %s: %q", got.Code, s.Lang(), said)
			}
		}
		if v := got.Verdict(); text == "" || (remedy == "") != (v == OK || v == Skipped) {
			t.Errorf("%s (%s) in %s: %q, remedy %q", got.Code, v, s.Lang(), text, remedy)
		}
	}
}

// wantAll is want for several results in their order.
func wantAll(t *testing.T, got []Result, codes ...Code) {
	t.Helper()
	if len(got) != len(codes) {
		t.Errorf("%v, want %v", got, codes)
		return
	}
	for i, code := range codes {
		want(t, got[i], code)
	}
}

func TestFiguresAreSaidAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	english, spanish := speakers(t)[0], speakers(t)[1]
	for _, c := range []struct {
		value  any
		en, es string
	}{
		{0.4, "0.40", "0,40"}, {1.25, "1.2", "1,2"}, {41.26, "41.3", "41,3"}, {250.4, "250", "250"},
		{12345, "12,345", "12.345"}, {15.0, "15", "15"}, {Size(1_500_000_000), "1.5 GB", "1,5 GB"},
		{Span(1500 * time.Microsecond), "1.5 ms", "1,5 ms"}, {Span(15 * time.Second), "15 s", "15 s"},
		{[]string{"a", "b"}, "a, b", "a, b"}, {"/dev/video0", "/dev/video0", "/dev/video0"},
	} {
		if en, es := said(english, c.value), said(spanish, c.value); en != c.en || es != c.es {
			t.Errorf("%v: %q and %q, want %q and %q", c.value, en, es, c.en, c.es)
		}
	}
}
