package evaluate

import (
	"math"
	"slices"
)

// bins of the reliability table.
const bins = 10

// Reliability says whether probabilities can be believed: of the pictures
// called with 80 %, 80 % should be right.
type Reliability struct {
	// ECE is the expected calibration error: the mean over the pictures of
	// the difference between confidence and accuracy of their bin.
	ECE  float64 `json:"ece"`
	Bins []Bin   `json:"bins"` // without the empty ones
}

// Bin holds the pictures whose highest probability lies between From and To.
type Bin struct {
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Count      int     `json:"count"`
	Confidence float64 `json:"confidence"` // mean highest probability
	Accuracy   float64 `json:"accuracy"`
}

func reliability(samples []Sample) Reliability {
	all := make([]Bin, bins)
	for _, s := range samples {
		p := slices.Max(s.Probabilities)
		b := &all[min(int(p*bins), bins-1)]
		b.Count++
		b.Confidence += p
		if s.Top == s.Truth {
			b.Accuracy++
		}
	}
	var r Reliability
	for i, b := range all {
		if b.Count == 0 {
			continue
		}
		n := float64(b.Count)
		b.From, b.To = float64(i)/bins, float64(i+1)/bins
		b.Confidence /= n
		b.Accuracy /= n
		r.ECE += n / float64(len(samples)) * math.Abs(b.Confidence-b.Accuracy)
		r.Bins = append(r.Bins, b)
	}
	return r
}
