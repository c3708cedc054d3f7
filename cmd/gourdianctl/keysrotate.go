package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"gourdian/internal/keyring"
)

func newKeysRotate(s *streams) *cobra.Command {
	var f struct {
		hub           hubFlags
		in, role, key string
		out           string
		days          int
	}
	c := &cobra.Command{
		Use:   "rotate --in ROOT.json|--hub URL --role ROLE --key FILE --out NEXT.json",
		Short: "Write the next root, in which a role has another key",
		Long: `rotate takes the newest root of a file or a hub and writes the next one, in which
the key in FILE is the only one of the role; a missing FILE is made (sealed by a
passphrase for the role root, else for the hub to read). Without --role and --key
the next root only lives longer. It counts once the root key has signed it (for
the role root: the old and the new one) and the hub has it.`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			role := keyring.Role(f.role)
			switch {
			case f.out == "" || (f.in == "") == (f.hub.address == ""):
				return wrongUse("--out is needed, and either --in or --hub")
			case (f.role == "") != (f.key == ""):
				return wrongUse("--role and --key go together")
			case f.role != "" && !slices.Contains(keyring.Roles(), role):
				return wrongUse("%q is no role: %v", f.role, keyring.Roles())
			}
			var now keyring.Root
			var err error
			if f.in != "" {
				now, err = readRoot(f.in)
			} else {
				now, err = f.hub.root(c)
			}
			if err != nil {
				return err
			}
			var public ed25519.PublicKey
			if f.key != "" {
				if public, err = s.newOrOld(f.key, role == keyring.RootRole); err != nil {
					return err
				}
			}
			next, err := now.Next(role, public, time.Now().AddDate(0, 0, f.days))
			if err != nil {
				return err
			}
			if err := writeRoot(f.out, next); err != nil {
				return err
			}
			return printRoot(s, next)
		},
	}
	f.hub.register(c)
	flags := c.Flags()
	flags.StringVar(&f.in, "in", "", "file with the newest root")
	flags.StringVar(&f.role, "role", "", "root, targets, snapshot or timestamp")
	flags.StringVar(&f.key, "key", "", "key file; made where it is missing")
	flags.StringVar(&f.out, "out", "", "file for the next root")
	flags.IntVar(&f.days, "days", int(keyring.RootLife/(24*time.Hour)), "how long the next root holds")
	return c
}

// newOrOld reads a key's public half, or makes the key.
func (s *streams) newOrOld(path string, sealed bool) (ed25519.PublicKey, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		k, err := s.readKey(path)
		if err != nil {
			return nil, err
		}
		return k.Public(), nil
	}
	words := ""
	if sealed {
		var err error
		if words, err = s.passphrase(path, true); err != nil {
			return nil, err
		}
	}
	k, err := keyring.New()
	if err != nil {
		return nil, err
	}
	return k.Public(), k.Write(path, words)
}

func newKeysSign(s *streams) *cobra.Command {
	var keys []string
	c := &cobra.Command{
		Use:   "sign NEXT.json --key FILE",
		Short: "Sign a root with a root key",
		Long:  `sign adds the signature of each --key to the root in the file.`,
		Args:  oneArg("NEXT.json"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(keys) == 0 {
				return wrongUse("--key is missing: which key signs?")
			}
			r, err := readRoot(args[0])
			if err != nil {
				return err
			}
			for _, path := range keys {
				k, err := s.readKey(path)
				if err != nil {
					return err
				}
				if r, err = r.Sign(k); err != nil {
					return err
				}
			}
			if err := writeRoot(args[0], r); err != nil {
				return err
			}
			return printRoot(s, r)
		},
	}
	c.Flags().StringSliceVar(&keys, "key", nil, "key file that signs (repeated)")
	return c
}

func newKeysPublish(s *streams) *cobra.Command {
	var f hubFlags
	c := &cobra.Command{
		Use:   "publish NEXT.json --hub URL",
		Short: "Bring a signed root to a hub",
		Long: `publish gives a hub the next root. It refuses one that the keys of the root before
have not signed, and one that names a key which it has not got.`,
		Args: oneArg("NEXT.json"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := readRoot(args[0])
			if err != nil {
				return err
			}
			client, err := f.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			data, err := r.Bytes()
			if err != nil {
				return err
			}
			if err := client.PublishRoot(c.Context(), data); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "root %d counts; boards follow when they next ask\n", r.Version())
			return err
		},
	}
	f.register(c)
	return c
}
