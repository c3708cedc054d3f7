package membership

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gourdian/internal/durable"
	"gourdian/internal/wire"
)

// Names in the data folder.
const (
	folderName = "link"
	keyName    = "key.pem"
	certName   = "cert.pem"
	caName     = "ca.pem"
	hubName    = "hub.json"
	rootName   = "root.json" // may be missing: a hub may have had none when the board joined
)

// format is that of hub.json.
const format = 1

// maxFile bounds each file in bytes.
const maxFile = 64 << 10

// ErrNone says that the board has joined no hub.
var ErrNone = errors.New("this board has not joined a hub")

// Membership is what a board needs to reach its hub.
type Membership struct {
	Hub    string // https://host:port of the hub's API
	Broker string // host:port, TLS
	Site   string
	Name   string
	CAHash string // tells hubs apart: another one has another CA
	Root   string // whom to trust with models, as the hub said at joining; "" = it said nothing

	// Elsewhere says that the board reaches the hub under another address than
	// the hub's own, and so its broker.
	Elsewhere bool

	certificate tls.Certificate
	cas         []*x509.Certificate
	keyPEM      []byte
}

// hubFile is hub.json.
type hubFile struct {
	Format int    `json:"format"`
	Hub    string `json:"hub"`
	Broker string `json:"broker"`
	Site   string `json:"site"`
	Name   string `json:"name"`

	Elsewhere bool `json:"elsewhere,omitempty"`
}

// Validity is from when until when the board's certificate holds.
func (m *Membership) Validity() (from, until time.Time) {
	return m.certificate.Leaf.NotBefore, m.certificate.Leaf.NotAfter
}

// Device is the board's id as the hub certified it.
func (m *Membership) Device() string { return m.certificate.Leaf.Subject.CommonName }

// Load reads the membership of the board with a data folder; ErrNone where
// there is none.
func Load(data string) (*Membership, error) {
	dir := filepath.Join(data, folderName)
	files := map[string][]byte{}
	for _, name := range []string{keyName, certName, caName, hubName} {
		content, err := readFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && name == keyName {
			return nil, ErrNone
		}
		if err != nil {
			return nil, fmt.Errorf("read membership: %w", err)
		}
		files[name] = content
	}
	var hub hubFile
	if err := json.Unmarshal(files[hubName], &hub); err != nil || hub.Format != format {
		return nil, fmt.Errorf("read membership: %s has format %d, this program knows %d: %w", hubName, hub.Format, format, err)
	}
	m := &Membership{Hub: hub.Hub, Broker: hub.Broker, Site: hub.Site, Name: hub.Name, Elsewhere: hub.Elsewhere}
	if err := m.take(files[keyName], files[certName], files[caName]); err != nil {
		return nil, fmt.Errorf("read membership: %w", err)
	}
	root, err := readFile(filepath.Join(dir, rootName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read membership: %w", err)
	}
	m.Root = string(root)
	return m, nil
}

// take parses key, certificate and CA.
func (m *Membership) take(key, certificate, ca []byte) error {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("key and certificate: %w", err)
	}
	m.certificate, m.keyPEM = pair, key
	m.cas = nil
	for rest := ca; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("the hub's CA: %w", err)
		}
		m.cas = append(m.cas, c)
	}
	if len(m.cas) == 0 {
		return errors.New("the hub's CA: no certificate")
	}
	m.CAHash = wire.CAHash(m.cas[0].Raw)
	return nil
}

func (m *Membership) key() *ecdsa.PrivateKey {
	key, ok := m.certificate.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil
	}
	return key
}

func readFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, at most %d", path, len(content), maxFile)
	}
	return content, nil
}

// save puts a membership in the place of the one before, as a whole: after a
// crash there is one or the other. What root saves belongs to whom the data
// folder belongs, so that the agent can read it.
func (m *Membership) save(data string, certificate, ca []byte) error {
	hub, err := json.MarshalIndent(hubFile{format, m.Hub, m.Broker, m.Site, m.Name, m.Elsewhere}, "", "  ")
	if err != nil {
		return fmt.Errorf("write membership: %w", err)
	}
	fresh, err := os.MkdirTemp(data, folderName+".new-") // mode 0700
	if err != nil {
		return fmt.Errorf("write membership: %w", err)
	}
	files := map[string][]byte{keyName: m.keyPEM, certName: certificate, caName: ca, hubName: append(hub, '\n')}
	if m.Root != "" {
		files[rootName] = []byte(m.Root)
	}
	err = writeAll(fresh, files)
	if err == nil {
		err = giveTo(data, fresh)
	}
	if err == nil {
		err = swap(fresh, filepath.Join(data, folderName))
	}
	if err == nil {
		err = durable.SyncFolder(data)
	}
	if err := errors.Join(err, os.RemoveAll(fresh)); err != nil {
		return fmt.Errorf("write membership: %w", err)
	}
	return nil
}

// swap puts fresh in the place of old; what was there is then under fresh.
func swap(fresh, old string) error {
	err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, old, unix.RENAME_EXCHANGE)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, old)
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system without exchange
		if err := os.RemoveAll(old); err != nil {
			return err
		}
		return os.Rename(fresh, old)
	}
	return err
}

func writeAll(dir string, files map[string][]byte) error {
	for name, content := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return durable.SyncFolder(dir)
}

// giveTo gives what root made to the owner of the data folder.
func giveTo(data, made string) error {
	info, err := os.Stat(data)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	return filepath.WalkDir(made, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

// Leave forgets the hub. The records stay, and so does what the hub knows of
// the board.
func Leave(data string) error {
	dir := filepath.Join(data, folderName)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return ErrNone
	}
	gone, err := os.MkdirTemp(data, folderName+".old-")
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	// At once out of the way, then away: a half-deleted membership would be an error.
	if err := errors.Join(os.Rename(dir, filepath.Join(gone, folderName)), durable.SyncFolder(data), os.RemoveAll(gone)); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// Mark tells memberships apart without reading them; "" where there is none.
// Another one means: load again.
func Mark(data string) string {
	var s unix.Stat_t
	if unix.Stat(filepath.Join(data, folderName, hubName), &s) != nil {
		return ""
	}
	return fmt.Sprintf("%d %d %d", s.Ino, s.Mtim.Sec, s.Mtim.Nsec)
}
