package vision

import (
	"bytes"
	"encoding/binary"
)

// orientationTag is EXIF's tag for how a picture is to be turned for display.
const orientationTag = 0x0112

// Orientation returns the EXIF orientation, 1 to 8, that an encoded JPEG, PNG
// or WebP file asks for. It is 1 (upright) where the file has none, is damaged
// or of another kind: a wrong turn is worse than none.
func Orientation(file []byte) int {
	switch {
	case bytes.HasPrefix(file, []byte{0xff, 0xd8}):
		return jpegOrientation(file[2:])
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return pngOrientation(file[8:])
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		return webpOrientation(file[12:])
	}
	return 1
}

// jpegOrientation walks the segments before the picture data.
func jpegOrientation(b []byte) int {
	for len(b) >= 4 && b[0] == 0xff {
		marker := b[1]
		switch {
		case marker == 0xff: // fill byte
			b = b[1:]
			continue
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd7: // no length
			b = b[2:]
			continue
		case marker == 0xda || marker == 0xd9: // picture data, end
			return 1
		}
		size := int(binary.BigEndian.Uint16(b[2:]))
		if size < 2 || 2+size > len(b) {
			return 1
		}
		if body := b[4 : 2+size]; marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return tiffOrientation(body[6:])
		}
		b = b[2+size:]
	}
	return 1
}

func pngOrientation(b []byte) int {
	for len(b) >= 12 {
		size := uint64(binary.BigEndian.Uint32(b))
		if size+12 > uint64(len(b)) {
			return 1
		}
		if string(b[4:8]) == "eXIf" {
			return tiffOrientation(b[8 : 8+size])
		}
		b = b[12+size:]
	}
	return 1
}

func webpOrientation(b []byte) int {
	for len(b) >= 8 {
		size := uint64(binary.LittleEndian.Uint32(b[4:]))
		if size+8 > uint64(len(b)) {
			return 1
		}
		if string(b[:4]) == "EXIF" {
			return tiffOrientation(bytes.TrimPrefix(b[8:8+size], []byte("Exif\x00\x00")))
		}
		b = b[min(8+size+size%2, uint64(len(b))):] // chunks are padded to even sizes
	}
	return 1
}

// tiffOrientation reads the tag from the first directory of a TIFF block.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	count := int(order.Uint16(b[at:]))
	for entry := b[at+2:]; count > 0 && len(entry) >= 12; count-- {
		const short = 3 // TIFF's 16-bit type
		if order.Uint16(entry) == orientationTag {
			v := int(order.Uint16(entry[8:]))
			if order.Uint16(entry[2:]) == short && order.Uint32(entry[4:]) == 1 && v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entry = entry[12:]
	}
	return 1
}

// Upright turns a picture by its EXIF orientation, which says where the first
// row and column of the stored pixels belong. It returns img itself for 1 and
// for anything that is no orientation, else a new picture; for 5 to 8 width
// and height change places.
func Upright(img Image, orientation int) Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	w, h := img.W, img.H
	if orientation >= 5 {
		w, h = h, w
	}
	out := New(w, h)
	// Where the pixel right of, and below, an output pixel lies in the source.
	start, right, down := turn(orientation, img.W, img.H)
	for y := range h {
		from := start + y*down
		for at := 3 * y * w; at < 3*(y+1)*w; at += 3 {
			copy(out.Pix[at:at+3], img.Pix[3*from:3*from+3])
			from += right
		}
	}
	return out
}

// turn says which source pixel (as an index) is the output's first and how the
// index moves with each output pixel to the right and each row down.
func turn(orientation, w, h int) (start, right, down int) {
	switch orientation {
	case 2: // mirrored left to right
		return w - 1, -1, w
	case 3: // turned by 180 degrees
		return w*h - 1, -1, -w
	case 4: // mirrored top to bottom
		return w * (h - 1), 1, -w
	case 5: // mirrored along the main diagonal
		return 0, w, 1
	case 6: // to be turned clockwise by 90 degrees
		return w * (h - 1), -w, 1
	case 7: // mirrored along the other diagonal
		return w*h - 1, -w, -1
	default: // 8, to be turned counter-clockwise by 90 degrees
		return w - 1, w, -1
	}
}
