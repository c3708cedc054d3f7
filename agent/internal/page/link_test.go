package page

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/web"
)

func TestLinkIsSaidInPassingAndIsNoFault(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		link   *live.Link
		en, es string
	}{
		{nil, "", ""},
		{&live.Link{}, "not joined to a hub", "sin central"},
		{&live.Link{Joined: true, Connected: true, Since: now.Add(-2 * time.Hour)}, "", ""},
		{&live.Link{Joined: true, Connected: true, Unsent: 1}, "1 record waiting to be sent", "1 registro pendiente de enviar"},
		{&live.Link{Joined: true, Connected: true, PhotosWaiting: 3}, "3 photos waiting to be sent", "3 fotos pendientes de enviar"},
		{&live.Link{Joined: true, Connected: true, Unsent: 1, PhotosWaiting: 3}, "1 record waiting to be sent", "1 registro pendiente de enviar"},
		{&live.Link{Joined: true, Unsent: 3, Since: now.Add(-time.Minute)}, "3 records waiting to be sent", "3 registros pendientes de enviar"},
		{&live.Link{Joined: true, Unsent: 3, Since: now.Add(-2 * time.Hour)}, "the hub has not been reached for 2 h 0 min; nothing is lost",
			"no se alcanza la central desde hace 2 h 0 min; no se pierde nada"},
	} {
		for lang, want := range map[web.Lang]string{web.English: c.en, web.Spanish: c.es} {
			v := &voice{Speaker: catalogue(t).In(lang)}
			if got := v.linkFact(c.link, now); got != want {
				t.Errorf("%s: %+v is %q, want %q", lang, c.link, got, want)
			}
		}
	}
}

func TestHealthPageShowsTheLink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetLink(live.Link{})
	if text := r.get("/health").Body.String(); !strings.Contains(text, "this board works alone") {
		t.Error("a board without a hub does not say so")
	}
	until := time.Now().AddDate(0, 0, 20)
	r.hub.SetLink(live.Link{
		Joined: true, Hub: "https://hub.example:8443", Site: "Oak <farm>", CertUntil: until, Connected: true,
		PhotosWaiting: 3, PhotosToday: 41, PhotosMost: 60, Unsent: 1234, Quarantined: 7, BytesUp: 5_000_000, LastAck: time.Now(),
	})
	text := r.get("/health").Body.String()
	for _, want := range []string{"https://hub.example:8443", "Oak &lt;farm&gt;", "1,234", "connected", "Put aside by the hub",
		"41 photos sent today, of 60 at most", "3 photos wait to be sent", "1 of 50 of all others"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	r.hub.SetLink(live.Link{Joined: true, Why: live.WhyOtherHub})
	if text := r.get("/health").Body.String(); !strings.Contains(text, "stay on this board") {
		t.Error("the page does not say that no photo leaves the board")
	}
	if text := r.get("/health").Body.String(); !strings.Contains(text, "who answers there is not the hub") {
		t.Error("the page does not say why there is no connection")
	}
	var answer statusAnswer
	if err := json.Unmarshal(r.get("/api/v1/status").Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Link == nil || !answer.Link.Joined || answer.Link.Why != live.WhyOtherHub || answer.Link.LastAck != nil {
		t.Errorf("%+v", answer.Link)
	}
}
