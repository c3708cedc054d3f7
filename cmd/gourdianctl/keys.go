package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gourdian/internal/keyring"
)

// passphraseVariable holds the passphrase of a key where nobody can type it.
const passphraseVariable = "GOURDIAN_PASSPHRASE"

// newKeysCommand holds the commands about keys.
func newKeysCommand(s *streams) *cobra.Command {
	group := newGroup("keys", "The keys that vouch for models: make, move, show, rotate",
		`A board runs a model of its hub only when signed lists name it (TUF, The Update
Framework). Four keys sign them: targets, snapshot and timestamp on the hub, and
the root, which says which keys those are. Boards pin the root when they join, so
its key is worth all of them: it belongs on a machine or a stick without network.

A hub makes all four at its first start, and reminds you that the root key still
lies there. Take it away:

  gourdianctl keys move /var/lib/gourdian/hub/keys/root.key /media/stick/root.key

Or make it elsewhere before the hub's first start:

  gourdianctl keys init --data /var/lib/gourdian/hub --root /media/stick/root.key

To replace a key (here of targets, made in the hub's folder of keys):

  gourdianctl keys rotate --hub URL --role targets --key HUB/keys/targets-2.key --out next.json
  gourdianctl keys sign next.json --key /media/stick/root.key
  gourdianctl keys publish next.json --hub URL

The passphrase of a key is asked for at the terminal, or read from
$`+passphraseVariable+`.`)
	group.AddCommand(newKeysInit(s), newKeysMove(s), newKeysShow(s), newKeysRotate(s), newKeysSign(s), newKeysPublish(s))
	return group
}

// passphrase asks for one; a new one is asked for twice and may not be short.
func (s *streams) passphrase(what string, fresh bool) (string, error) {
	const least = 10
	if words := s.variable(passphraseVariable); words != "" {
		if fresh && len(words) < least {
			return "", wrongUse("a passphrase has at least %d characters", least)
		}
		return words, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", wrongUse("nobody can type the passphrase of %s: set $%s", what, passphraseVariable)
	}
	read := func(prompt string) (string, error) {
		fmt.Fprint(s.err, prompt)
		words, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(s.err)
		return string(words), err
	}
	words, err := read("Passphrase of " + what + ": ")
	if err != nil || !fresh {
		return words, err
	}
	if len(words) < least {
		return "", wrongUse("a passphrase has at least %d characters", least)
	}
	again, err := read("The same again: ")
	if err == nil && again != words {
		err = wrongUse("the two passphrases differ")
	}
	return words, err
}

func newKeysInit(s *streams) *cobra.Command {
	var data, root string
	c := &cobra.Command{
		Use:   "init --data HUB --root FILE",
		Short: "Make all keys before a hub's first start, the root key elsewhere",
		Long: `init makes the hub's three keys and the first root in the hub's data folder, and
the root key in FILE, sealed by a passphrase. Afterwards start the hub as the
user who owns the folder.`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if data == "" || root == "" {
				return wrongUse("--data and --root are both needed")
			}
			if err := initKeys(s, data, root); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.out, "keys of the hub in %s, its root key in %s: keep that away from the network\n", filepath.Join(data, "keys"), root)
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "", "the hub's data folder, as its config names it")
	c.Flags().StringVar(&root, "root", "", "new file for the root key")
	return c
}

// initKeys makes what a hub's first start would make, but for the root key. The
// root is written last: without one, nothing of it counts.
func initKeys(s *streams, data, rootPath string) error {
	published := filepath.Join(data, "trust", "1.root.json")
	if _, err := os.Stat(published); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there: this hub has its keys, use move and rotate", published)
	}
	words, err := s.passphrase(rootPath, true)
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Join(data, "keys"), filepath.Dir(published)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make keys: %w", err)
		}
	}
	public := map[keyring.Role]ed25519.PublicKey{}
	var rootKey keyring.Key
	for _, role := range keyring.Roles() {
		k, err := keyring.New()
		if err != nil {
			return err
		}
		public[role] = k.Public()
		path, seal := filepath.Join(data, "keys", string(role)+".key"), ""
		if role == keyring.RootRole {
			rootKey, path, seal = k, rootPath, words
		}
		if err := k.Write(path, seal); err != nil {
			return err
		}
	}
	first, err := keyring.NewRoot(public, time.Now().Add(keyring.RootLife))
	if err == nil {
		first, err = first.Sign(rootKey)
	}
	if err != nil {
		return err
	}
	return writeRoot(published, first)
}

