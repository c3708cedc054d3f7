package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/hub"
)

// tokenVariable holds an API token: what stands on a command line can be read
// by everybody on the machine.
const tokenVariable = "GOURDIAN_TOKEN"

// hubFlags say which hub is asked, and by whom.
type hubFlags struct {
	address, token, ca string
}

func (h *hubFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&h.address, "hub", "", "address of the hub, like https://hub.example:8443")
	flags.StringVar(&h.token, "token", "", "API token (default: $"+tokenVariable+", which others can't read)")
	flags.StringVar(&h.ca, "ca", "", "PEM file of the certificate that signed the hub's (default: those that the system trusts)")
}

func (h *hubFlags) client(conns int) (*hub.Client, error) {
	if h.address == "" {
		return nil, wrongUse("--hub is missing: name the hub's address")
	}
	token := h.token
	if token == "" {
		token = os.Getenv(tokenVariable)
	}
	c, err := hub.New(h.address, token, h.ca, conns)
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

func newPushCommand(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		notes  string
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "push FILE --hub URL",
		Short: "Put a model into a hub's registry as a new version",
		Long: `push sends a bundle to a hub, which checks it as a board would and keeps it as a
version that never changes. The same bundle again is the same version. Nothing
runs it until an admin makes it the champion ("model promote", or the page).`,
		Example: `  GOURDIAN_TOKEN=gdn_... gourdianctl model push grade.gourdian --hub https://hub.example:8443`,
		Args:    oneArg("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("open model: %w", err)
			}
			defer func() { _ = file.Close() }() // only read
			m, err := client.Push(c.Context(), file, f.notes)
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(m)
			}
			known := ""
			if !m.Created {
				known = ", which was there already"
			}
			_, err = fmt.Fprintf(s.out, "version %d%s: %s, id %s\n", m.Version, known, m.Name, m.ID)
			return err
		},
	}
	f.hub.register(c)
	c.Flags().StringVar(&f.notes, "notes", "", "what to remember of this version")
	jsonFlag(c, &f.asJSON)
	return c
}

func newPromoteCommand(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		reason string
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "promote VERSION --hub URL --reason TEXT",
		Short: "Make a version in a hub's registry the champion, which answers",
		Long: `promote moves the hub's alias "champion" to a version. The workers of the new
one pass their golden frames before it answers, and no request fails meanwhile.
The reason is kept with who moved it and when; going back is a move too.`,
		Example: `  gourdianctl model promote 3 --hub https://hub.example:8443 --reason "trained on the wet week"`,
		Args:    oneArg("VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			version, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || version < 1 {
				return wrongUse("%q is no version: versions count from 1", args[0])
			}
			if f.reason == "" {
				return wrongUse("--reason is missing: say why")
			}
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			now, err := client.Promote(c.Context(), version, f.reason)
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(now)
			}
			_, err = fmt.Fprintf(s.out, "version %d is the champion\n", now.Version)
			return err
		},
	}
	f.hub.register(c)
	c.Flags().StringVar(&f.reason, "reason", "", "why, for those who ask later")
	jsonFlag(c, &f.asJSON)
	return c
}
