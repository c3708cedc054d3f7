package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // formats that Inspect knows
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

// Limits of one encoded picture, checked before anything is decoded. The
// pixels of the largest one fit in a frame of the worker's pipe.
const (
	MaxFileBytes = 30 << 20
	MaxPixels    = 20_000_000
)

// Errors of a picture. They keep their meaning on the way through a worker.
var (
	ErrBadImage = errors.New("not a readable picture")
	ErrTooLarge = errors.New("picture is too large")
)

// FileInfo is what the head of an encoded picture says.
type FileInfo struct {
	Format string // "jpeg", "png", "webp", "gif" or "bmp"
	W, H   int    // as stored, before any turn
}

// Inspect reads the head of an encoded picture. It refuses what is beyond the
// limits (ErrTooLarge) and what is no picture of a known kind, or a JPEG that
// was cut off (ErrBadImage): decoders fill the missing part with grey and say
// nothing.
func Inspect(file []byte) (FileInfo, error) {
	if len(file) > MaxFileBytes {
		return FileInfo{}, fmt.Errorf("%w: file of %d MB, at most %d", ErrTooLarge, len(file)>>20, MaxFileBytes>>20)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return FileInfo{}, fmt.Errorf("%w: %w", ErrBadImage, err)
	}
	if config.Width < 1 || config.Height < 1 {
		return FileInfo{}, fmt.Errorf("%w: %dx%d pixels", ErrBadImage, config.Width, config.Height)
	}
	if int64(config.Width)*int64(config.Height) > MaxPixels {
		return FileInfo{}, fmt.Errorf("%w: %dx%d pixels, at most %d million", ErrTooLarge, config.Width, config.Height, MaxPixels/1_000_000)
	}
	if format == "jpeg" && !jpegEnds(file) {
		return FileInfo{}, fmt.Errorf("%w: the end of the file is missing", ErrBadImage)
	}
	return FileInfo{Format: format, W: config.Width, H: config.Height}, nil
}

// jpegEnds reports whether the end marker follows the picture data. Inside of
// the data it can't occur: there every 0xff byte is followed by 0 or a restart
// marker. Looking only behind the first scan keeps the end of a thumbnail in
// the head from counting.
func jpegEnds(file []byte) bool {
	b := file[2:]
	for len(b) >= 4 && b[0] == 0xff {
		if b[1] == 0xff {
			b = b[1:]
			continue
		}
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b) {
			return false
		}
		scan := b[1] == 0xda
		b = b[size:]
		if scan {
			return bytes.Contains(b, []byte{0xff, 0xd9})
		}
	}
	return false
}