func writeRoot(path string, r keyring.Root) error {
	data, err := r.Bytes()
	if err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func readRoot(path string) (keyring.Root, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return keyring.Root{}, fmt.Errorf("read root: %w", err)
	}
	r, err := keyring.ParseRoot(data)
	if err != nil {
		return r, fmt.Errorf("read root %s: %w", path, err)
	}
	return r, nil
}

func newKeysMove(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "move FROM TO",
		Short: "Move a key to another file, sealed by a passphrase",
		Long: `move writes the key of FROM into the new file TO, sealed by a passphrase, reads it
back, and then removes FROM. What was on a disk once can be found there for long:
to be sure, rotate the key as well.`,
		Args: checkArgs(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			from, to := args[0], args[1]
			k, err := s.readKey(from)
			if err != nil {
				return err
			}
			words, err := s.passphrase(to, true)
			if err != nil {
				return err
			}
			if err := k.Write(to, words); err != nil {
				return err
			}
			back, err := keyring.Read(to, func() (string, error) { return words, nil })
			if err != nil || back.ID() != k.ID() {
				return fmt.Errorf("the key does not come back from %s, %s is left as it is: %w", to, from, err)
			}
			if err := os.Remove(from); err != nil {
				return fmt.Errorf("remove the key that was moved: %w", err)
			}
			_, err = fmt.Fprintf(s.out, "key %.12s is in %s and no longer in %s\n", k.ID(), to, from)
			return err
		},
	}
}

// readKey reads a key file, asking for its passphrase.
func (s *streams) readKey(path string) (keyring.Key, error) {
	return keyring.Read(path, func() (string, error) { return s.passphrase(path, false) })
}

func newKeysShow(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "show FILE | show --hub URL",
		Short: "Show the root of a hub or of a file: which keys count, until when",
		Args:  checkArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			var r keyring.Root
			var err error
			switch {
			case len(args) == 1:
				r, err = readRoot(args[0])
			case f.hub.address != "":
				r, err = f.hub.root(c)
			default:
				return wrongUse("name a file or a --hub")
			}
			if err != nil {
				return err
			}
			if f.asJSON {
				keys := map[keyring.Role][]string{}
				for _, role := range keyring.Roles() {
					keys[role] = r.Keys(role)
				}
				return s.printJSON(map[string]any{"version": r.Version(), "expires": r.Expires(), "keys": keys, "signed_by": r.Signers(), "whole": r.Check() == nil})
			}
			return printRoot(s, r)
		},
	}
	f.hub.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

// root asks a hub for its root.
func (h *hubFlags) root(c *cobra.Command) (keyring.Root, error) {
	client, err := h.client(1)
	if err != nil {
		return keyring.Root{}, err
	}
	defer client.Close()
	data, err := client.Root(c.Context())
	if err != nil {
		return keyring.Root{}, err
	}
	return keyring.ParseRoot(data)
}

func printRoot(s *streams, r keyring.Root) error {
	out := newReportWriter(s.out)
	state := "signed by its own keys"
	if err := r.Check(); err != nil {
		state = "not signed yet by all that must"
	}
	fmt.Fprintf(out.w, "root %d, until %s, %s\n", r.Version(), r.Expires().Format(time.DateOnly), state)
	for _, role := range keyring.Roles() {
		out.row(string(role), strings.Join(r.Keys(role), " "))
	}
	out.row("signatures of", strings.Join(r.Signers(), " "))
	return out.flush()
}
