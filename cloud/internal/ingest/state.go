package ingest

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// state makes a job of what a board says of itself. The answer is how far the
// hub has its records, which may be less than the board remembers, and what is
// desired of it, where it doesn't know that.
func (i *Ingest) state(m broker.Message, state wire.State) *job {
	var board fleet.Board
	var st stream
	var erase []wire.Want
	kick := false
	j := &job{}
	j.apply = func(ctx context.Context, tx bun.Tx) (err error) {
		if board, err = i.config.Fleet.Report(ctx, tx, m.Device, state, m.At); err != nil || !state.Online {
			return err
		}
		if i.config.Models != nil {
			if kick, err = i.config.Models.Report(ctx, tx, m.Device, state); err != nil {
				return err
			}
		}
		if st, _, err = position(ctx, tx, m.Device, state.Epoch, db.Micros(m.At)); err != nil {
			return err
		}
		if erase = nil; i.config.Samples != nil && state.Contract >= wire.EraseSince {
			erase, err = i.config.Samples.Erasures(ctx, tx, m.Device)
		}
		return err
	}
	j.after = func() {
		if !state.Online {
			return
		}
		i.say(m.Device, wire.TopicAck, wire.Ack{Contract: wire.Contract, Epoch: state.Epoch, Through: uint64(st.Through)})
		if state.Desired.Version != uint64(board.Wish) {
			i.say(m.Device, wire.TopicDesired, i.config.Fleet.Desired(board))
		}
		if kick {
			i.config.Models.Kick()
		}
		i.askToErase(m.Device, erase)
	}
	return j
}

// summary makes a job of an hour's counts. They are the board's own, so a later
// summary of an hour replaces an earlier one.
func (i *Ingest) summary(m broker.Message, s wire.Summary) *job {
	return &job{apply: func(ctx context.Context, tx bun.Tx) error {
		hour := s.Hour.UnixMicro()
		_, err := tx.NewDelete().Table("hour_summary").Where("device = ?", m.Device).Where("epoch = ?", s.Epoch).Where("hour = ?", hour).Exec(ctx)
		if err != nil {
			return fmt.Errorf("replace a summary: %w", err)
		}
		for camera, counts := range s.Cameras {
			if len(counts) == 0 {
				counts = wire.Counts{"": 0} // nothing came, and that was said
			}
			for verdict, n := range counts {
				_, err := tx.NewRaw("INSERT INTO hour_summary (device, epoch, hour, camera, verdict, n) VALUES (?, ?, ?, ?, ?, ?)",
					m.Device, s.Epoch, hour, camera, string(verdict), int64(n)).Exec(ctx)
				if err != nil {
					return fmt.Errorf("write a summary: %w", err)
				}
			}
		}
		if i.config.Sketches == nil {
			return nil
		}
		return i.config.Sketches.Take(ctx, tx, m.Device, s)
	}}
}

// ask hands on what a board asks for. The answer comes when it is its turn.
func (i *Ingest) ask(m broker.Message) error {
	ask, err := wire.DecodeAsk(m.Payload)
	if err != nil || i.config.Models == nil {
		i.stats.unreadable.Add(1)
		return nil // as for all that makes no sense
	}
	i.config.Models.Ask(m.Device, ask)
	i.stats.messages.Add(1)
	return nil
}

// sample hands on what is said about a picture. Its answer travels at once.
func (i *Ingest) sample(ctx context.Context, m broker.Message) error {
	header, piece, err := wire.DecodeSample(m.Payload)
	if err != nil || i.config.Samples == nil {
		i.unfit(ctx, m)
		i.stats.unreadable.Add(1)
		return nil // as for all that makes no sense
	}
	if header.Erased {
		next, err := i.config.Samples.Erased(ctx, m.Device, header.Hash)
		if err == nil {
			i.stats.messages.Add(1)
			i.askToErase(m.Device, next)
		}
		return err
	}
	board, err := i.config.Fleet.Board(ctx, m.Device)
	if err != nil {
		return err
	}
	var want wire.Want
	from := sample.Board{Device: m.Device, Site: board.Site}
	if header.Offer != nil {
		want, err = i.config.Samples.Offer(ctx, from, *header.Offer)
	} else {
		want, err = i.config.Samples.Piece(ctx, from, header, piece)
	}
	if err != nil {
		return fmt.Errorf("keep a picture: %w", err)
	}
	i.stats.messages.Add(1)
	i.say(m.Device, wire.TopicWant, want)
	return nil
}

// askToErase tells a board which pictures it is to erase.
func (i *Ingest) askToErase(device string, erase []wire.Want) {
	for _, want := range erase {
		i.say(device, wire.TopicWant, want)
	}
}

// unfit notes of a message that can't be read which contract it is of: that may
// be why, and people are told.
func (i *Ingest) unfit(ctx context.Context, m broker.Message) {
	contract, ok := wire.ContractOf(m.Payload)
	if !ok || wire.FitOf(contract) == wire.Fits {
		return
	}
	err := i.submit(ctx, &job{apply: func(ctx context.Context, tx bun.Tx) error {
		return i.config.Fleet.Spoke(ctx, tx, m.Device, contract)
	}})
	if err != nil {
		i.config.Log.Warn("the contract of a board is not kept", "device", m.Device, "contract", contract, "error", err)
	}
}
