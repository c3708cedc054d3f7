package cloud

import (
	"testing"

	"gourdian/cloud/internal/predict"
)

func TestChampionThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state predict.State
		codes int
	}{
		"well":    {predict.State{Waiting: 3}, 0},
		"failing": {predict.State{Err: "golden frames"}, 1},
		"unfit":   {predict.State{Err: "other preprocessing", Unfit: true}, 1},
		"full":    {predict.State{Waiting: 9, Err: "x"}, 2},
	} {
		if got := checkPredict(func() predict.State { return tc.state }, 10)(t.Context()); len(got) != tc.codes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWorkersOfAnotherTimeAreNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		worker predict.Worker
		code   string
	}{
		"of this version":    {predict.Worker{Program: "w", Version: "v1"}, ""},
		"not up yet":         {predict.Worker{Program: "w"}, ""},
		"of another version": {predict.Worker{Program: "w", Version: "v2"}, "workers_version"},
		"another protocol":   {predict.Worker{Program: "w", Version: "v1", Mismatch: "protocol 2"}, "workers_mismatch"},
	} {
		got := checkWorkers("v1", func() predict.Worker { return tc.worker })(t.Context())
		if tc.code == "" && len(got) != 0 || tc.code != "" && (len(got) != 1 || got[0].Code != tc.code) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
