package page

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
)

const frameTarget = "/api/v1/cameras/barn/frame.jpg"

func TestStalePictureIsNeverGivenAsLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 7, nil)
		w := r.get(frameTarget)
		if w.Code != http.StatusOK || w.Body.String() != "jpeg" || w.Header().Get("Content-Type") != "image/jpeg" ||
			w.Header().Get("X-Frame-Seq") != "7" || w.Header().Get("X-Frame-Age") != "0.0" {
			t.Fatalf("fresh: %d %v", w.Code, w.Header())
		}
		pass(live.StaleAfter)
		if w := r.get(frameTarget); w.Code != http.StatusOK {
			t.Errorf("at %s: %d", live.StaleAfter, w.Code)
		}
		pass(time.Millisecond)
		w = r.get(frameTarget)
		if code := fault(t, w); w.Code != http.StatusServiceUnavailable || code != "stale" {
			t.Errorf("stale: %d %s", w.Code, code)
		}
		if strings.Contains(w.Body.String(), "jpeg") {
			t.Error("the stale picture came with the error")
		}
		for _, query := range []string{"?stale=no", "?stale=", "?seq=7", "?stale=OK"} {
			if w := r.get(frameTarget + query); w.Code != http.StatusServiceUnavailable {
				t.Errorf("stale with %s: %d", query, w.Code)
			}
		}
		w = r.get(frameTarget + "?stale=ok")
		if w.Code != http.StatusOK || w.Body.String() != "jpeg" || w.Header().Get("X-Frame-Age") != "15.0" {
			t.Errorf("asked for as stale: %d, age %s", w.Code, w.Header().Get("X-Frame-Age"))
		}
	})
}

func TestStatusSaysThatThePictureIsStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if frame := answer[statusAnswer](t, r.get("/api/v1/status")).Cameras[0].Frame; frame != nil {
			t.Errorf("a frame before the first: %+v", frame)
		}
		r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 7, nil)
		pass(live.StaleAfter + time.Second)
		if frame := answer[statusAnswer](t, r.get("/api/v1/status")).Cameras[0].Frame; !frame.Stale || frame.Age != 16 || frame.Seq != 7 {
			t.Errorf("%+v", frame)
		}
	})
}

func TestFrameOfAnotherTimeIsNotKeptByTheBrowser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 7, nil)
	for target, want := range map[string]string{
		frameTarget:            "no-store",
		frameTarget + "?seq=6": "no-store",
		frameTarget + "?seq=7": "private, max-age=60, immutable",
	} {
		if got := r.get(target).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %s", target, got)
		}
	}
}

// TestClockThatStepsBack leaves the newest picture in the future.
func TestClockThatStepsBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetFrame("barn", []byte("jpeg"), time.Now().Add(time.Hour), time.Now(), 1, nil)
	if w := r.get(frameTarget); w.Code != http.StatusOK || w.Header().Get("X-Frame-Age") != "0.0" {
		t.Errorf("%d, age %s", w.Code, w.Header().Get("X-Frame-Age"))
	}
}

func TestCameraWithoutPictureAndNoCamera(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.get(frameTarget)
	if code := fault(t, w); w.Code != http.StatusServiceUnavailable || code != "no_picture" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s %v", w.Code, code, w.Header())
	}
	for _, id := range []string{"attic", "BARN", "%2e%2e", "barn%00"} {
		w := r.get("/api/v1/cameras/" + id + "/frame.jpg")
		if code := fault(t, w); w.Code != http.StatusNotFound || code != "not_found" {
			t.Errorf("%s: %d %s", id, w.Code, code)
		}
	}
}

func TestHashesThatArePathsNeverReachTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hash := strings.Repeat("0123456789abcdef", 4)
	for _, file := range []string{
		"..%2f..%2f..%2fetc%2fpasswd.jpg", "../../pin.jpg", "..%5c..%5cpin.jpg", "%2e%2e.jpg", ".jpg", hash, hash + ".png", hash + ".jpg.jpg",
		hash[1:] + ".jpg", hash + "0.jpg", strings.ToUpper(hash) + ".jpg", hash[:63] + "%00.jpg", hash[:63] + "/.jpg", hash[:63] + "%0a.jpg",
		strings.Repeat("a", 60) + "/../.jpg", strings.Repeat("é", 32) + ".jpg",
	} {
		w := r.get("/api/v1/pictures/" + file)
		if fault(t, w); w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
	if len(r.history.hashes) > 0 {
		t.Errorf("the store was asked for %q", r.history.hashes)
	}
}

func TestStoredPicture(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hash := strings.Repeat("0123456789abcdef", 4)
	target := "/api/v1/pictures/" + hash + ".jpg"
	if w := r.get(target); w.Code != http.StatusNotFound || fault(t, w) != "not_found" {
		t.Errorf("a picture that went for room: %d", w.Code)
	}
	r.history.pictures[hash] = []byte("0123456789")
	w := r.get(target)
	if w.Code != http.StatusOK || w.Body.String() != "0123456789" || w.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("a picture that never changes: %s", got)
	}
	if w := r.do(request{target: target, header: map[string]string{"If-None-Match": w.Header().Get("ETag")}}); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("asked again: %d with %d bytes", w.Code, w.Body.Len())
	}
	if w := r.do(request{target: target, header: map[string]string{"Range": "bytes=3-5"}}); w.Code != http.StatusPartialContent || w.Body.String() != "345" {
		t.Errorf("a part: %d %q", w.Code, w.Body)
	}
	if want := []string{hash, hash, hash, hash}; !slices.Equal(r.history.hashes, want) {
		t.Errorf("the store was asked for %q", r.history.hashes)
	}
}
