package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// maxPutAway bounds what is kept of a broken record, in bytes.
const maxPutAway = 16 << 10

// stream is how far the hub has the records of a device and epoch.
type stream struct {
	bun.BaseModel `bun:"table:stream,alias:st"`

	Device  string `bun:"device,pk"`
	Epoch   string `bun:"epoch,pk"`
	Through int64  `bun:"through"`
	Begun   int64  `bun:"begun_at"`
	Moved   int64  `bun:"moved_at"`
}

// Record is a record as the hub has it.
type Record struct {
	bun.BaseModel `bun:"table:record,alias:r"`

	Device   string `bun:"device,pk"`
	Epoch    string `bun:"epoch,pk"`
	Seq      int64  `bun:"seq,pk"`
	Site     string `bun:"site"` // where the board stood when it was received
	Camera   string `bun:"camera"`
	Captured int64  `bun:"captured_at"` // micros of the field clock
	Received int64  `bun:"received_at"`
	Verdict  string `bun:"verdict"`
	Reason   string `bun:"reason"`
	Model    string `bun:"model"`
	Image    string `bun:"image"`
	Body     string `bun:"body"` // as the board wrote it
}

// putAway is a record that could not be read.
type putAway struct {
	bun.BaseModel `bun:"table:quarantine"`

	Device string `bun:"device,pk"`
	Epoch  string `bun:"epoch,pk"`
	Seq    int64  `bun:"seq,pk"`
	At     int64  `bun:"at"`
	Reason string `bun:"reason"`
	Body   string `bun:"body"`
}

// outcome is what became of a batch in the transaction that was committed.
type outcome struct {
	ack                           wire.Ack
	records, repeated, lost, away int
	early                         bool
}

// records makes a job of a batch.
func (i *Ingest) records(m broker.Message, batch wire.Batch) *job {
	var o outcome
	j := &job{}
	j.apply = func(ctx context.Context, tx bun.Tx) (err error) {
		o, err = i.take(ctx, tx, m, batch)
		return err
	}
	j.after = func() {
		i.stats.records.Add(uint64(o.records))
		i.stats.repeated.Add(uint64(o.repeated))
		i.stats.lost.Add(uint64(o.lost))
		i.stats.quarantined.Add(uint64(o.away))
		if o.early {
			i.stats.early.Add(1)
		}
		for _, r := range o.ack.Rejected {
			i.config.Log.Warn("a record is not kept", "do", string(r.Do), "device", m.Device, "epoch", batch.Epoch, "seq", r.Seq, "reason", r.Reason)
		}
		i.say(m.Device, wire.TopicAck, o.ack)
	}
	return j
}

// take writes a batch.
func (i *Ingest) take(ctx context.Context, tx bun.Tx, m broker.Message, batch wire.Batch) (outcome, error) {
	o := outcome{ack: wire.Ack{Contract: wire.Contract, Epoch: batch.Epoch}}
	now := db.Micros(m.At)
	st, site, err := position(ctx, tx, m.Device, batch.Epoch, now)
	if err != nil {
		return o, err
	}
	through := uint64(st.Through)
	if batch.Oldest > through+1 {
		if err := mourn(ctx, tx, m.Device, batch.Epoch, through+1, batch.Oldest-1, now); err != nil {
			return o, err
		}
		o.lost = int(batch.Oldest - 1 - through)
		through = batch.Oldest - 1
	}
	var rows []Record
	var away []putAway
	o.early = batch.First > through+1
batch:
	for n, raw := range batch.Records {
		seq := batch.First + uint64(n)
		switch {
		case o.early:
		case seq <= through:
			o.repeated++
		default:
			record, err := read(raw, m.Device, batch.Epoch, seq)
			if err != nil && batch.Contract > wire.Contract {
				// Not broken, but of a program that knows more: it stays on the board
				// until this one does too.
				o.ack.Rejected = append(o.ack.Rejected, wire.Rejection{Seq: seq, Reason: wire.Text(err.Error(), wire.MaxText), Do: wire.Retry})
				break batch
			}
			through = seq
			if err != nil {
				reason := wire.Text(err.Error(), wire.MaxText)
				o.ack.Rejected = append(o.ack.Rejected, wire.Rejection{Seq: seq, Reason: reason, Do: wire.Quarantine})
				away = append(away, putAway{Device: m.Device, Epoch: batch.Epoch, Seq: int64(seq), At: now, Reason: reason, Body: safe(raw)})
				continue
			}
			rows = append(rows, row(record, raw, site, now))
		}
	}
	o.records, o.away, o.ack.Through = len(rows), len(away), through
	if through == uint64(st.Through) {
		return o, nil
	}
	if err := insert(ctx, tx, rows, away); err != nil {
		return o, err
	}
	if err := count(ctx, tx, rows); err != nil {
		return o, err
	}
	st.Through, st.Moved = int64(through), now
	if _, err := tx.NewUpdate().Model(&st).Column("through", "moved_at").WherePK().Exec(ctx); err != nil {
		return o, fmt.Errorf("move on: %w", err)
	}
	return o, nil
}

