package page

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/internal/vision"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// What there is to say of a camera now: keys of the catalogue after "live.".
const (
	sceneWaiting  = "waiting"  // no picture yet
	sceneNone     = "none"     // no picture, and something is wrong with the camera
	sceneStale    = "stale"    // the picture is no longer live
	sceneFinished = "finished" // a finite source came to its end
	sceneNoModel  = "no_model" // nothing is judged
	sceneEmpty    = "empty"    // nothing stands in any zone
	sceneLooking  = "looking"  // something has come and is not yet judged
	sceneJudged   = "judged"   // there are verdicts
)

func sceneOf(state live.State, camera *live.Camera, now time.Time) string {
	switch {
	case camera.FrameSeq == 0 && troubleOf(state, camera.ID) != nil:
		return sceneNone
	case camera.FrameSeq == 0:
		return sceneWaiting
	case camera.Finished:
		return sceneFinished
	case now.Sub(camera.FrameAt) > live.StaleAfter:
		return sceneStale
	case state.Model == nil || state.Model.WorkerNote != "":
		return sceneNoModel
	}
	looking := false
	for i := range camera.Zones {
		zone := &camera.Zones[i]
		if zone.Occupied && zone.Verdict != "" {
			return sceneJudged
		}
		looking = looking || zone.Occupied
	}
	if looking {
		return sceneLooking
	}
	return sceneEmpty
}

// troubleOf is what is wrong with a camera, the worst of it; nil = nothing.
func troubleOf(state live.State, camera string) *live.Condition {
	at := slices.IndexFunc(state.Conditions, func(c live.Condition) bool {
		return c.Subject == camera && c.Severity >= live.Warning
	})
	if at < 0 {
		return nil
	}
	return &state.Conditions[at]
}

// liveView is a camera's newest picture and what is said of it.
type liveView struct {
	ID, Name string
	Scene    string
	Source   string // address of the picture, "" without one
	Frame    uint64
	W, H     int
	Old      bool // never to be taken for what the camera sees now
	Taken    web.Moment
	Overlay  overlayView
	Zones    []zoneView // with one zone: its verdict is the page's
	Single   bool
	Last     []zoneView // verdicts of an old picture
	Skip     string     // why the last picture was not judged
	Trouble  string     // why there is no new picture, and what to do
	Do       string
	Said     string // for screen readers, when it changes
}

// wholeZone is the zone of a camera in which none is drawn, as records name it.
const wholeZone = "all"

// zoneView is what stands in one zone.
type zoneView struct {
	Name       string
	Verdict    *verdictView // nil = nothing there, or not yet judged
	Quiet      string       // said in place of a verdict
	Confidence string
	Percent    string
	Reason     string
	MostLike   string
	Since      web.Moment
	Frames     int
}

func (s *Server) liveView(v *voice, state live.State, camera *live.Camera) *liveView {
	now := time.Now()
	view := &liveView{
		ID: camera.ID, Name: cameraName(state, camera.ID), Scene: sceneOf(state, camera, now),
		Frame: camera.FrameSeq, W: camera.W, H: camera.H, Taken: s.moment(v, camera.FrameAt, now),
		Single: len(camera.Zones) <= 1,
	}
	view.Old = view.Scene == sceneStale || view.Scene == sceneFinished
	if trouble := troubleOf(state, camera.ID); trouble != nil && (view.Scene == sceneNone || view.Scene == sceneStale) {
		view.Trouble, view.Do = v.condition(*trouble), v.remedy(*trouble)
	}
	if camera.FrameSeq > 0 {
		view.Source = frameAddress(camera)
		view.Overlay = overlayOf(camera, zonesOf(state, camera.ID))
	}
	zones := s.zoneViews(v, state, camera)
	switch view.Scene {
	case sceneJudged, sceneLooking, sceneEmpty:
		view.Zones = zones
	case sceneStale, sceneFinished:
		for _, zone := range zones {
			if zone.Verdict != nil {
				view.Last = append(view.Last, zone)
			}
		}
	}
	view.Said = said(v, view)
	if camera.LastSkip != "" && camera.LastSkip != "still" && camera.LastSkip != "rate" && camera.LastSkip != "duplicate" {
		view.Skip = v.skip(camera.LastSkip)
	}
	return view
}

