package quantize

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func sampleRanges() Ranges {
	return Ranges{
		Notes: []string{"measured by hand", "on one picture"},
		Values: []Range{
			{"stem", 0, 6}, {"block_0", -1.5, 2.25}, {"block_1", -0.1, 3}, {"sum", -2, 4},
		},
	}
}

func TestRangesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := sampleRanges()
	var file bytes.Buffer
	if err := want.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRanges(file.Bytes())
	if err != nil || !slices.Equal(got.Notes, want.Notes) || !slices.Equal(got.Values, want.Values) {
		t.Errorf("%+v, %v", got, err)
	}
	if r, ok := got.Find("block_0"); !ok || r.Max != 2.25 {
		t.Errorf("found %+v, %v", r, ok)
	}
}

func TestDamagedRangesAreRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"nothing":              "",
		"another file":         "stem 0 6\n",
		"another version":      "# gourdian activation ranges 2\nstem 0 6\n",
		"no values":            rangesMagic + "\n# a note\n",
		"a torn line":          rangesMagic + "\nstem 0\n",
		"too many numbers":     rangesMagic + "\nstem 0 6 7\n",
		"words for numbers":    rangesMagic + "\nstem zero six\n",
		"no number":            rangesMagic + "\nstem 0 NaN\n",
		"infinite":             rangesMagic + "\nstem -Inf 6\n",
		"beyond bounds":        rangesMagic + "\nstem 0 1e9\n",
		"upside down":          rangesMagic + "\nstem 6 0\n",
		"above zero":           rangesMagic + "\nstem 1 6\n",
		"an empty span":        rangesMagic + "\nstem 0 0\n",
		"a value twice":        rangesMagic + "\nstem 0 6\nstem 0 5\n",
		"a note in the middle": rangesMagic + "\nstem 0 6\n# and\nb 0 6\n",
		"an empty line":        rangesMagic + "\n\nstem 0 6\n",
		"an endless name":      rangesMagic + "\n" + strings.Repeat("x", 101) + " 0 6\n",
		"an endless file":      rangesMagic + "\n#" + strings.Repeat("\n#", 1<<19) + "\nstem 0 6\n",
	} {
		if _, err := ReadRanges([]byte(file)); !errors.Is(err, ErrRanges) {
			t.Errorf("%s: error %v, expected ErrRanges", name, err)
		}
	}
}

func TestRangesThatCannotBeReadAreNotWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Ranges){
		"a name with a space":  func(r *Ranges) { r.Values[0].Name = "a b" },
		"a name like a note":   func(r *Ranges) { r.Values[1].Name = "#a" },
		"a note of two lines":  func(r *Ranges) { r.Notes[0] = "a\nb 0 x" },
		"a span without zero":  func(r *Ranges) { r.Values[0].Min = 2 },
		"nothing":              func(r *Ranges) { r.Values = nil },
		"the same value twice": func(r *Ranges) { r.Values[1].Name = "stem" },
	} {
		r := sampleRanges()
		change(&r)
		var file bytes.Buffer
		if err := r.Write(&file); err == nil || file.Len() > 0 {
			t.Errorf("%s: %d bytes were written", name, file.Len())
		}
	}
}

func FuzzReadRanges(f *testing.F) {
	var sample bytes.Buffer
	r := sampleRanges()
	if err := r.Write(&sample); err != nil {
		f.Fatal(err)
	}
	f.Add(sample.Bytes())
	f.Add([]byte(rangesMagic + "\nstem -0 0x1p-3\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := ReadRanges(file)
		if err != nil {
			if !errors.Is(err, ErrRanges) {
				t.Fatalf("error %v does not wrap ErrRanges", err)
			}
			return
		}
		for _, v := range r.Values {
			if s := scaleOf(v); !(s.Step > 0) {
				t.Fatalf("%+v has the scale %+v", v, s)
			}
		}
		var again bytes.Buffer
		if err := r.Write(&again); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if second, err := ReadRanges(again.Bytes()); err != nil || !slices.Equal(second.Values, r.Values) {
			t.Fatalf("%+v became %+v, %v", r.Values, second.Values, err)
		}
	})
}
