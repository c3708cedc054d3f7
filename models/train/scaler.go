package train

import "math"

// Scaler standardises features: (x - Mean) / Std.
type Scaler struct{ Mean, Std []float64 }

// FitScaler takes mean and population deviation of each feature over rows. A
// feature that never changes keeps its size: its deviation is taken as 1, as
// scikit-learn's StandardScaler does.
func FitScaler(rows [][]float32) Scaler {
	in := len(rows[0])
	s := Scaler{make([]float64, in), make([]float64, in)}
	n := float64(len(rows))
	for _, row := range rows {
		for j, v := range row {
			s.Mean[j] += float64(v)
		}
	}
	for j := range s.Mean {
		s.Mean[j] /= n
	}
	for _, row := range rows {
		for j, v := range row {
			d := float64(v) - s.Mean[j]
			s.Std[j] += d * d
		}
	}
	for j := range s.Std {
		s.Std[j] = math.Sqrt(s.Std[j] / n)
		if s.Std[j] <= 1e-9*math.Max(1, math.Abs(s.Mean[j])) {
			s.Std[j] = 1
		}
	}
	return s
}

// Apply writes the standardised row to out.
func (s Scaler) Apply(out []float64, row []float32) {
	for j, v := range row {
		out[j] = (float64(v) - s.Mean[j]) / s.Std[j]
	}
}
