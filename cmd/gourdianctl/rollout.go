package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/hub"
)

// newRolloutCommand holds the commands that bring models to boards.
func newRolloutCommand(s *streams) *cobra.Command {
	group := newGroup("rollout", "Bring a model of a hub to its boards, in waves",
		`A rollout tells boards to run a version of the hub's registry: first a few, then
more, each wave when the one before has run for a while. A board checks the model
by itself and goes back by itself; one of the first wave that refuses it stops the
rollout. What a board says of it stands on the hub's page, and in "rollout show".`)
	group.AddCommand(newRolloutStart(s), newRolloutList(s), newRolloutShow(s),
		newRolloutChange(s, "pause", "Tell no further boards for now", `Boards that are taking the model hold; those that try it go on.`),
		newRolloutChange(s, "resume", "Go on with a rollout that was paused or stopped by itself",
			`Failures so far are let pass. Boards that failed are not told again.`),
		newRolloutAbort(s))
	return group
}

// rolloutFlags are of every command about a rollout.
type rolloutFlags struct {
	hub    hubFlags
	asJSON bool
}

func (f *rolloutFlags) register(c *cobra.Command) {
	f.hub.register(c)
	jsonFlag(c, &f.asJSON)
}

func newRolloutStart(s *streams) *cobra.Command {
	var f struct {
		rolloutFlags
		reason, waves string
		soak          time.Duration
		plan          hub.Plan
	}
	c := &cobra.Command{
		Use:   "start VERSION --hub URL --reason TEXT",
		Short: "Start a rollout of a version",
		Long: `start tells boards to run a version of the hub's registry. Without --site,
--group or --board it means all boards. A version that neither a gate nor an
earlier promotion lets run needs an admin: the reason becomes a signed override.`,
		Example: `  gourdianctl rollout start 3 --hub https://hub.example:8443 --reason "the wet week" --waves "1, 25%, 100%" --soak 2h`,
		Args:    oneArg("VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			version, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || version < 1 {
				return wrongUse("%q is no version: versions count from 1", args[0])
			}
			if f.reason == "" {
				return wrongUse("--reason is missing: say why")
			}
			f.plan.Soak = int64(f.soak.Seconds())
			f.plan.Waves = strings.FieldsFunc(f.waves, func(c rune) bool { return c == ',' || c == ' ' })
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			one, err := client.StartRollout(c.Context(), version, f.reason, f.plan)
			if err != nil {
				return err
			}
			return printRollout(s, one, f.asJSON)
		},
	}
	f.register(c)
	flags := c.Flags()
	flags.StringVar(&f.reason, "reason", "", "why, for those who ask later")
	flags.StringVar(&f.plan.Site, "site", "", "boards of this site only")
	flags.StringVar(&f.plan.Group, "group", "", "boards of this group only")
	flags.StringSliceVar(&f.plan.Devices, "board", nil, "these boards only (device, repeated)")
	flags.IntVar(&f.plan.Share, "share", 100, "percent of those boards")
	flags.StringVar(&f.waves, "waves", "1, 25%, 100%", "how many boards are told as each wave begins")
	flags.DurationVar(&f.soak, "soak", 30*time.Minute, "how long a wave runs before the next")
	flags.IntVar(&f.plan.Failures, "failures", 0, "boards that may fail after the first wave")
	return c
}

func newRolloutList(s *streams) *cobra.Command {
	var f rolloutFlags
	c := &cobra.Command{
		Use: "list --hub URL", Short: "List the rollouts of a hub", Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			list, err := client.Rollouts(c.Context())
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(map[string]any{"rollouts": list})
			}
			out := newReportWriter(s.out)
			for _, one := range list {
				out.row(fmt.Sprint(one.Number), one.ID, fmt.Sprintf("version %d", one.Version), one.State, countsOf(one), one.Reason)
			}
			return out.flush()
		},
	}
	f.register(c)
	return c
}

// countsOf are a rollout's boards by how they stand.
func countsOf(one hub.Rollout) string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(one.Counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", one.Counts[state], state))
	}
	return strings.Join(parts, ", ")
}

func newRolloutShow(s *streams) *cobra.Command {
	return newRolloutChange(s, "show", "Show a rollout with its boards", `ROLLOUT is the id that "rollout list" shows.`)
}

// newRolloutChange is a command that takes a rollout and nothing else.
func newRolloutChange(s *streams, what, short, long string) *cobra.Command {
	var f rolloutFlags
	c := &cobra.Command{
		Use: what + " ROLLOUT --hub URL", Short: short, Long: long, Args: oneArg("ROLLOUT"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			var one hub.Rollout
			if what == "show" {
				one, err = client.Rollout(c.Context(), args[0])
			} else {
				one, err = client.ChangeRollout(c.Context(), args[0], what)
			}
			if err != nil {
				return err
			}
			return printRollout(s, one, f.asJSON)
		},
	}
	f.register(c)
	return c
}

func newRolloutAbort(s *streams) *cobra.Command {
	var f struct {
		rolloutFlags
		reason string
		revert bool
	}
	c := &cobra.Command{
		Use:   "abort ROLLOUT --hub URL --reason TEXT",
		Short: "End a rollout for good",
		Long: `abort tells boards that have not finished to leave the model. Boards that run it
keep it; with --revert they go back to what they ran before.`,
		Args: oneArg("ROLLOUT"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.reason == "" {
				return wrongUse("--reason is missing: say why")
			}
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			one, err := client.AbortRollout(c.Context(), args[0], f.reason, f.revert)
			if err != nil {
				return err
			}
			return printRollout(s, one, f.asJSON)
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.reason, "reason", "", "why, for those who ask later")
	c.Flags().BoolVar(&f.revert, "revert", false, "boards that run the model go back to the one before")
	return c
}

func printRollout(s *streams, one hub.Rollout, asJSON bool) error {
	if asJSON {
		return s.printJSON(one)
	}
	out := newReportWriter(s.out)
	fmt.Fprintf(out.w, "rollout %d, id %s: version %d, %s: %s\n", one.Number, one.ID, one.Version, one.State, countsOf(one))
	if one.Why != "" {
		fmt.Fprintf(out.w, "why: %s\n", one.Why)
	}
	for _, b := range one.Boards {
		said := b.Stage
		if b.Step != "" {
			said += " at " + b.Step
		}
		if b.Why != "" {
			said += ": " + b.Why
		}
		out.row(fmt.Sprintf("wave %d", b.Wave), b.Name, b.State, said)
	}
	return out.flush()
}
