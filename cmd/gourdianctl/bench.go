package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gourdian/internal/infer"
	"gourdian/models/bench"
	"gourdian/models/sample"
)

// benchFlags is what model bench was told.
type benchFlags struct {
	data     string
	rendered int
	seed     uint64
	threads  int
	provider string
	require  string
	workers  workerFlags
	asJSON   bool
}

func newBenchCommand(s *streams) *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench FILE",
		Short: "Time the variants of a model on this machine and say which one a board would run",
		Long: `bench starts every variant of a model, runs its golden frames, times it in turns
with the others, and says which one a board like this machine would take: the
fastest of those whose golden frames pass, and fp32 where no other is clearly
faster. How much 8-bit variants gain depends on the processor: with VNNI (or on
ARM with dot products) much, without it little or nothing.

It also compares verdicts with those of fp32, on rendered pictures and, with
--data, on all pictures of a folder; labels do not matter. How often the
verdicts are right is the matter of "model eval --variant NAME".`,
		Example: `  gourdianctl model bench grade.gourdian
  gourdianctl model bench grade.gourdian --data photos --json | jq .variants.int8`,
		Args: oneArg("FILE"),
		RunE: func(c *cobra.Command, args []string) error { return runBench(c, s, f, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.data, "data", "", "folder of pictures to compare verdicts on as well")
	flags.IntVar(&f.rendered, "rendered", 60, "number of rendered pictures to compare verdicts on, 0..2000")
	flags.Uint64Var(&f.seed, "seed", 777, "seed of the rendered pictures")
	flags.IntVar(&f.threads, "threads", min(2, runtime.NumCPU()), "threads of the engine, 1..64")
	flags.StringVar(&f.provider, "provider", infer.ProviderCPU, "execution providers in order of preference, by commas")
	flags.StringVar(&f.require, "require-provider", "", "the execution provider without which nothing is measured")
	f.workers.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func runBench(c *cobra.Command, s *streams, f benchFlags, file string) error {
	switch {
	case f.rendered < 0 || f.rendered > 2000:
		return wrongUse("--rendered %d is not within 0 and 2000", f.rendered)
	case f.threads < 1 || f.threads > 64:
		return wrongUse("--threads %d is not within 1 and 64", f.threads)
	}
	if _, err := infer.ParseProviders(f.provider); err != nil {
		return wrongUse("--provider: %v", err)
	}
	if f.require != "" && !slices.Contains(infer.Providers(), f.require) {
		return wrongUse("--require-provider %q is none of %s", f.require, strings.Join(infer.Providers(), ", "))
	}
	steps := &steps{s: s}
	options := f.workers.infer()
	options.Threads, options.Provider, options.Require = f.threads, f.provider, f.require
	report, err := bench.Run(c.Context(), bench.Config{
		Bundle: file, Infer: options, Progress: steps.begin,
		Pictures: sample.Source{Data: f.data, Rendered: f.rendered, Seed: f.seed, Camera: f.workers.camera(), Progress: steps.begin},
	})
	steps.end()
	if err != nil {
		return err
	}
	if f.asJSON {
		return s.printJSON(report)
	}
	return printBenchReport(s.out, report)
}

func printBenchReport(out io.Writer, b *bench.Report) error {
	r := newReportWriter(out)
	fmt.Fprintf(r.w, "id %s\n", b.Bundle)
	fmt.Fprintf(r.w, "%s, %s: %s\n", b.CPU.Name, b.CPU.Class, strings.Join(b.CPU.Features, " "))
	fmt.Fprintf(r.w, "%s, %s, threads %d\n", b.Library, providerWords(b), b.Threads)
	fmt.Fprintf(r.w, "a board like this runs %s: %s\n", b.Chosen, benchWords(string(b.Why)))
	r.part("Variants (verdicts compared on %d rendered pictures and %d photos)", b.Rendered, b.Photos)
	r.row("variant", "ms p50", "ms p99", "speed by fp32's", "verdicts as fp32", "golden frames")
	names := slices.Sorted(maps.Keys(b.Variants))
	for _, name := range names {
		v := b.Variants[name]
		golden := "pass"
		if !v.PassesGolden {
			golden = "fail"
		}
		r.row(name, milliseconds(v.P50), milliseconds(v.P99), number(v.Speedup), number(v.EqualVerdicts), golden)
	}
	for _, name := range names {
		v := b.Variants[name]
		switch {
		case v.Fault != "":
			r.row(name + ": " + v.Fault)
		case v.Operators != nil:
			for _, miss := range v.ProvidersMissed {
				r.row(fmt.Sprintf("%s: not on %s: %s", name, miss.Provider, miss.Why))
			}
			r.row(fmt.Sprintf("%s: %d convolutions in integers, %d in floats", name, v.Operators["QLinearConv"], v.Operators["Conv"]+v.Operators["FusedConv"]))
		}
	}
	printSkips(r, b.Skipped)
	return r.flush()
}

// providerWords says what was obtained and, where it is another, what was asked
// for.
func providerWords(b *bench.Report) string {
	if b.Provider == b.Asked {
		return b.Provider
	}
	return fmt.Sprintf("%s (asked for: %s)", b.Provider, b.Asked)
}

// benchWords says in words why a variant was chosen.
func benchWords(why string) string {
	switch why {
	case "fastest":
		return "the most exact of the fastest ones whose golden frames pass here"
	case "nofaster":
		return "the most exact one, and no other is clearly faster"
	case "passed":
		return "the only one whose golden frames pass here"
	}
	return "the only one that the model has"
}
