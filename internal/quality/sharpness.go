package quality

import "gourdian/internal/vision"

// Sharpness is the variance of the Laplacian (the four neighbours minus four
// times the pixel, inner pixels only) of the tensor's luma, in squared grey
// levels: 0 for a plain surface, some hundreds to thousands for a sharp photo.
// It is measured at 224x224, so it judges what the model sees and not what the
// camera could show at full size. t must have TensorLen bytes.
// Source: J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield
// microscopy", ICPR 2000.
func Sharpness(t vision.Tensor) float64 {
	grey := t.Grey()
	var sum, squares int64
	for y := 1; y < grey.H-1; y++ {
		above, row, below := grey.Pix[(y-1)*grey.W:][:grey.W], grey.Pix[y*grey.W:][:grey.W], grey.Pix[(y+1)*grey.W:][:grey.W]
		for x := 1; x < len(row)-1; x++ {
			v := int64(above[x]) + int64(below[x]) + int64(row[x-1]) + int64(row[x+1]) - 4*int64(row[x])
			sum += v
			squares += v * v
		}
	}
	n := float64((grey.W - 2) * (grey.H - 2))
	mean := float64(sum) / n
	return float64(squares)/n - mean*mean
}
