package cloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/cloud/internal/work"
)

const (
	// certificateSoon is before the end of a certificate that should have been
	// renewed by then.
	certificateSoon = 7 * 24 * time.Hour
	// importsSince is how long refused files of an import are shown.
	importsSince = 14 * 24 * time.Hour
	// checkedLate is how long a worker may take to look at a new picture.
	checkedLate = 10 * time.Minute
	// listed bounds the things of one sort that stand by themselves: what is
	// beyond them comes up when they are done.
	listed = 100
)

// openWork wires the page of work: what waits is looked for in the parts.
func (h *Hub) openWork() {
	desk := work.New(h.db, map[string]work.Source{
		"labels":       work.SourceFunc(h.waitingLabels),
		"doubts":       work.SourceFunc(h.waitingDoubts),
		"pictures":     work.SourceFunc(h.waitingPictures),
		"imports":      work.SourceFunc(h.waitingImports),
		"models":       work.SourceFunc(h.waitingModels),
		"boards":       work.SourceFunc(h.waitingBoards),
		"certificates": work.SourceFunc(h.waitingCertificates),
		"health":       work.SourceFunc(h.waitingHealth),
	}, h.log)
	h.console.Add((&console.Work{Console: h.console, Desk: desk, People: h.people}).Section())
}

func (h *Hub) waitingLabels(ctx context.Context) ([]work.Item, error) {
	p, err := h.pictures.labels.Progress(ctx, sample.Filter{})
	if err != nil {
		return nil, err
	}
	var items []work.Item
	if p.Waiting > 0 {
		since, err := h.pictures.labels.Oldest(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, work.Item{
			Key: "labels.queue", Kind: work.Label, Text: "hub.work.label_queue", Count: p.Waiting, Since: since, Path: "/label", Least: people.Labeller,
		})
	}
	disputed := sample.Filter{Label: sample.Disputed}
	n, err := h.pictures.samples.Count(ctx, disputed)
	if err == nil && n > 0 {
		var since time.Time
		since, err = h.pictures.samples.Oldest(ctx, disputed)
		items = append(items, work.Item{
			Key: "labels.disputed", Kind: work.Doubt, Text: "hub.work.disputed", Count: n, Since: since,
			Path: "/samples?label=" + sample.Disputed, Least: people.Labeller,
		})
	}
	return items, err
}

func (h *Hub) waitingPictures(ctx context.Context) ([]work.Item, error) {
	given := sample.Filter{Source: sample.FromVisitor, Label: sample.NoLabel}
	n, err := h.pictures.samples.Count(ctx, given)
	if err != nil {
		return nil, err
	}
	var items []work.Item
	if n > 0 {
		since, err := h.pictures.samples.Oldest(ctx, given)
		if err != nil {
			return nil, err
		}
		items = append(items, work.Item{
			Key: "pictures.given", Kind: work.Verify, Text: "hub.work.given", Count: n, Since: since,
			Path: "/samples?source=visitor&label=" + sample.NoLabel, Least: people.Labeller,
		})
	}
	n, since, err := h.pictures.samples.Unchecked(ctx)
	if err == nil && n > 0 && time.Since(since) > checkedLate {
		items = append(items, work.Item{
			Key: "pictures.unchecked", Kind: work.Verify, Text: "hub.work.unchecked", Count: n, Since: since, Path: "/health", Least: people.Operator,
		})
	}
	return items, err
}

// waitingImports are imports of which files were refused; the audit log says
// which and why.
func (h *Hub) waitingImports(ctx context.Context) ([]work.Item, error) {
	lines, err := h.audit.Did(ctx, "sample.import", time.Now().Add(-importsSince), listed)
	var items []work.Item
	for _, line := range lines {
		taken, refused, any := strings.Cut(line.Detail, ", ")
		if !any {
			continue
		}
		items = append(items, work.Item{
			Key: "import:" + strconv.FormatInt(line.Seq, 10), Kind: work.Import, Text: "hub.work.import", Count: 1, Since: line.At(),
			Args: map[string]string{"name": line.Subject, "who": line.Who, "taken": taken, "refused": refused},
			Path: "/samples?source=" + string(sample.FromImport), Least: people.Operator,
		})
	}
	return items, err
}

