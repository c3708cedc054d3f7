//go:build workers

package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/testbed"
)

// rolled is a rollout as the hub tells it.
type rolled struct {
	ID     string
	State  string
	Why    string
	Counts map[string]int
	Boards []struct {
		Device, State, Stage, Step, Why string
		Done                            int64 `json:"done_bytes"`
		Total                           int64 `json:"total_bytes"`
		Reused                          int64 `json:"reused_bytes"`
	}
}

// ctl runs gourdianctl as the hub's admin.
func (r *rig) ctl(args ...string) string {
	r.t.Helper()
	c := exec.CommandContext(r.t.Context(), testbed.Program(r.t, "gourdianctl"), append(args, "--hub", r.hub.Plain)...)
	c.Env = append(os.Environ(), "GOURDIAN_TOKEN="+r.hub.Token)
	said, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%v: %v\n%s%s", args, err, said, r.hub.Words())
	}
	return string(said)
}

// rollOut starts a rollout of a version to all boards, one after the other.
func (r *rig) rollOut(version int, plan map[string]any) (id string) {
	r.t.Helper()
	var one rolled
	r.ask(http.MethodPost, r.hub.Plain+"/api/v1/rollouts", map[string]any{"version": version, "reason": "a test of rollouts", "plan": plan}, &one)
	return one.ID
}

func (r *rig) rolled(id string) (one rolled) {
	if err := r.try(http.MethodGet, r.hub.Plain+"/api/v1/rollouts/"+id, nil, &one); err != nil {
		return rolled{} // the hub is just dead
	}
	return one
}

// at waits until a rollout's board is where it should be, and returns it.
func (r *rig) at(id string, b *board, what string, is func(stage, state string) bool) {
	r.t.Helper()
	r.until(b.name+" "+what, func() bool {
		for _, one := range r.rolled(id).Boards {
			if one.Device == b.device {
				if one.State == "failed" && !is(one.Stage, one.State) {
					r.t.Fatalf("%s refuses the model at %s: %s%s", b.name, one.Step, one.Why, b.Words())
				}
				return is(one.Stage, one.State)
			}
		}
		return false
	})
}

// runs is the bundle that a board says to run.
func (r *rig) runs(b *board) string {
	var known struct{ Model string }
	if r.try(http.MethodGet, r.hub.Plain+"/api/v1/boards/"+b.device, nil, &known) != nil {
		return ""
	}
	return known.Model
}

// idOf is a bundle's id.
func idOf(t *testing.T, path string) string {
	t.Helper()
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return b.ID
}

// TestModelComesToBoardsThroughFaults: a new model is promoted and rolled out;
// one board is killed and the other one's network is cut while they take it, and
// both run it in the end. One that bears a wrong signature is refused by its
// stage, the one before serving on. Aborting brings back what was there before.
func TestModelComesToBoardsThroughFaults(t *testing.T) {
	t.Parallel()
	bundles, pictures := train(t, 3)
	// Slow enough that a fault comes while pieces are under way.
	r := newRig(t, "GOURDIAN_HUB_ROLLOUT_KB_PER_SECOND=12")
	for _, name := range []string{"north", "south"} {
		r.addBoard(name, bundles[0], pictures, quickTrial()...)
	}
	own, first := idOf(t, bundles[0]), idOf(t, bundles[1])
	for _, b := range r.boards {
		r.goOn(b)
	}
	r.ctl("model", "push", bundles[1])
	r.ctl("model", "promote", "1", "--reason", "the first")
	id := r.rollOut(1, map[string]any{"waves": []string{"1", "100%"}})
	canary := r.first(id)
	other := r.boards[1-slices.Index(r.boards, canary)]
	taking := func(stage, _ string) bool { return stage == "downloading" }
	r.at(id, canary, "takes the model", taking)
	canary.Kill()
	canary.start(t)
	r.at(id, canary, "runs the model after it was killed", func(_, state string) bool { return state == "runs" })
	r.at(id, other, "takes the model", taking)
	other.relay.SetCut(true)
	r.goOn(other)
	other.relay.SetCut(false)
	r.at(id, other, "runs the model after its network was cut", func(_, state string) bool { return state == "runs" })
	r.until("the end of the rollout", func() bool { return r.rolled(id).State == "done" })
	for _, b := range r.boards {
		r.until(b.name+" to say that it runs the model", func() bool { return r.runs(b) == first })
		r.goOn(b)
	}
	r.report(id, bundles[1])

	r.wrongSignature(bundles[2], first)

	r.ctl("rollout", "abort", id, "--reason", "a test", "--revert")
	for _, b := range r.boards {
		r.until(b.name+" to run its own model again", func() bool { return r.runs(b) == own })
		r.goOn(b)
	}
}

