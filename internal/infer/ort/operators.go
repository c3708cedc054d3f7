package ort

import (
	"fmt"
	"os"

	"gourdian/internal/onnxgraph"
)

// countOperators reads the graph that the runtime wrote after optimising it.
func countOperators(path string) (map[string]int, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("count operators: %w", err)
	}
	m, err := onnxgraph.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("count operators: %w", err)
	}
	counts := map[string]int{}
	for _, n := range m.Graph.Nodes {
		counts[n.Op]++
	}
	return counts, nil
}
