package infer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gourdian/internal/worker"
)

// ProviderCPU is the execution provider that every library has.
const ProviderCPU = "cpu"

// CodeProvider is the code with which a worker refuses to serve without the
// provider that it was told to require.
const CodeProvider = "provider"

// ErrProvider is wrapped where the required execution provider, or every one
// that may be used, can't be had.
var ErrProvider = errors.New("the required provider is missing")

// ProviderMissing reports whether a worker refused to serve because the required
// provider is missing.
func ProviderMissing(err error) bool {
	var refusal *worker.Error
	return errors.As(err, &refusal) && refusal.Code == CodeProvider
}

// Providers are the execution providers that can be asked for by name. Whether
// one can be had depends on the library and on the machine.
func Providers() []string {
	return []string{ProviderCPU, "xnnpack", "cuda", "tensorrt", "openvino", "qnn"}
}

// ParseProviders splits names by commas and refuses one that is unknown or
// stands there twice. "" is the CPU.
func ParseProviders(names string) ([]string, error) {
	if names == "" {
		return []string{ProviderCPU}, nil
	}
	list := strings.Split(names, ",")
	for i, name := range list {
		if !slices.Contains(Providers(), name) {
			return nil, fmt.Errorf("provider %q is unknown; there are %s", name, strings.Join(Providers(), ", "))
		}
		if slices.Contains(list[:i], name) {
			return nil, fmt.Errorf("provider %q is named twice", name)
		}
	}
	return list, nil
}
