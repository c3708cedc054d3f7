package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"gourdian/agent"
	"gourdian/internal/wire"
)

// joinCommand makes the board a member of a hub.
func joinCommand(path *string) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "join [URL] TOKEN",
		Short: "Join a hub with a token that it made",
		Long: `join makes a key on this board, asks the hub for a certificate and keeps both in
the data folder. A token names the hub and proves which one is the right one; the
hub's console makes it, as text and as a QR code. URL replaces the token's address,
where the board must reach the hub under another one.

The board may be running: it takes the hub up within seconds and sends what it
has kept so far. Joining again replaces the membership; the board keeps its
number, and the hub its history.`,
		Example: `  gourdian-agent --config /etc/gourdian/agent.yaml join gourdian1.eyJodWIiOi...
  gourdian-agent join https://192.168.1.5:8443 gourdian1.eyJodWIiOi... --name "North field"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return &usageError{errors.New("join needs the token, and before it the hub's address where that is another one")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			config, err := load(*path)
			if err != nil {
				return &usageError{err}
			}
			address, token := "", args[len(args)-1]
			if len(args) == 2 {
				if address, err = hubAddress(args[0]); err != nil {
					return &usageError{err}
				}
			}
			build, err := thisBuild()
			if err != nil {
				return err
			}
			joined, err := agent.Join(c.Context(), config, build, token, address, name)
			if errors.Is(err, wire.ErrToken) {
				return &usageError{err}
			}
			if err != nil {
				if hint := agent.Explain(err); hint != "" {
					return fmt.Errorf("%w\n%s", err, hint)
				}
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Joined %s as %q (board %s), site %q. The certificate holds until %s and renews itself.\n",
				joined.Hub, joined.Name, joined.Device, joined.Site, joined.Until.UTC().Format(time.DateOnly))
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "name of this board for people; without one, the hub chooses")
	return c
}

func hubAddress(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("%q is no address of a hub, such as https://192.168.1.5:8443", text)
	}
	return "https://" + u.Host, nil
}

// leaveCommand makes the board forget its hub.
func leaveCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Forget the hub; records stay, and the board works alone",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := load(*path)
			if err != nil {
				return &usageError{err}
			}
			if err := agent.Leave(config); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "The hub is forgotten. Every record is still here; the hub still lists the board until somebody removes it there.")
			return nil
		},
	}
}
