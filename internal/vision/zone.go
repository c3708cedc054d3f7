package vision

// zoneUnit is the whole of a side in a Zone's numbers: ten-thousandths.
const zoneUnit = 10000

// Square returns the zone's top left corner and side in the pixels of a w x h
// picture (both at least 1). A Zone whose Side is not above 0 is the largest
// centred square, an odd pixel left over going to the right or the bottom. Any
// other is rounded to the nearest pixel, made at least 1 and at most as large
// as the shorter side, and then moved until it lies inside the picture: a zone
// drawn on another picture never fails, it shows the nearest square there is.
func (z Zone) Square(w, h int) (x, y, side int) {
	short := min(w, h)
	if z.Side <= 0 {
		return (w - short) / 2, (h - short) / 2, short
	}
	side = clamp(scale(z.Side, short), 1, short)
	return clamp(scale(z.X, w), 0, w-side), clamp(scale(z.Y, h), 0, h-side), side
}

// scale is part/zoneUnit of whole, to the nearest. Parts beyond the whole are
// cut first, so that no number from a settings file can overflow.
func scale(part, whole int) int {
	part = clamp(part, 0, zoneUnit)
	return int((int64(part)*int64(whole) + zoneUnit/2) / zoneUnit)
}

func clamp(v, low, high int) int { return min(max(v, low), high) }
