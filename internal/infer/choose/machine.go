package choose

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"gourdian/internal/infer"
)

// CPU is this machine's processor as far as it decides how fast integers are.
type CPU struct {
	Name     string   `json:"name"`
	Class    string   `json:"class"` // infer.CPUClass
	Features []string `json:"features"`
}

// cpuInfo is where Linux describes the processor.
const cpuInfo = "/proc/cpuinfo"

// ThisCPU describes the processor of this machine.
func ThisCPU() CPU {
	c := CPU{Class: infer.CPUClass(), Features: []string{}}
	file, err := os.Open(cpuInfo)
	if err == nil {
		defer func() { _ = file.Close() }() // only read
		c.read(file)
	}
	if c.Name == "" {
		c.Name = c.Class
	}
	return c
}

// mattering are the instructions that make 8-bit networks fast, as Linux names
// them on x86-64 and arm64.
func mattering() []string {
	return []string{"avx2", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm", "sve"}
}

// read takes the name and features of the first processor.
func (c *CPU) read(r io.Reader) {
	lines := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			if len(c.Features) > 0 {
				return // the next processor
			}
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch key {
		case "model name", "Model":
			c.Name = value
		case "CPU part":
			if c.Name == "" {
				c.Name = "ARM part " + value
			}
		case "flags", "Features":
			have := map[string]bool{}
			for _, f := range strings.Fields(value) {
				have[f] = true
			}
			for _, f := range mattering() {
				if have[f] {
					c.Features = append(c.Features, f)
				}
			}
		}
	}
}

// Machine names what a choice depends on beside bundle and library.
func Machine(c CPU, provider string, threads int) string {
	return fmt.Sprintf("%s (%s %s), %s, threads %d", c.Name, c.Class, strings.Join(c.Features, " "), provider, threads)
}
