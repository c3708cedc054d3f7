package convert

import (
	"errors"
	"testing"
)

func TestCheckpointWithoutTheNetwork(t *testing.T) {
	t.Parallel()
	c, err := ReadCheckpoint(sound().bytes())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := EfficientNetLite0(c, true); !errors.Is(err, ErrCheckpoint) || m != nil {
		t.Errorf("error %v, expected one about the missing tensor", err)
	}
}

func TestGroupsAreThoseOfTheNetwork(t *testing.T) {
	t.Parallel()
	blocks, channels, side := int64(0), int64(32), 112
	for _, g := range lite0Groups() {
		if g.in != channels {
			t.Errorf("a group takes %d channels, the one before gives %d", g.in, channels)
		}
		blocks, channels, side = blocks+g.repeat, g.out, side/int(g.stride)
	}
	if blocks != 16 || channels != 320 || side != 7 {
		t.Errorf("%d blocks end in %d channels of %d x %d, expected 16, 320 and 7", blocks, channels, side, side)
	}
}
