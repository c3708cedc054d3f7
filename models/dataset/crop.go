package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gourdian/internal/vision"
)

// Crop is a part of the upright picture in pixels; the zero Crop is all of it.
type Crop struct{ X, Y, W, H int }

// maxCoordinate bounds the numbers of a crop: no picture is that wide.
const maxCoordinate = 1 << 20

// ParseCrop reads "x y w h" in pixels of the upright picture, separated by
// blanks or commas; fractions are rounded. The empty string is the zero Crop.
func ParseCrop(text string) (Crop, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	if len(fields) == 0 {
		return Crop{}, nil
	}
	if len(fields) != 4 {
		return Crop{}, fmt.Errorf("crop %.40q: want x y w h", text)
	}
	var n [4]int
	for i, f := range fields {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > maxCoordinate {
			return Crop{}, fmt.Errorf("crop %.40q: %.20q is not a number of pixels", text, f)
		}
		n[i] = int(math.Round(v))
	}
	c := Crop{n[0], n[1], n[2], n[3]}
	if c.W <= 0 || c.H <= 0 {
		return Crop{}, fmt.Errorf("crop %.40q: width and height must be above 0", text)
	}
	return c, nil
}

// Cut returns the part of the picture that the crop names, as far as it lies
// inside. The zero Crop returns the picture itself.
func (c Crop) Cut(img vision.Image) (vision.Image, error) {
	if c == (Crop{}) {
		return img, nil
	}
	part := vision.Crop(img, c.X, c.Y, c.W, c.H)
	if part.Check() != nil {
		return vision.Image{}, errors.New("the crop lies outside the picture")
	}
	return part, nil
}

func (c Crop) compare(d Crop) int {
	return cmp.Or(cmp.Compare(c.X, d.X), cmp.Compare(c.Y, d.Y), cmp.Compare(c.W, d.W), cmp.Compare(c.H, d.H))
}
