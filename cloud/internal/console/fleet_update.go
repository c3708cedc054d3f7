package console

import (
	"context"
	"time"

	"gourdian/internal/web"
)

// updateView is how a board stands in its newest rollout.
type updateView struct {
	ID, Title string
	State     stateWord
	Said      string
	When      web.Moment
	Bytes     string // of models that it was given lately
}

// deliveredDays is how many days of bytes are summed up.
const deliveredDays = 30

// update tells it; nil = it was never a part of one.
func (f *Fleet) update(ctx context.Context, v *voice, device string) (*updateView, error) {
	if f.Models == nil {
		return nil, nil
	}
	one, board, ok, err := f.Models.Of(ctx, device)
	if err != nil || !ok {
		return nil, err
	}
	state, said := v.rolloutBoard(board)
	view := &updateView{ID: one.ID, Title: v.Say("hub.rollouts.number", "number", one.Number), State: state, Said: said, When: v.ago(board.Changed())}
	days, err := f.Bytes.Days(ctx, device, time.Now().AddDate(0, 0, 1-deliveredDays))
	sum := int64(0)
	for _, day := range days {
		sum += day.N
	}
	if sum > 0 {
		view.Bytes = v.Say("hub.rollouts.bytes_day", "bytes", v.Bytes(sum), "days", deliveredDays)
	}
	return view, err
}
