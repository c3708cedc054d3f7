package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// newDatasetCommand holds the commands about a hub's data sets.
func newDatasetCommand(s *streams) *cobra.Command {
	group := newGroup("dataset", "What models on a hub learn from", `A data set names pictures, their classes and the side of the split on which each
stands. It is named by its hash and never changes.`)
	group.AddCommand(newDatasetListCommand(s), newDatasetMakeCommand(s), newDatasetExportCommand(s))
	return group
}

func newDatasetListCommand(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "list --hub URL",
		Short: "List the data sets of a hub, and say what is missing to train",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			list, err := client.Datasets(c.Context())
			if err != nil {
				return err
			}
			now, err := client.Task(c.Context())
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(map[string]any{"datasets": list, "enough": now.Enough, "lacks": now.Words})
			}
			out := newReportWriter(s.out)
			for _, one := range list {
				out.row(strconv.FormatInt(one.Number, 10), fmt.Sprintf("%d pictures of %d visits", one.Counts.Pictures, one.Counts.Groups),
					one.MadeBy, one.MadeAt.Format(time.RFC3339), one.Manifest)
			}
			for _, lack := range now.Words {
				out.row("missing to train: " + lack)
			}
			return out.flush()
		},
	}
	f.hub.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func newDatasetMakeCommand(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		asOf   string
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "make --hub URL",
		Short: "Make a data set of a hub's labels",
		Long: `make has the hub fix its labels as a data set. Where nothing changed since one that
is there, that one is named. With --as-of labels count as they were known then.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var asOf time.Time
			if f.asOf != "" {
				var err error
				if asOf, err = time.Parse(time.RFC3339, f.asOf); err != nil {
					return wrongUse("--as-of %q is not like 2026-11-25T08:00:00Z", f.asOf)
				}
			}
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			made, err := client.MakeDataset(c.Context(), asOf)
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(made)
			}
			known := ""
			if !made.Created {
				known = ", which was there already"
			}
			_, err = fmt.Fprintf(s.out, "data set %d%s: %d pictures of %d visits, %s\n", made.Number, known, made.Counts.Pictures, made.Counts.Groups, made.Manifest)
			return err
		},
	}
	f.hub.register(c)
	c.Flags().StringVar(&f.asOf, "as-of", "", "labels as they were known at this time, like 2026-11-25T08:00:00Z (default: now)")
	jsonFlag(c, &f.asJSON)
	return c
}

func newDatasetExportCommand(s *streams) *cobra.Command {
	var f struct {
		hub hubFlags
		out string
	}
	c := &cobra.Command{
		Use:   "export NUMBER --hub URL --out FILE.zip",
		Short: "Take a data set out of a hub, with its pictures",
		Long: `export writes a zip file with the pictures and a manifest.csv. Unpacked, "model
train --data DIR" learns from its training pictures alone. Golden pictures are
in it too: the hub writes down who took them.`,
		Args: oneArg("NUMBER"),
		RunE: func(c *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || number < 1 {
				return wrongUse("%q is no data set: they count from 1", args[0])
			}
			if f.out == "" {
				return wrongUse("--out is missing: name the file to write")
			}
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			return writeFile(f.out, func(w io.Writer) error { return client.ExportDataset(c.Context(), number, w) })
		},
	}
	f.hub.register(c)
	c.Flags().StringVar(&f.out, "out", "", "zip file to write")
	return c
}
