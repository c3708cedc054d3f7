package choose

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func chosen(bundle string) Choice {
	return Choice{
		Bundle: bundle, Machine: "here", Library: "onnxruntime 1.32.0", Allowed: []string{"fp32", "int8"}, Variant: "int8", Reason: Fastest,
		Trials: []Trial{{Variant: "fp32", Passes: true, P50: 6, P99: 7}, {Variant: "int8", Passes: true, P50: 3, P99: 4}},
	}
}

func TestChoiceIsRememberedForItsBundleAndMachineOnly(t *testing.T) {
	t.Parallel()
	m := Memory{filepath.Join(t.TempDir(), "engine", "variants.json")}
	for range 2 { // the second replaces the first
		if err := m.Keep(chosen("a")); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Keep(chosen("b")); err != nil {
		t.Fatal(err)
	}
	if got, ok := m.Recall("a", "here", []string{"fp32", "int8"}); !ok || !reflect.DeepEqual(got, chosen("a")) {
		t.Errorf("recalled %+v, %v", got, ok)
	}
	for name, ask := range map[string]struct {
		bundle, machine string
		allowed         []string
	}{
		"another bundle":        {"c", "here", []string{"fp32", "int8"}},
		"another machine":       {"a", "there", []string{"fp32", "int8"}},
		"other variants to try": {"a", "here", []string{"fp32", "int8", "int8-rr"}},
		"the variant forbidden": {"a", "here", []string{"fp32"}},
	} {
		if got, ok := m.Recall(ask.bundle, ask.machine, ask.allowed); ok {
			t.Errorf("%s: recalled %+v", name, got)
		}
	}
	if err := m.Forget("a"); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Recall("a", "here", []string{"fp32", "int8"}); ok {
		t.Error("what was forgotten is recalled")
	}
	if _, ok := m.Recall("b", "here", []string{"fp32", "int8"}); !ok {
		t.Error("another bundle was forgotten too")
	}
}

func TestMemoryDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	m := Memory{filepath.Join(t.TempDir(), "variants.json")}
	for i := range 3 * choicesMost {
		if err := m.Keep(chosen(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.read()); n != choicesMost {
		t.Errorf("%d choices are kept", n)
	}
	if _, ok := m.Recall(fmt.Sprint(3*choicesMost-1), "here", []string{"fp32", "int8"}); !ok {
		t.Error("the newest is gone")
	}
}

func TestDamagedMemoryIsForgottenAndWrittenAnew(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"cut off": `{"format":1,"choices":[{"bun`, "another format": `{"format":2,"choices":[{"bundle":"a","variant":"int8"}]}`,
		"no JSON": "\x00\x01", "empty": "", "nothing chosen": `{"format":1,"choices":[{"bundle":"a","machine":"here"}]}`,
	} {
		m := Memory{filepath.Join(t.TempDir(), "variants.json")}
		if err := os.WriteFile(m.Path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := m.Recall("a", "here", []string{"fp32", "int8"}); ok {
			t.Errorf("%s: something is recalled", name)
		}
		if err := m.Keep(chosen("a")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := m.Recall("a", "here", []string{"fp32", "int8"}); !ok {
			t.Errorf("%s: not written anew", name)
		}
	}
}

func FuzzDecodeMemory(f *testing.F) {
	f.Add([]byte(`{"format":1,"choices":[{"bundle":"a","variant":"int8","trials":[{"ms_p50":1}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range decodeMemory(data) {
			if c.Bundle == "" || c.Variant == "" {
				t.Fatalf("decoded %+v", c)
			}
		}
	})
}

func TestFeaturesThatMatterAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ info, name, features string }{
		{"processor\t: 0\nmodel name\t: Fast CPU\nflags\t\t: fpu avx2 avx512_vnni sse\n\nprocessor\t: 1\nflags\t: amx_int8\n", "Fast CPU", "avx2 avx512_vnni"},
		{"processor\t: 0\nFeatures\t: fp asimd asimddp\nCPU part\t: 0xd08\n\n", "ARM part 0xd08", "asimd asimddp"},
		{"", "", ""},
	} {
		var got CPU
		got.read(strings.NewReader(c.info))
		if got.Name != c.name || strings.Join(got.Features, " ") != c.features {
			t.Errorf("%+v, want %s with %s", got, c.name, c.features)
		}
	}
	if a, b := Machine(CPU{Name: "x"}, "cpu", 1), Machine(CPU{Name: "x"}, "cpu", 2); a == b {
		t.Error("another number of threads is the same machine")
	}
}
