package sample

import (
	"bytes"
	"context"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/internal/vision"
)

// TestWhatIsProbablyNoPumpkinIsRefusedUnlessItIsWanted: with its reason, and not
// where a folder says what it is or nobody can say.
func TestWhatIsProbablyNoPumpkinIsRefusedUnlessItIsWanted(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		lorry, _, _, err := (&painter{}).Prepare(t.Context(), []byte("noise 2"))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		champion := func(_ context.Context, in vision.Tensor) (doubt, known bool) {
			asked++
			return bytes.Equal(in, lorry), true
		}
		data := archive(t, [][2]string{{"a/1.jpg", "noise 1"}, {"a/2.jpg", "noise 2"}, {"not_pumpkin/2.jpg", "noise 2"}, {"a/dark.jpg", "dark 3"}, {"a/1again.jpg", "noise 1"}})
		run := func(r *rig, how Import) Report {
			t.Helper()
			asked, how.Name = 0, "set.zip"
			report, err := r.ImportZip(t.Context(), bytes.NewReader(data), int64(len(data)), how)
			if err != nil {
				t.Fatal(err)
			}
			return report
		}
		r := newRig(t, d, nil)
		if report := run(r, Import{}); report.Taken != 2 || report.Unasked != 2 || report.Refused[Unlikely] != 0 || report.Refused[Duplicate] != 2 {
			t.Errorf("without a champion: %+v", report)
		}
		for _, one := range []string{"noise 1", "noise 2"} { // gone without a trace, for the next rounds
			if _, err := d.Write().NewDelete().Model((*Sample)(nil)).Where("hash = ?", r.line(t, one).Hash).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.config.Doubts = champion
		report := run(r, Import{})
		if report.Taken != 1 || report.Refused[Unlikely] != 2 || report.Unasked != 0 || asked != 3 || report.Files[0] != (Refusal{"a/2.jpg", Unlikely}) {
			t.Errorf("with one that was asked %d times: %+v", asked, report)
		}
		report = run(r, Import{Said: func(folder string) bool { return folder == "not_pumpkin" }})
		if report.Taken != 1 || report.Refused[Unlikely] != 1 || r.line(t, "noise 2").Queue != QueuedByRule {
			t.Errorf("where its folder says what it is: %+v", report)
		}
		if _, err := d.Write().NewDelete().Model((*Sample)(nil)).Where("hash = ?", r.line(t, "noise 2").Hash).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		report = run(r, Import{KeepUnlikely: true})
		if report.Taken != 1 || report.Doubtful != 1 || r.line(t, "noise 2").Queue != QueuedByHand {
			t.Errorf("taken all the same: %+v, queue %q", report, r.line(t, "noise 2").Queue)
		}
	})
}
