package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/hub"
	"gourdian/internal/field"
)

// newBenchGroup holds the commands that measure a running hub.
func newBenchGroup(s *streams) *cobra.Command {
	c := newGroup("bench", "Measure a running hub", `These commands ask a hub as many clients would, and say how it did.`)
	c.AddCommand(newBenchPredictCommand(s))
	return c
}

// benchPredictFlags is what bench predict was told.
type benchPredictFlags struct {
	hub     hubFlags
	clients int
	seconds int
	timeout int
	image   string
	asJSON  bool
}

func newBenchPredictCommand(s *streams) *cobra.Command {
	var f benchPredictFlags
	c := &cobra.Command{
		Use:   "predict --hub URL --clients N",
		Short: "Let many clients ask a hub for verdicts at the same time",
		Long: `Each client asks for the verdict on one picture after the other. A hub that has
more to do than it can refuses at once, and the client waits as long as the hub
says. Told are the answers per second (goodput), their times, the share that was
refused, and whether anybody got no answer at all.

With an API token a client is not counted as a stranger, whose address may ask a
few times a second only.`,
		Example: `  gourdianctl bench predict --hub https://127.0.0.1:8443 --ca ca.pem --clients 64`,
		Args:    checkArgs(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	flags := c.Flags()
	f.hub.register(c)
	flags.IntVar(&f.clients, "clients", 1, "clients at the same time, 1..10000")
	flags.IntVar(&f.seconds, "seconds", 10, "how long, 1..3600")
	flags.IntVar(&f.timeout, "timeout", 30, "seconds after which a request counts as hung, 1..600")
	flags.StringVar(&f.image, "image", "", "picture to ask with (default: 8 rendered ones)")
	jsonFlag(c, &f.asJSON)
	return c
}

func (f *benchPredictFlags) run(ctx context.Context, s *streams) error {
	switch {
	case f.clients < 1 || f.clients > 10_000:
		return wrongUse("--clients %d is not within 1 and 10000", f.clients)
	case f.seconds < 1 || f.seconds > 3600:
		return wrongUse("--seconds %d is not within 1 and 3600", f.seconds)
	case f.timeout < 1 || f.timeout > 600:
		return wrongUse("--timeout %d is not within 1 and 600", f.timeout)
	}
	client, err := f.hub.client(f.clients)
	if err != nil {
		return err
	}
	defer client.Close()
	pictures, err := f.pictures(ctx)
	if err != nil {
		return err
	}
	s.notef("%d clients ask for %d s", f.clients, f.seconds)
	report, err := client.Measure(ctx, hub.Load{
		Clients: f.clients, Duration: time.Duration(f.seconds) * time.Second, Timeout: time.Duration(f.timeout) * time.Second, Pictures: pictures,
	})
	if err != nil {
		return err
	}
	if f.asJSON {
		return s.printJSON(report)
	}
	return printLoad(s.out, &report)
}

// rendered is how many pictures are drawn where none is given.
const rendered = 8

func (f *benchPredictFlags) pictures(ctx context.Context) (pictures [][]byte, err error) {
	if f.image != "" {
		data, err := os.ReadFile(f.image)
		if err != nil {
			return nil, fmt.Errorf("read picture: %w", err)
		}
		return [][]byte{data}, nil
	}
	parent, err := os.MkdirTemp("", "gourdian-bench-")
	if err != nil {
		return nil, fmt.Errorf("render pictures: %w", err)
	}
	defer func() {
		if again := os.RemoveAll(parent); err == nil {
			err = again
		}
	}()
	dir := filepath.Join(parent, "pictures")
	if err := field.WriteDataset(ctx, field.Options{Dir: dir, Count: rendered, Seed: 1, Size: field.DefaultSize, Views: 1}, func(int, int) {}); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".jpg" {
			return err
		}
		data, err := os.ReadFile(path)
		pictures = append(pictures, data)
		return err
	})
	return pictures, err
}

func printLoad(out io.Writer, l *hub.LoadReport) error {
	r := newReportWriter(out)
	r.row("clients", "sent", "answered/s", "ms p50", "ms p99", "refused", "ms p99 to refuse", "failed", "hung")
	share := 0.0
	if l.Sent > 0 {
		share = float64(l.Shed) / float64(l.Sent)
	}
	r.row(fmt.Sprint(l.Clients), fmt.Sprint(l.Sent), fmt.Sprintf("%.1f", l.Goodput), milliseconds(&l.P50), milliseconds(&l.P99),
		fmt.Sprintf("%.1f %%", 100*share), milliseconds(&l.ShedP99), fmt.Sprint(l.Failed), fmt.Sprint(l.Hung))
	for _, fault := range slices.Sorted(maps.Keys(l.Faults)) {
		r.row(fmt.Sprintf("%d times: %s", l.Faults[fault], fault))
	}
	return r.flush()
}
