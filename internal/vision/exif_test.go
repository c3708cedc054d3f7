package vision

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// tiff is an EXIF block with one other tag before the orientation.
func tiff(order binary.AppendByteOrder, magic string, orientation uint16) []byte {
	b := order.AppendUint32([]byte(magic), 8)
	b = order.AppendUint16(b, 2)
	b = append(b, entry(order, 0x010f, 2, 4, 0)...)
	return append(b, entry(order, orientationTag, 3, 1, orientation)...)
}

func entry(order binary.AppendByteOrder, tag, kind uint16, count uint32, value uint16) []byte {
	b := order.AppendUint16(nil, tag)
	b = order.AppendUint16(b, kind)
	b = order.AppendUint32(b, count)
	b = order.AppendUint16(b, value)
	return append(b, 0, 0)
}

func asJPEG(tiff []byte) []byte {
	jfif := []byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 'J', 'F', 0xff}
	body := append([]byte("Exif\x00\x00"), tiff...)
	b := binary.BigEndian.AppendUint16(append(jfif, 0xff, 0xe1), uint16(len(body)+2))
	return append(append(b, body...), 0xff, 0xda, 0, 2)
}

func asPNG(tiff []byte) []byte {
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 1, 'I', 'H', 'D', 'R', 7, 0, 0, 0, 0)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(tiff))), "eXIf"...)
	return append(append(b, tiff...), 0, 0, 0, 0)
}

func asWebP(tiff []byte) []byte {
	b := append([]byte("RIFF\x00\x00\x00\x00WEBP"), 'V', 'P', '8', 'X', 1, 0, 0, 0, 9, 0)
	b = append(binary.LittleEndian.AppendUint32(append(b, "EXIF"...), uint32(len(tiff)+6)), "Exif\x00\x00"...)
	return append(b, tiff...)
}

func TestOrientationIsReadFromEveryContainer(t *testing.T) {
	t.Parallel()
	for want := 1; want <= 8; want++ {
		for name, block := range map[string][]byte{
			"little endian": tiff(binary.LittleEndian, "II*\x00", uint16(want)),
			"big endian":    tiff(binary.BigEndian, "MM\x00*", uint16(want)),
		} {
			for kind, file := range map[string][]byte{"jpeg": asJPEG(block), "png": asPNG(block), "webp": asWebP(block)} {
				if got := Orientation(file); got != want {
					t.Errorf("%s %s: %d, want %d", kind, name, got, want)
				}
			}
		}
	}
}

func TestOrientationOfDamagedFilesIsUpright(t *testing.T) {
	t.Parallel()
	good := asJPEG(tiff(binary.BigEndian, "MM\x00*", 6))
	for name, file := range map[string][]byte{
		"nothing":         nil,
		"value 0":         asJPEG(tiff(binary.BigEndian, "MM\x00*", 0)),
		"value 9":         asJPEG(tiff(binary.BigEndian, "MM\x00*", 9)),
		"wrong magic":     asJPEG(tiff(binary.BigEndian, "MMMM", 6)),
		"directory ahead": asJPEG([]byte("MM\x00*\xff\xff\xff\xff")),
		"long, not short": asJPEG(append([]byte("MM\x00*\x00\x00\x00\x08\x00\x01"), entry(binary.BigEndian, orientationTag, 4, 1, 6)...)),
		"after the data":  append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, good[2:]...),
		"text":            []byte("not a picture at all"),
	} {
		if got := Orientation(file); got != 1 {
			t.Errorf("%s: %d", name, got)
		}
	}
	for cut := range len(good) - 12 { // every truncation that loses the tag
		if got := Orientation(good[:cut]); got != 1 {
			t.Errorf("cut at %d: %d", cut, got)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	block := tiff(binary.LittleEndian, "II*\x00", 8)
	for _, file := range [][]byte{nil, asJPEG(block), asPNG(block), asWebP(block), []byte("RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\xff")} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if got := Orientation(file); got < 1 || got > 8 {
			t.Errorf("orientation %d", got)
		}
	})
}

// letters stores F-like shapes: the picture of EXIF's own definition, in which
// the upright picture reads "abc/def" and each orientation says how the camera
// wrote it down.
func TestUprightUndoesEveryOrientation(t *testing.T) {
	t.Parallel()
	for orientation, stored := range map[int][]string{
		1: {"abc", "def"}, 2: {"cba", "fed"}, 3: {"fed", "cba"}, 4: {"def", "abc"},
		5: {"ad", "be", "cf"}, 6: {"cf", "be", "ad"}, 7: {"fc", "eb", "da"}, 8: {"da", "eb", "fc"},
	} {
		got := Upright(letters(stored), orientation)
		if want := letters([]string{"abc", "def"}); got.W != want.W || got.H != want.H || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("orientation %d: %dx%d %v", orientation, got.W, got.H, got.Pix)
		}
	}
	if img := letters([]string{"ab"}); &Upright(img, 42).Pix[0] != &img.Pix[0] {
		t.Error("an orientation that does not exist copied the picture")
	}
}

func letters(rows []string) Image {
	img := New(len(rows[0]), len(rows))
	for y, row := range rows {
		for x, c := range []byte(row) {
			copy(img.Pix[3*(y*img.W+x):], []uint8{c, c + 1, c + 2})
		}
	}
	return img
}
