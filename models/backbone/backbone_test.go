package backbone

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, b := range Catalogue() {
		if seen[b.Name] {
			t.Errorf("two backbones %s", b.Name)
		}
		seen[b.Name] = true
		for what, sum := range map[string]string{"wheel": b.WheelSHA256, "checkpoint": b.CheckpointSHA256} {
			if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 || strings.ToLower(sum) != sum {
				t.Errorf("%s: the hash of its %s is %q", b.Name, what, sum)
			}
		}
		if b.Version == "" || b.Licence == "" || b.Source == "" || b.Member == "" || b.File == "" || b.EmbeddingLen < 1 || b.convert == nil {
			t.Errorf("%s leaves something out: %+v", b.Name, b)
		}
		if !strings.Contains(b.ID(), b.CheckpointSHA256) || !strings.HasPrefix(b.ID(), b.Name+"@") {
			t.Errorf("%s has the id %q", b.Name, b.ID())
		}
	}
	if Catalogue()[0].Name != Default {
		t.Error("the default is not the first")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	if b, err := Find(""); err != nil || b.Name != Default {
		t.Errorf("%q and error %v for no name", b.Name, err)
	}
	if _, err := Find("resnet9000"); err == nil || !strings.Contains(err.Error(), Default) {
		t.Errorf("error %v does not say what there is", err)
	}
}

func TestCheckpointThatChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "weights.pth")
	if err := os.WriteFile(path, []byte("other weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(path, false); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v, expected ErrChanged", err)
	}
	if _, err := b.Load(path+".none", false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, expected os.ErrNotExist", err)
	}
}
