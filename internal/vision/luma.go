package vision

// ZoneLumaSide is the side of the grey picture that gate and quality checks
// see of one zone.
const ZoneLumaSide = Size / 2

// Grey is the BT.601 luma of one colour in 8 bits: (77 R + 150 G + 29 B) / 256,
// rounded.
func Grey(r, g, b uint8) uint8 {
	return uint8((77*uint32(r) + 150*uint32(g) + 29*uint32(b) + 128) >> 8)
}

// ToLuma shrinks a picture to a small grey one whose shorter side has at most
// shorter pixels (and at least 1); it never enlarges. Each grey pixel is the
// mean over the whole pixels that fall into it: good enough to compare frames
// with each other, and cheap. img must pass Check.
func ToLuma(img Image, shorter int) Luma {
	w, h := img.W, img.H
	if short := min(w, h); short > shorter {
		shorter = max(shorter, 1)
		w = max(1, (w*shorter+short/2)/short)
		h = max(1, (h*shorter+short/2)/short)
	}
	out := Luma{W: w, H: h, Pix: make([]uint8, w*h)}
	sums := make([]uint32, 3*w)
	for y := range h {
		clear(sums)
		from, to := y*img.H/h, (y+1)*img.H/h
		for row := from; row < to; row++ {
			addRow(sums, img.Pix[3*row*img.W:3*(row+1)*img.W], w)
		}
		greyRow(out.Pix[y*w:(y+1)*w], sums, img.W, to-from)
	}
	return out
}

// addRow adds a row of pixels to the sums of the w columns of the small picture.
func addRow(sums []uint32, row []uint8, w int) {
	n := len(row) / 3
	for x := range w {
		var r, g, b uint32
		for part := row[3*(x*n/w) : 3*((x+1)*n/w)]; len(part) >= 3; part = part[3:] {
			r += uint32(part[0])
			g += uint32(part[1])
			b += uint32(part[2])
		}
		sums[3*x] += r
		sums[3*x+1] += g
		sums[3*x+2] += b
	}
}

// greyRow turns sums over rows x (columns of the source) into grey means.
func greyRow(dst []uint8, sums []uint32, source, rows int) {
	w := len(dst)
	for x := range dst {
		count := uint64((x+1)*source/w-x*source/w) * uint64(rows)
		weighted := 77*uint64(sums[3*x]) + 150*uint64(sums[3*x+1]) + 29*uint64(sums[3*x+2])
		dst[x] = uint8((weighted + 128*count) / (256 * count))
	}
}

// Grey returns the tensor as a grey picture of Size x Size. t must have
// TensorLen bytes.
func (t Tensor) Grey() Luma {
	out := Luma{W: Size, H: Size, Pix: make([]uint8, Size*Size)}
	for i := range out.Pix {
		out.Pix[i] = Grey(t[3*i], t[3*i+1], t[3*i+2])
	}
	return out
}

// Half returns the picture at half its size, each pixel the rounded mean of
// four; an odd last row or column is left out.
func (l Luma) Half() Luma {
	out := Luma{W: l.W / 2, H: l.H / 2, Pix: make([]uint8, (l.W/2)*(l.H/2))}
	for y := range out.H {
		upper := l.Pix[2*y*l.W:][:l.W]
		lower := l.Pix[(2*y+1)*l.W:][:l.W]
		for x := range out.W {
			sum := int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1])
			out.Pix[y*out.W+x] = uint8((sum + 2) / 4)
		}
	}
	return out
}