// frameAddress changes with every picture, so that a browser shows the new one.
// Numbers begin anew with the board: the time tells those pictures apart in a
// browser's cache.
func frameAddress(camera *live.Camera) string {
	return "/api/v1/cameras/" + url.PathEscape(camera.ID) + "/frame.jpg?stale=ok&at=" +
		strconv.FormatInt(camera.FrameAt.UnixMilli(), 36) + "&seq=" + strconv.FormatUint(camera.FrameSeq, 10)
}

func zonesOf(state live.State, camera string) []vision.Zone {
	at := slices.IndexFunc(state.Settings.Cameras, func(c settings.Camera) bool { return c.ID == camera })
	if at < 0 {
		return nil
	}
	return state.Settings.Cameras[at].Zones
}

func (s *Server) zoneViews(v *voice, state live.State, camera *live.Camera) []zoneView {
	views := make([]zoneView, len(camera.Zones))
	now := s.fieldNow(state)
	for i := range camera.Zones {
		zone := &camera.Zones[i]
		view := &views[i]
		view.Name = zone.Zone
		switch {
		case !zone.Occupied:
			view.Quiet = v.Say("live.empty")
			continue
		case zone.Verdict == "":
			view.Quiet = v.Say("live.looking")
			continue
		}
		verdict := v.verdict(zone.Verdict, state.Model)
		view.Verdict, view.Frames, view.Since = &verdict, zone.Frames, s.clockTime(v, zone.Since, now)
		v.confidence(view, zone, state.Model)
	}
	return views
}

// confidence says how sure a verdict is, or why it is not.
func (v *voice) confidence(view *zoneView, zone *live.ZoneState, model *live.Model) {
	if zone.Verdict != wire.Unsure {
		p := zone.Probabilities[string(zone.Verdict)]
		view.Confidence, view.Percent = v.Confidence(p), v.Percent(p)
		return
	}
	view.Reason = v.reason(zone.Reason)
	if top, p := likeliest(zone.Probabilities); top != "" && zone.Reason != wire.ReasonQuality {
		view.MostLike, view.Percent = v.Say("live.most_like", "verdict", v.verdict(top, model).Word), v.Percent(p)
	}
}

// reason says why a verdict is "unsure", "" for every other verdict.
func (v *voice) reason(r wire.Reason) string {
	if r == "" {
		return ""
	}
	return v.Say("reason." + string(r))
}

// skip says why a picture was not judged.
func (v *voice) skip(reason string) string {
	if key := "skip." + reason; v.Has(key) {
		return v.Say(key)
	}
	return reason
}

func likeliest(probabilities map[string]float64) (top wire.Verdict, p float64) {
	for name, q := range probabilities {
		if q > p || q == p && (top == "" || name < string(top)) {
			top, p = wire.Verdict(name), q
		}
	}
	return top, p
}

// said is the verdict as a screen reader tells it.
func said(v *voice, view *liveView) string {
	if !slices.Contains([]string{sceneJudged, sceneLooking, sceneEmpty}, view.Scene) {
		return v.Say("live." + view.Scene)
	}
	var words []string
	for _, zone := range view.Zones {
		word := zone.Quiet
		if zone.Verdict != nil {
			word = zone.Verdict.Word
		}
		if !view.Single {
			word = zone.Name + ": " + word
		}
		words = append(words, word)
	}
	return cmp.Or(strings.Join(words, ". "), v.Say("live.empty"))
}

// overlayView are the zones on a picture, in units that keep lines and letters
// of the same size on pictures of every size.
type overlayView struct {
	W, H  int
	Boxes []boxView
}

type boxView struct {
	Name           string
	X, Y, Side     int
	LabelX, LabelY int
}

// overlayWidth is the width of every overlay in its own units.
const overlayWidth = 400

func overlayOf(camera *live.Camera, zones []vision.Zone) overlayView {
	if camera.W <= 0 || camera.H <= 0 {
		return overlayView{}
	}
	view := overlayView{W: overlayWidth, H: overlayWidth * camera.H / camera.W}
	if len(zones) == 0 {
		zones = []vision.Zone{{}}
	}
	for _, zone := range zones {
		x, y, side := zone.Square(view.W, view.H)
		view.Boxes = append(view.Boxes, boxView{Name: zone.ID, X: x, Y: y, Side: side, LabelX: x + 6, LabelY: y + 16})
	}
	return view
}
