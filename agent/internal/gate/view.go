package gate

import (
	"bytes"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

const (
	grid = 14 // blocks along each side of a zone's luma, 8x8 pixels each
	// moved is the difference of two blocks' mean greys above which they show
	// something else. Noise of single pixels (about 3 levels) leaves 0.4 in the
	// mean of 64; a thin cloud moves all blocks by 2 or 3.
	moved = 7
	// movedBlocks of the 196 make a change: one is a leaf in the wind.
	movedBlocks = 3
)

// view is a zone as the gate remembers it: the mean grey of each block.
type view [grid * grid]int16

func viewsOf(lumas []vision.Luma) []view {
	views := make([]view, len(lumas))
	for i, luma := range lumas {
		views[i] = viewOf(luma)
	}
	return views
}

func viewOf(l vision.Luma) view {
	var sums, counts [grid * grid]int32
	for y := range l.H {
		row := l.Pix[y*l.W : (y+1)*l.W]
		base := y * grid / l.H * grid
		for x, grey := range row {
			i := base + x*grid/l.W
			sums[i] += int32(grey)
			counts[i]++
		}
	}
	var v view
	for i := range v {
		v[i] = int16(sums[i] / max(1, counts[i]))
	}
	return v
}

// changed reports whether any zone shows something else than before. Views of
// other zones than before (the farmer drew new ones) are a change.
func changed(before, now []view) bool {
	if len(before) != len(now) {
		return true
	}
	for i := range now {
		count := 0
		for k, grey := range now[i] {
			if d := grey - before[i][k]; d > moved || d < -moved {
				count++
			}
		}
		if count >= movedBlocks {
			return true
		}
	}
	return false
}

// same reports whether the frame equals the last scored one to the last bit.
func (g *Gate) same(frame *capture.Frame) bool {
	if len(g.last) == 0 || len(g.last) != len(frame.ZoneLumas) {
		return false
	}
	for i, luma := range frame.ZoneLumas {
		if !bytes.Equal(luma.Pix, g.last[i].Pix) {
			return false
		}
	}
	return true
}
