package web

import (
	"strings"
	"testing"
	"time"
)

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	en, es := loaded(t).In(English), loaded(t).In(Spanish)
	for _, c := range []struct{ got, want string }{
		{en.Whole(0), "0"}, {en.Whole(999), "999"}, {en.Whole(1234), "1,234"}, {en.Whole(-1234567), "-1,234,567"},
		{es.Whole(1234), "1234"}, {es.Whole(12345), "12.345"},
		{en.Decimal(13.66, 1), "13.7"}, {es.Decimal(13.66, 1), "13,7"},
		{en.Percent(0.5), "50%"}, {es.Percent(0.5), "50 %"}, {en.Percent(0.9999), "99%"}, {en.Percent(1), "100%"}, {en.Percent(0), "0%"},
		{en.Bytes(1_500), "2 kB"}, {en.Bytes(12_000_000), "12 MB"}, {es.Bytes(2_500_000_000), "2,5 GB"},
		{en.Confidence(0.96), "very sure"}, {en.Confidence(0.8), "quite sure"}, {es.Confidence(0.6), "algo seguro"}, {en.Confidence(0.2), "hardly sure"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestTimesAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	en, es := loaded(t).In(English), loaded(t).In(Spanish)
	at := time.Date(2026, 11, 24, 14, 5, 9, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{en.Ago(-time.Hour), "just now"}, {en.Ago(9 * time.Second), "just now"}, {en.Ago(47 * time.Second), "40 s ago"},
		{es.Ago(4 * time.Minute), "hace 4 min"}, {en.Ago(25 * time.Hour), "1 day ago"}, {en.Ago(49 * time.Hour), "2 days ago"},
		{en.Lasting(59 * time.Second), "59 s"}, {en.Lasting(125 * time.Minute), "2 h 5 min"}, {es.Lasting(72 * time.Hour), "3 días"},
		{en.Date(at), "Tuesday 24 November 2026"}, {es.Date(at), "martes 24 de noviembre de 2026"},
		{en.ShortDate(at), "Tuesday 24 November"}, {es.ShortDate(at), "martes 24 de noviembre"},
		{en.Exact(at), "24 November 2026, 14:05:09"}, {es.Exact(at), "24 de noviembre de 2026, 14:05:09"}, {en.Clock(at), "14:05"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if m := en.Moment(at, at.Add(4*time.Minute)); m != (Moment{Text: "4 min ago", Exact: "24 November 2026, 14:05:09", Machine: "2026-11-24T14:05:09Z"}) {
		t.Errorf("%+v", m)
	}
	if m := en.Moment(time.Time{}, at); m != (Moment{}) {
		t.Errorf("no moment: %+v", m)
	}
}

func TestMissingTextIsSeen(t *testing.T) {
	t.Parallel()
	en := loaded(t).In("xx")
	if en.Lang() != English || en.Say("no.such") != "[no.such]" || en.Has("no.such") || !en.Has("nav.now") {
		t.Errorf("%q", en.Say("no.such"))
	}
	if got := en.Count("today.total", 1); !strings.HasPrefix(got, "sighting ") {
		t.Errorf("%q", got)
	}
}
