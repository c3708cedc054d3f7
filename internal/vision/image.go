package vision

// Size is the side of the square that every model sees, in pixels.
const Size = 224

// TensorLen is the number of bytes of one Tensor: Size x Size x 3.
const TensorLen = Size * Size * 3

// Image is a picture in memory: 8-bit RGB, interleaved, rows without padding,
// so Pix has exactly 3*W*H bytes and pixel (x, y) starts at 3*(y*W+x).
type Image struct {
	W, H int
	Pix  []uint8
}

// Tensor is one model input: uint8, NHWC with N = 1, so TensorLen bytes in
// rows of RGB. Normalisation is inside the ONNX graph.
type Tensor []uint8

// Zone is a square of a camera's view in ten-thousandths, so that it survives
// a change of resolution: X of the width, Y of the height (top left corner),
// Side of the shorter side. The zero Zone stands for the largest centred square.
type Zone struct {
	ID   string `json:"id" yaml:"id" koanf:"id"`
	X    int    `json:"x" yaml:"x" koanf:"x"`
	Y    int    `json:"y" yaml:"y" koanf:"y"`
	Side int    `json:"side" yaml:"side" koanf:"side"`
}

// Luma is a small grey picture (BT.601, 0..255) for gate and quality checks.
type Luma struct {
	W, H int
	Pix  []uint8
}