// position returns how far a stream is, which begins where there is none, and
// the site of its board.
func position(ctx context.Context, tx bun.Tx, device, epoch string, now int64) (stream, string, error) {
	st := stream{Device: device, Epoch: epoch, Begun: now, Moved: now}
	if _, err := tx.NewInsert().Model(&st).On("CONFLICT (device, epoch) DO NOTHING").Exec(ctx); err != nil {
		return st, "", fmt.Errorf("begin a stream: %w", err)
	}
	if err := tx.NewSelect().Model(&st).WherePK().Scan(ctx); err != nil {
		return st, "", fmt.Errorf("read a stream: %w", err)
	}
	var site string
	if err := tx.NewSelect().Table("board").Column("site").Where("device = ?", device).Scan(ctx, &site); err != nil {
		return st, "", fmt.Errorf("read the site of %s: %w", device, err)
	}
	return st, site, nil
}

// read decodes a record and holds that it is the one that it is said to be.
func read(raw []byte, device, epoch string, seq uint64) (wire.Record, error) {
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return wire.Record{}, fmt.Errorf("%w: no UTF-8", wire.ErrRecord)
	}
	r, err := wire.DecodeRecord(raw)
	if err != nil {
		return r, err
	}
	if r.Device != device || r.Epoch != epoch || r.Seq != seq {
		return r, fmt.Errorf("%w: it names itself %s/%s/%d", wire.ErrRecord, r.Device, r.Epoch, r.Seq)
	}
	return r, nil
}

// safe makes text that every database keeps of what may be anything.
func safe(raw []byte) string {
	text := strings.ToValidUTF8(string(raw[:min(len(raw), maxPutAway)]), "\uFFFD")
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

func row(r wire.Record, raw []byte, site string, now int64) Record {
	return Record{
		Device: r.Device, Epoch: r.Epoch, Seq: int64(r.Seq), Site: site, Camera: r.Camera,
		Captured: r.CapturedAt.UnixMicro(), Received: now, Verdict: string(r.Verdict), Reason: string(r.Reason),
		Model: r.Model, Image: r.Image, Body: string(raw),
	}
}

func insert(ctx context.Context, tx bun.Tx, rows []Record, away []putAway) error {
	if len(rows) > 0 {
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
	if len(away) > 0 {
		if _, err := tx.NewInsert().Model(&away).Exec(ctx); err != nil {
			return fmt.Errorf("put records away: %w", err)
		}
	}
	return nil
}

// mourn writes down which records a board says it no longer has.
func mourn(ctx context.Context, tx bun.Tx, device, epoch string, first, last uint64, now int64) error {
	_, err := tx.NewRaw("INSERT INTO lost_records (device, epoch, first, last, at) VALUES (?, ?, ?, ?, ?)", device, epoch, int64(first), int64(last), now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write down lost records: %w", err)
	}
	return nil
}

// Day is how counts name a day of the field clock, in UTC.
func Day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// tallied is one number of the counts.
type tallied struct{ day, site, device, camera, verdict string }

// count adds records to the counts of the pages.
func count(ctx context.Context, tx bun.Tx, rows []Record) error {
	counts := map[tallied]int64{}
	for _, r := range rows {
		counts[tallied{Day(db.Time(r.Captured)), r.Site, r.Device, r.Camera, r.Verdict}]++
	}
	for key, n := range counts {
		_, err := tx.NewRaw("INSERT INTO tally (day, site, device, camera, verdict, n) VALUES (?, ?, ?, ?, ?, ?)"+
			" ON CONFLICT (day, site, device, camera, verdict) DO UPDATE SET n = tally.n + EXCLUDED.n",
			key.day, key.site, key.device, key.camera, key.verdict, n).Exec(ctx)
		if err != nil {
			return fmt.Errorf("count records: %w", err)
		}
	}
	return nil
}
