//go:build workers

package e2e

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// copyOf is the file of a picture in a board's data, "" where it has none.
func (r *rig) copyOf(b *board, hash string) (path string) {
	r.t.Helper()
	err := filepath.WalkDir(filepath.Join(r.dir, b.name), func(at string, _ fs.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Base(at), hash) {
			path = at
		}
		if errors.Is(err, fs.ErrNotExist) { // it goes meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return path
}

// TestPictureDeletedWhileItsBoardIsDeadIsErasedWhenItIsBack: the hub is killed
// after the deletion, the board before it heard of it and once more in between.
func TestPictureDeletedWhileItsBoardIsDeadIsErasedWhenItIsBack(t *testing.T) {
	bundles, walk := train(t, 1)
	r := newRig(t)
	b := r.addBoard("north", bundles[0], walk)
	var hash string
	r.until("a picture of the board on the hub", func() bool {
		var list struct {
			Samples []struct{ Hash string }
		}
		err := r.try(http.MethodGet, r.hub.Plain+"/api/v1/samples?"+url.Values{"device": {b.device}}.Encode(), nil, &list)
		for _, one := range list.Samples {
			hash = one.Hash
		}
		return err == nil && hash != ""
	})
	b.Kill()
	if r.copyOf(b, hash) == "" {
		t.Fatal("the board has no copy to erase")
	}
	// Looked at again, the same file would be the same picture again.
	b.env = append(Without(b.env, "GOURDIAN_AGENT_CAMERAS_0_SOURCE"), "GOURDIAN_AGENT_CAMERAS_0_SOURCE=folder:"+t.TempDir())
	var nothing any
	if err := r.try(http.MethodDelete, r.hub.Plain+"/api/v1/samples/"+hash, nil, &nothing); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	r.hub.Kill()
	r.startHub()
	before := r.stream(b)
	b.start(t)
	b.Kill()
	b.start(t)
	r.until("the end of the copy on the board's disk", func() bool { return r.copyOf(b, hash) == "" })
	r.until("all records on the hub", func() bool { n := r.newest(b); return n > 0 && r.stream(b).Through == n })
	if after := r.stream(b); after.Records < before.Records || after.Lost != 0 {
		t.Errorf("records %+v became %+v", before, after)
	}
}
