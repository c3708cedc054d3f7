package dataset

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/predict"
	"gourdian/internal/wire"
)

// oracle says of each picture, whose bytes are its hash, what it was told to say.
type oracle struct {
	model string
	says  map[string]map[string]float64
	busy  int // times that there is no room
	asked int
}

func (o *oracle) State() predict.State { return predict.State{Model: &predict.Model{ID: o.model}} }

func (o *oracle) Reserve(int) (func(), error) {
	if o.busy > 0 {
		o.busy--
		return nil, predict.ErrBusy
	}
	return func() {}, nil
}

func (o *oracle) Predict(_ context.Context, files [][]byte) ([]predict.Result, predict.Model, error) {
	o.asked++
	r := predict.Result{Probabilities: o.says[string(files[0])]}
	if r.Probabilities == nil {
		r.Err = errors.New("broken")
	}
	return []predict.Result{r}, predict.Model{ID: o.model}, nil
}

func TestDoubtfulAreDisputedLabelsAndThoseTheChampionContradicts(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld()
		var names []string
		for i := range 6 {
			names = append(names, w.picture("b", i, 0).Hash)
			w.say(names[i], "ana", label.DidLabel, wire.Good)
		}
		w.say(names[1], "ben", label.DidLabel, wire.Bad)  // disputed
		w.say(names[2], "ben", label.DidLabel, wire.Good) // two against the model
		w.write(t, d)
		o := &oracle{model: "m1", busy: 1, says: map[string]map[string]float64{
			names[0]: {"good": 0.04, "bad": 0.96}, names[1]: {"good": 0.99}, names[2]: {"bad": 0.99},
			names[3]: {"good": 0.4, "bad": 0.6}, names[4]: {"good": 0.98, "bad": 0.02},
		}}
		var orders []Opinions
		s := storeOn(t, d)
		doubts := NewDoubts(s, o, func(_ context.Context, w Opinions) error {
			orders = append(orders, w)
			return nil
		}, slog.New(slog.DiscardHandler))
		if err := doubts.orderMissing(t.Context()); err != nil || len(orders) != 1 || orders[0].Model != "m1" {
			t.Fatal(orders, err)
		}
		if did, err := doubts.Ask(t.Context(), orders[0], func(int, int) {}); err != nil || did != (Asked{Asked: 5, Unreadable: 1}) {
			t.Fatal(did, err)
		}
		if err := doubts.orderMissing(t.Context()); err != nil || len(orders) != 1 || o.asked != 6 {
			t.Errorf("it is asked twice: %v, %d, %v", orders, o.asked, err)
		}
		list, err := doubts.Doubtful(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		if a, b := list[0], list[1]; a.Image != names[1] || !a.Disagree || b.Image != names[0] || b.Disagree || b.Class != wire.Bad || b.Probability != 0.96 || b.By != "ana" {
			t.Errorf("%+v", list)
		}
		o.model = "m2" // has not said anything yet
		if list, err := doubts.Doubtful(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := doubts.Ask(t.Context(), Opinions{"m1b"}, func(int, int) {}); !errors.Is(err, errMoved) {
			t.Errorf("what another model says was kept: %v", err)
		}
	})
}
