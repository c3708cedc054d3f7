package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

func (b *Batch) check() error {
	err := errors.Join(
		checkContract(b.Contract),
		checkID("epoch", b.Epoch),
		checkThat(b.First >= 1, "first: counts from 1"),
		checkThat(len(b.Records) >= 1 && len(b.Records) <= MaxBatchRecords, "records: %d, allowed are 1 to %d", len(b.Records), MaxBatchRecords),
		checkThat(b.Oldest <= b.First, "oldest: %d is newer than the first, %d", b.Oldest, b.First),
		checkThat(b.First <= maxSeq, "first: %d is beyond any board", b.First),
	)
	for i, raw := range b.Records {
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			return errors.Join(err, fmt.Errorf("records: the one of number %d is missing", b.First+uint64(i)))
		}
	}
	return err
}

// maxSeq keeps sums of numbers within what databases can hold.
const maxSeq = 1 << 62

func (a *Ack) check() error {
	err := errors.Join(
		checkContract(a.Contract),
		checkID("epoch", a.Epoch),
		checkThat(a.Through <= maxSeq, "through: %d is beyond any board", a.Through),
		checkThat(len(a.Rejected) <= MaxBatchRecords, "rejected: %d, at most %d", len(a.Rejected), MaxBatchRecords),
	)
	for _, r := range a.Rejected {
		err = errors.Join(err,
			checkThat(r.Seq >= 1 && r.Seq <= maxSeq, "rejected: the number %d", r.Seq),
			checkText("rejected: reason", r.Reason, MaxText),
			checkThat(r.Do == Retry || r.Do == Quarantine, "rejected: %q is nothing to do", r.Do))
	}
	return err
}

func (s *State) check() error {
	err := errors.Join(checkContract(s.Contract), checkID("boot", s.Boot))
	if !s.Online || err != nil { // a last will says nothing else
		return err
	}
	err = errors.Join(
		checkTime("at", s.At), checkTime("started", s.Started),
		checkThat(s.Clock == ClockSynced || s.Clock == ClockEstimated || s.Clock == ClockUnknown, "clock: %q is unknown", s.Clock),
		checkID("epoch", s.Epoch),
		checkThat(s.LastSeq <= maxSeq && s.Unsent <= s.LastSeq, "unsent: %d of %d records", s.Unsent, s.LastSeq),
		checkText("versions", s.Versions.Agent+s.Versions.OnnxRuntime+s.Versions.Preprocess, MaxText),
		checkText("board", s.Board.Arch+s.Board.Profile, MaxText),
		checkThat(s.Board.Temperature > -maxNumber && s.Board.Temperature < maxNumber, "board: %v degrees", s.Board.Temperature),
		checkThat(s.Board.FreeDisk >= 0 && s.Board.Memory >= 0, "board: negative room"),
		checkThat(s.Store.PictureBytes >= 0 && s.Store.PictureQuota >= 0, "store: negative room"),
		checkText("desired: error", s.Desired.Error, MaxText),
		checkThat(len(s.Cameras) <= MaxCameras, "cameras: %d, at most %d", len(s.Cameras), MaxCameras),
		checkThat(len(s.Conditions) <= MaxConditions, "conditions: %d, at most %d", len(s.Conditions), MaxConditions),
	)
	if err != nil {
		return err
	}
	if s.Model != nil {
		err = s.Model.check()
	}
	if s.Update != nil {
		err = errors.Join(err, s.Update.check())
	}
	for i := range s.Cameras {
		err = errors.Join(err, s.Cameras[i].check())
	}
	for i := range s.Conditions {
		err = errors.Join(err, s.Conditions[i].check())
	}
	return err
}

func (m *ModelState) check() error {
	return errors.Join(
		checkHash("model: bundle", m.Bundle),
		checkText("model: name", m.Name, MaxName),
		checkOptionalID("model: variant", m.Variant),
		checkText("model: provider", m.Provider, MaxName),
		checkWithin("model: infer_ms", m.InferMillis, maxNumber),
		checkText("model: trained_on", m.TrainedOn, MaxName),
	)
}

func (c *CameraState) check() error {
	err := errors.Join(
		checkID("camera", c.ID),
		checkText("camera: name", c.Name, MaxName),
		checkText("camera: source", c.Source, MaxName),
		checkWithin("camera: frames_per_second", c.FPS, maxNumber),
	)
	if c.FrameAt != nil {
		err = errors.Join(err, checkTime("camera: frame_at", *c.FrameAt))
	}
	return err
}

func (c *ConditionState) check() error {
	err := errors.Join(
		checkID("condition", c.Code),
		checkThat(c.Severity == "info" || c.Severity == "warning" || c.Severity == "serious", "condition: the severity %q", c.Severity),
		checkText("condition: subject", c.Subject, MaxName),
		checkThat(len(c.Args) <= MaxArgs, "condition: %d args, at most %d", len(c.Args), MaxArgs),
		checkTime("condition: since", c.Since),
	)
	for name, value := range c.Args {
		err = errors.Join(err, checkID("condition: arg", name), checkText("condition: arg "+name, value, MaxText))
	}
	return err
}

func (d *Desired) check() error {
	err := errors.Join(
		checkContract(d.Contract),
		checkThat(d.Version <= maxSeq, "version: %d", d.Version),
		checkText("name", d.Name, MaxName),
		checkText("site", d.Site, MaxName),
		checkRoot(d.Root),
	)
	if d.Model != nil {
		err = errors.Join(err, d.Model.check())
	}
	return err
}

