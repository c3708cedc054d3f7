package main

import (
	"fmt"
	"io"
	"path"

	"github.com/spf13/cobra"

	"gourdian/models/dataset"
	"gourdian/models/evaluate"
	"gourdian/models/gate"
)

// compareFlags is what model compare was told.
type compareFlags struct {
	champion, candidate, data, named, guard string
	renames                                 []string
	workers                                 workerFlags
	asJSON                                  bool
}

func newCompareCommand(s *streams) *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare --champion FILE --candidate FILE --data PATH",
		Short: "Say whether a new model is better than the one that runs, on pictures new to both",
		Long: `compare shows the same labelled pictures to two models and decides by those that
trained neither of them:

  promote    the candidate is better, and not by chance
  reject     it is worse, or it misses more of the guarded class
  undecided  the pictures don't tell; it says how many more labels would

The test is McNemar's, exact and one-sided at 5 %, and the difference has to hold
when whole groups of pictures are drawn anew. A candidate that was made for a new
kind of pumpkin is also promoted if it mends that (--named) and is no worse
elsewhere.`,
		Example: `  gourdianctl model compare --champion old.gourdian --candidate new.gourdian --data patch-3
  gourdianctl model compare --champion old.gourdian --candidate new.gourdian --data field \
      --named 'white/*' --json | jq -r .outcome`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCompare(c, s, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.champion, "champion", "", "model file that runs now")
	flags.StringVar(&f.candidate, "candidate", "", "model file that may take its place")
	flags.StringVar(&f.data, "data", "", "folder of labelled pictures, or manifest")
	flags.StringVar(&f.named, "named", "", "pattern of the files that the candidate was made for")
	flags.StringVar(&f.guard, "guard", gate.DefaultRules().Guarded, "class that must not be missed more often, empty = none")
	flags.StringArrayVar(&f.renames, "map", nil, "old=new merges or renames a class, old= drops it (may be repeated)")
	f.workers.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func (f *compareFlags) check() error {
	for _, flag := range []struct{ name, value string }{{"champion", f.champion}, {"candidate", f.candidate}, {"data", f.data}} {
		if flag.value == "" {
			return wrongUse("--%s is missing", flag.name)
		}
	}
	if _, err := path.Match(f.named, ""); err != nil {
		return wrongUse("--named %q: %w", f.named, err)
	}
	return nil
}

// compared is the result for people and for --json.
type compared struct {
	Champion  string `json:"champion"`
	Candidate string `json:"candidate"`
	gate.Record
}

func runCompare(c *cobra.Command, s *streams, f compareFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	renames, err := dataset.ParseRenames(f.renames)
	if err != nil {
		return &usageError{err}
	}
	reports := [2]*evaluate.Report{}
	for i, file := range []string{f.champion, f.candidate} {
		fmt.Fprintf(s.err, "%s:\n", file)
		if reports[i], err = evaluateBundle(c, s, evalFlags{bundle: file, data: f.data, seed: 1, workers: f.workers}, renames); err != nil {
			return err
		}
	}
	var named func(file string) bool
	if f.named != "" {
		named = func(file string) bool {
			match, err := path.Match(f.named, file)
			return err == nil && match
		}
	}
	rules := gate.DefaultRules()
	rules.Guarded = f.guard
	result := compared{Champion: reports[0].Bundle, Candidate: reports[1].Bundle,
		Record: gate.Decide(gate.Pair(reports[0], reports[1], named), rules)}
	if f.asJSON {
		return s.printJSON(result)
	}
	return printCompared(s.out, result)
}

func printCompared(out io.Writer, c compared) error {
	r := newReportWriter(out)
	fmt.Fprintf(r.w, "%s\n", c.Outcome)
	for _, why := range c.Reasons {
		fmt.Fprintf(r.w, "%s\n", reasonWords(why))
	}
	if c.More > 0 {
		fmt.Fprintf(r.w, "About %d more labelled pictures of new groups would probably decide.\n", c.More)
	}
	r.part("%d pictures of %d groups that trained neither", c.Images, c.Groups)
	r.row("both right", fmt.Sprint(c.Both))
	r.row("only the candidate right", fmt.Sprint(c.Wins))
	r.row("only the champion right", fmt.Sprint(c.Losses))
	r.row("neither right", fmt.Sprint(c.Neither))
	r.row("candidate minus champion", signed(c.Difference))
	r.row("better by chance alone", fmt.Sprintf("p %.4f", c.P))
	if g := c.Guard; g != nil {
		r.row("recall of "+g.Class, "champion "+signed(g.Champion), "candidate "+signed(g.Candidate))
	}
	if c.Named != nil {
		r.row("named problem", fmt.Sprintf("%d pictures", c.Named.Images), signed(c.Named.Difference))
		r.row("elsewhere", fmt.Sprintf("%d pictures", c.Elsewhere.Images), signed(c.Elsewhere.Difference))
	}
	return r.flush()
}

func signed(i evaluate.Interval) string {
	return fmt.Sprintf("%+.3f [%+.3f, %+.3f]", i.Value, i.Low, i.High)
}

// reasonWords says a reason for people at a terminal.
func reasonWords(r gate.Reason) string {
	switch r.Code {
	case gate.Better:
		return fmt.Sprintf("It is right more often, and hardly by chance (p %.4f).", r.P)
	case gate.Mends:
		return fmt.Sprintf("It mends the named problem (p %.4f) and is no worse elsewhere.", r.P)
	case gate.Worse:
		return fmt.Sprintf("It is right less often, and hardly by chance (p %.4f).", r.P)
	case gate.GuardFell:
		return fmt.Sprintf("It misses more of %q (p %.4f).", r.Subject, r.P)
	case gate.SliceFell:
		return fmt.Sprintf("It got worse on %s (p %.4f).", r.Subject, r.P)
	case gate.GuardUnknown:
		return fmt.Sprintf("It may miss more of %q: there are too few pictures of it to tell.", r.Subject)
	case gate.FewGroups:
		return "There are too few groups of pictures to tell anything."
	case gate.Alike:
		return "Both say the same of every picture."
	}
	return fmt.Sprintf("What difference there is may be chance (p %.4f).", r.P)
}