// first is the board of a rollout's first wave.
func (r *rig) first(id string) *board {
	r.t.Helper()
	var found *board
	r.until("the first wave", func() bool {
		for _, one := range r.rolled(id).Boards {
			for _, b := range r.boards {
				if b.device == one.Device && one.State != "queued" {
					found = b
				}
			}
		}
		return found != nil
	})
	return found
}

// report says how many bytes a new head cost beside the whole.
func (r *rig) report(id, path string) {
	r.t.Helper()
	whole, err := os.Stat(path)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, b := range r.rolled(id).Boards {
		took := b.Total - b.Reused
		r.t.Logf("a new head: %d bytes of pieces to %s, %d reused, the whole bundle has %d: %.1f %%", took, b.Device, b.Reused, whole.Size(),
			100*float64(took)/float64(whole.Size()))
		if b.Reused == 0 || took > whole.Size()/5 {
			r.t.Errorf("%s took %d of %d bytes", b.Device, took, whole.Size())
		}
	}
}

// wrongSignature lets a board be shown a list of models that the hub's disk
// changed after it was signed.
func (r *rig) wrongSignature(path, serves string) {
	r.t.Helper()
	r.ctl("model", "push", path)
	for _, b := range r.boards {
		b.relay.SetCut(true)
	}
	id := r.rollOut(2, map[string]any{"waves": []string{"100%"}})
	r.tamper()
	for _, b := range r.boards {
		b.relay.SetCut(false)
	}
	r.until("the rollout to stop", func() bool { return r.rolled(id).State == "stopped" })
	stopped := r.rolled(id)
	if !strings.Contains(stopped.Why, "signature") {
		r.t.Errorf("it stopped because of %q", stopped.Why)
	}
	for _, b := range r.boards {
		if now := r.runs(b); now != serves {
			r.t.Errorf("%s runs %.12s meanwhile", b.name, now)
		}
		r.goOn(b)
	}
	r.ctl("rollout", "abort", id, "--reason", "it is not what was signed")
}

// tamper changes the newest list of models on the hub's disk.
func (r *rig) tamper() {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "hub", "trust", "*.targets.json"))
	if err != nil || len(files) == 0 {
		r.t.Fatalf("the hub has signed nothing: %v", err)
	}
	newest := slices.Max(files) // numbers are seconds, of one length
	data, err := os.ReadFile(newest)
	if err != nil {
		r.t.Fatal(err)
	}
	changed := bytes.Replace(data, []byte(`"custom":{"version":2`), []byte(`"custom":{"version":3`), 1)
	if bytes.Equal(changed, data) {
		r.t.Fatalf("nothing to change in %s", data)
	}
	if err := os.WriteFile(newest, changed, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// quickTrial is a short time to prove itself for a new model.
func quickTrial() []string {
	return []string{"GOURDIAN_AGENT_UPDATE_FRAMES=150", "GOURDIAN_AGENT_UPDATE_SHADOW=20", "GOURDIAN_AGENT_UPDATE_SOAK=5"}
}