func (s *Summary) check() error {
	err := errors.Join(
		checkContract(s.Contract),
		checkID("epoch", s.Epoch),
		checkTime("hour", s.Hour),
		checkThat(s.Hour.Equal(s.Hour.Truncate(time.Hour)), "hour: %v is no full hour", s.Hour),
		checkThat(len(s.Cameras) <= MaxCameras, "cameras: %d, at most %d", len(s.Cameras), MaxCameras),
	)
	for id, counts := range s.Cameras {
		err = errors.Join(err, checkID("camera", id),
			checkThat(len(counts) <= MaxClasses, "camera: %d verdicts, at most %d", len(counts), MaxClasses))
		for v, n := range counts {
			err = errors.Join(err, checkName("verdict", string(v)), checkThat(n <= maxSeq, "verdict: %d of them", n))
		}
	}
	err = errors.Join(err, checkThat(len(s.Sketches) <= MaxSketches, "sketches: %d, at most %d", len(s.Sketches), MaxSketches))
	for _, one := range s.Sketches {
		err = errors.Join(err, checkID("sketch: camera", one.Camera), checkHash("sketch: model", one.Model), checkID("sketch: variant", one.Variant),
			checkThat(len(one.Data) >= 1 && len(one.Data) <= MaxSketch, "sketch: %d bytes, allowed are 1 to %d", len(one.Data), MaxSketch))
	}
	return err
}

func (l *LogLines) check() error {
	err := errors.Join(
		checkContract(l.Contract),
		checkThat(len(l.Lines) <= MaxLogLines, "lines: %d, at most %d", len(l.Lines), MaxLogLines),
	)
	for _, line := range l.Lines {
		err = errors.Join(err, checkTime("at", line.At), checkID("level", line.Level), checkText("text", line.Text, MaxText))
	}
	return err
}

func (w *Want) check() error {
	return errors.Join(
		checkContract(w.Contract),
		checkHash("hash", w.Hash),
		checkThat(w.Offset >= 0 && w.Offset <= MaxSampleBytes, "offset: %d", w.Offset),
		checkText("refuse", w.Refuse, MaxText),
		checkThat(!w.Erase || w.Refuse != "" && w.Offset == 0, "erase: a picture that is wanted"),
	)
}

// check looks at a header with a body of so many bytes.
func (h *SampleHeader) check(body int) error {
	if err := checkContract(h.Contract); err != nil {
		return err
	}
	if h.Offer != nil {
		return errors.Join(h.Offer.check(), checkThat(body == 0 && h.Hash == "" && !h.Erased, "an offer is no piece of a picture"))
	}
	if h.Erased {
		return errors.Join(checkHash("hash", h.Hash), checkThat(body == 0 && h.Offset == 0 && h.Total == 0, "what was erased has no bytes"))
	}
	return errors.Join(
		checkHash("hash", h.Hash),
		checkThat(h.Total >= 1 && h.Total <= MaxSampleBytes, "total: %d bytes, allowed are 1 to %d", h.Total, MaxSampleBytes),
		checkThat(body >= 1 && body <= MaxChunk, "a piece of %d bytes, allowed are 1 to %d", body, MaxChunk),
		checkThat(h.Offset >= 0 && h.Offset <= h.Total-int64(body), "offset: %d and %d bytes of %d", h.Offset, body, h.Total),
	)
}

func (s *Sample) check() error {
	err := errors.Join(
		checkHash("hash", s.Hash),
		checkThat(s.Bytes >= 1 && s.Bytes <= MaxSampleBytes, "bytes: %d, allowed are 1 to %d", s.Bytes, MaxSampleBytes),
		checkID("epoch", s.Epoch),
		checkThat(s.Seq >= 1 && s.Seq <= maxSeq, "seq: %d", s.Seq),
		checkTime("captured_at", s.CapturedAt),
		checkID("camera", s.Camera),
		checkOptionalID("zone", s.Zone),
		checkWithin("worth", s.Worth, 1),
		checkName("verdict", string(s.Verdict)),
	)
	if s.Correction != "" {
		err = errors.Join(err, checkName("correction", string(s.Correction)))
	}
	switch s.Why {
	case WhyUnsure, WhyNotPumpkin, WhyRandom, WhyCorrection:
		return err
	default:
		return errors.Join(err, fmt.Errorf("why: %q is unknown", s.Why))
	}
}

func (r *JoinRequest) check() error {
	return errors.Join(
		checkContract(r.Contract),
		checkOptionalID("secret", r.Secret),
		checkID("device", r.Device),
		checkThat(len(r.CSR) >= 1 && len(r.CSR) <= maxPEM, "csr: %d bytes", len(r.CSR)),
		checkText("name", r.Name, MaxName),
		checkText("version", r.Version, MaxName),
	)
}

func (a *JoinAnswer) check() error {
	return errors.Join(
		checkContract(a.Contract),
		checkThat(len(a.Certificate) >= 1 && len(a.Certificate) <= maxPEM, "certificate: %d bytes", len(a.Certificate)),
		checkThat(len(a.CA) >= 1 && len(a.CA) <= maxPEM, "ca: %d bytes", len(a.CA)),
		checkAddress("broker", a.Broker),
		checkText("site", a.Site, MaxName),
		checkText("name", a.Name, MaxName),
		checkText("hub_version", a.Hub, MaxName),
		checkRoot(a.Root),
	)
}

func checkAddress(field, address string) error {
	if len(address) > maxAddress {
		return fmt.Errorf("%s: %d bytes, at most %d", field, len(address), maxAddress)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return fmt.Errorf("%s: %q is no host:port", field, address)
	}
	n, err := strconv.Atoi(port)
	return checkThat(err == nil && n >= 1 && n <= 65535, "%s: %q has no port between 1 and 65535", field, address)
}
