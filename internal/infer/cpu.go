package infer

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// CPUClass names the kind of processor by what changes the rounding of a
// network: "x86-64-vnni", "x86-64-avx2", "x86-64", "arm64", or the name of the
// architecture. A bundle's tolerances are given by it.
func CPUClass() string {
	if runtime.GOARCH != "amd64" {
		return runtime.GOARCH
	}
	switch {
	case cpu.X86.HasAVX512VNNI || cpu.X86.HasAVXVNNI:
		return "x86-64-vnni"
	case cpu.X86.HasAVX2:
		return "x86-64-avx2"
	}
	return "x86-64"
}