// waitingModels are versions that are newer than the champion: somebody pushed
// them and nobody has said yes or no.
func (h *Hub) waitingModels(ctx context.Context) ([]work.Item, error) {
	champion, _, err := h.pictures.registry.Champion(ctx)
	if err != nil {
		return nil, err
	}
	versions, err := h.pictures.registry.Versions(ctx)
	var items []work.Item
	for _, v := range versions {
		if v.Number <= champion.Version || len(items) == listed {
			break
		}
		if v.Deleted {
			continue
		}
		items = append(items, work.Item{
			Key: fmt.Sprint("model:", v.Number), Kind: work.Decision, Text: "hub.work.model", Count: 1, Since: v.PushedAt,
			Args: map[string]string{"number": strconv.FormatInt(v.Number, 10), "name": v.Facts.Name, "who": v.PushedBy}, Path: "/models", Least: people.Admin,
		})
	}
	return items, err
}

// waitingBoards are boards that somebody should look at.
func (h *Hub) waitingBoards(ctx context.Context) ([]work.Item, error) {
	f := h.boards.fleet
	needs, err := f.Attention(ctx)
	if err != nil {
		return nil, err
	}
	var items []work.Item
	add := func(kind work.Kind, what string, least people.Role, device, name string, since time.Time) {
		items = append(items, work.Item{
			Key: "board." + what + ":" + device, Kind: kind, Text: "hub.work.board_" + what, Count: 1, Since: since, Mark: strconv.FormatInt(since.UnixMicro(), 10),
			Args: map[string]string{"name": name}, Path: "/fleet/board/" + device, Least: least,
		})
	}
	for _, b := range needs.Silent[:min(len(needs.Silent), listed)] {
		add(work.Alarm, "silent", people.Operator, b.Device, b.Name, b.SeenAt())
	}
	for _, b := range needs.Failing[:min(len(needs.Failing), listed)] {
		add(work.Alarm, "failing", people.Operator, b.Device, b.Name, time.Time{})
	}
	asking, err := f.Asking(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range asking[:min(len(asking), listed)] {
		add(work.Decision, "asking", people.Admin, a.Device, a.Name, a.At)
	}
	ending, err := f.Ending(ctx, time.Now().Add(certificateSoon))
	if err != nil {
		return nil, err
	}
	for _, b := range ending[:min(len(ending), listed)] {
		add(work.Decision, "certificate", people.Operator, b.Device, b.Name, b.CertificateUntil().Add(-certificateSoon))
	}
	old, err := f.Outdated(ctx)
	if err == nil && len(old) > 0 {
		items = append(items, h.outdated(old))
	}
	return items, err
}

// outdated is one thing for all boards: they are brought up to date together.
func (h *Hub) outdated(boards []fleet.Board) work.Item {
	const named = 3
	var names []string
	for _, b := range boards[:min(len(boards), named)] {
		names = append(names, b.Name+" ("+b.Agent+")")
	}
	if len(boards) > named {
		names = append(names, "…")
	}
	return work.Item{
		Key: "boards.outdated", Kind: work.Decision, Text: "hub.work.outdated", Count: len(boards), Path: "/fleet", Least: people.Operator, Mark: h.build.Version,
		Args: map[string]string{"hub": h.build.Version, "boards": strings.Join(names, ", ")},
	}
}

// waitingCertificates is the one from elsewhere that the hub can't renew itself.
func (h *Hub) waitingCertificates(context.Context) ([]work.Item, error) {
	if h.config.TLS.Certificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(h.config.TLS.Certificate, h.config.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the config (tls): %w", err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the config (tls): %w", err)
	}
	begin := leaf.NotAfter.Add(-3 * certificateSoon) // somebody has to get one
	if time.Now().Before(begin) {
		return nil, nil
	}
	return []work.Item{{
		Key: "certificate", Kind: work.Decision, Text: "hub.work.certificate", Count: 1, Since: begin, Mark: leaf.SerialNumber.String(),
		Args: map[string]string{"until": leaf.NotAfter.Format(time.DateOnly)}, Path: "/health", Least: people.Admin,
	}}, nil
}

// waitingHealth is what is wrong on the hub; boards stand by themselves.
func (h *Hub) waitingHealth(context.Context) ([]work.Item, error) {
	var items []work.Item
	for _, c := range h.health.Conditions() {
		if c.Severity < health.Warning || strings.HasPrefix(c.Code, "board_") || strings.HasPrefix(c.Code, "boards_") {
			continue
		}
		items = append(items, work.Item{
			Key: "health." + c.Code + ":" + c.Subject, Kind: work.Alarm, Text: "hub.health." + c.Code, Args: c.Args, Count: 1, Since: c.Since,
			Mark: strconv.FormatInt(c.Since.UnixMicro(), 10), Path: "/health", Least: people.Operator,
		})
	}
	return items, nil
}
