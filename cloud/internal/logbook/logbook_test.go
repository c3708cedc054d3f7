package logbook

import (
	"log/slog"
	"strings"
	"testing"
)

func TestNewestLinesAreKept(t *testing.T) {
	t.Parallel()
	b := New()
	log := slog.New(b.Handler(slog.DiscardHandler))
	if log.Enabled(t.Context(), slog.LevelError) {
		t.Fatal("what is not logged is kept")
	}
	var out strings.Builder
	log = slog.New(b.Handler(slog.NewTextHandler(&out, nil))).With("part", "x").WithGroup("g")
	for i := range maxLines + 10 {
		log.Info("line", "n", i)
	}
	log.Error("bad", "text", strings.Repeat("ñ", maxText))
	log.Debug("too fine")
	all := b.Lines(slog.LevelDebug, 0, 1<<20)
	if len(all) != maxLines || all[0].Seq != maxLines+11 || all[1].Text != "line part=x g.n=2009" {
		t.Fatalf("%d lines, newest %d: %q", len(all), all[0].Seq, all[1].Text)
	}
	if len(all[0].Text) > maxText+3 || !strings.HasPrefix(all[0].Text, "bad part=x") {
		t.Errorf("%d bytes", len(all[0].Text))
	}
	if errs := b.Lines(slog.LevelError, 0, 10); len(errs) != 1 {
		t.Errorf("%d errors", len(errs))
	}
	if page := b.Lines(slog.LevelInfo, all[4].Seq, 5); len(page) != 5 || page[0].Seq != all[5].Seq {
		t.Errorf("%+v", page)
	}
	if !strings.Contains(out.String(), "g.n=0") {
		t.Error("the next handler was told nothing")
	}
}

func TestEmptyBook(t *testing.T) {
	t.Parallel()
	if lines := New().Lines(slog.LevelDebug, 0, 10); len(lines) != 0 {
		t.Errorf("%+v", lines)
	}
}
