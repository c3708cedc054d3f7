package ort

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gourdian/internal/infer"
)

// profileMost is the largest profile that is read, in bytes: one run of a
// network of some hundred operators makes some hundred KB.
const profileMost = 16 << 20

// errNoProvider is wrapped where a provider can't run the network at all.
var errNoProvider = errors.New("the provider can't be had")

// noProvider is an error that wraps errNoProvider and says only its own words.
type noProvider struct{ error }

func (e noProvider) Unwrap() []error { return []error{errNoProvider, e.error} }

// obtain tries providers in order of preference until one works; only the
// required one where there is such. It returns which, and those that were
// wished for more with why they were not obtained. Nothing is replaced in
// silence: without any that works, the error says why for each, and wraps
// infer.ErrProvider where it is for want of a provider.
func obtain(providers []string, require string, try func(provider string) error) (obtained string, missed []infer.Miss, err error) {
	if require != "" {
		providers = []string{require}
	}
	var errs []error
	for _, name := range providers {
		err := try(name)
		if err == nil {
			return name, missed, nil
		}
		if !errors.Is(err, errNoProvider) && !errors.Is(err, infer.ErrGolden) {
			return "", nil, err // nothing that another provider could heal
		}
		missed = append(missed, infer.Miss{Provider: name, Why: shorten(err.Error())})
		errs = append(errs, err)
	}
	err = errors.Join(errs...)
	if errors.Is(err, errNoProvider) && !errors.Is(err, infer.ErrGolden) {
		err = fmt.Errorf("%w: %w", infer.ErrProvider, err)
	}
	return "", nil, err
}

// whyMost is the longest reason that is told of a provider, in bytes: some
// libraries append their whole build, and all has to fit into a worker's hello.
const whyMost = 1000

func shorten(why string) string {
	if len(why) <= whyMost {
		return why
	}
	return strings.ToValidUTF8(why[:whyMost], "") + " …"
}

// runtimeName is how ONNX Runtime names a provider in what it writes.
func runtimeName(provider string) string {
	switch provider {
	case infer.ProviderCPU:
		return "CPUExecutionProvider"
	case "xnnpack":
		return "XnnpackExecutionProvider"
	case "cuda":
		return "CUDAExecutionProvider"
	case "tensorrt":
		return "TensorrtExecutionProvider"
	case "openvino":
		return "OpenVINOExecutionProvider"
	case "qnn":
		return "QNNExecutionProvider"
	}
	return ""
}

// assigned reads a profile of ONNX Runtime over one run and counts the operators
// that each provider ran. A provider that compiles several operators into one counts
// once for them.
func assigned(profile io.Reader) (map[string]int, error) {
	var events []struct {
		Category string `json:"cat"`
		Name     string `json:"name"`
		Args     struct {
			Provider string `json:"provider"`
		} `json:"args"`
	}
	if err := json.NewDecoder(io.LimitReader(profile, profileMost)).Decode(&events); err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	known := map[string]string{}
	for _, name := range infer.Providers() {
		known[runtimeName(name)] = name
	}
	counts := map[string]int{}
	for _, e := range events {
		if e.Category != "Node" || e.Args.Provider == "" || !strings.HasSuffix(e.Name, "_kernel_time") {
			continue
		}
		name := e.Args.Provider
		if ours, ok := known[name]; ok {
			name = ours
		}
		counts[name]++
	}
	if len(counts) == 0 {
		return nil, errors.New("read profile: it names no operator")
	}
	return counts, nil
}

// assignedIn reads the one profile in a folder.
func assignedIn(dir string) (map[string]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	at := slices.IndexFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".json") })
	if at < 0 {
		return nil, errors.New("read profile: the runtime wrote none")
	}
	file, err := os.Open(dir + "/" + entries[at].Name())
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return assigned(file)
}
