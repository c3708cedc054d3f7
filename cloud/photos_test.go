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
		"full":    {predict.State{Waiting: 9, Err: "x"}, 2},
	} {
		if got := checkPredict(func() predict.State { return tc.state }, 10)(t.Context()); len(got) != tc.codes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
