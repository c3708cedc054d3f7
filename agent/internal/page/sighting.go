package page

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// sightingView is one sighting.
type sightingView struct {
	Seq          uint64
	Number       int // Seq, for people
	Verdict      verdictView
	Confidence   string
	Percent      string
	Reason       string
	Picture      string
	Day          string // link
	DayName      string
	Older, Newer string // links
	When         web.Moment
	Stayed       string
	Camera, Zone string
	Frames       int
	Model        string
	Variant      string
	Clock        string
	Novelty      string
	Likely       []likelyView
	Correction   *correctionView
	Choices      []verdictView
	SignedIn     bool
	PINSet       bool
	PINLink      string
}

type likelyView struct {
	Verdict verdictView
	Percent string
	Width   float64 // of 100
}

type correctionView struct {
	Verdict verdictView
	When    web.Moment
}

func sightingLink(seq uint64) string { return "/sightings/" + strconv.FormatUint(seq, 10) }

// sightingEntry reads the record that the address names, and answers where
// there is none.
func (s *Server) sightingEntry(c *gin.Context) (entry store.Entry, ok bool) {
	seq, err := strconv.ParseUint(c.Param("seq"), 10, 64)
	if err != nil || seq == 0 {
		s.showError(c, http.StatusNotFound, "not_found")
		return entry, false
	}
	entry, err = s.opts.History.Record(c.Request.Context(), seq)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.showError(c, http.StatusNotFound, "sighting")
		return entry, false
	case err != nil:
		s.historyTrouble(c, err)
		return entry, false
	}
	return entry, true
}

func (s *Server) serveSighting(c *gin.Context) {
	entry, ok := s.sightingEntry(c)
	if !ok {
		return
	}
	v := s.voice(c)
	view := s.sightingView(v, s.opts.Board.State(), entry)
	view.SignedIn, view.PINSet = s.signedIn(c), s.pin.isSet()
	view.PINLink = "/pin?next=" + url.QueryEscape(sightingLink(entry.Seq))
	if _, err := s.opts.History.Record(c.Request.Context(), entry.Seq+1); err == nil {
		view.Newer = sightingLink(entry.Seq + 1)
	}
	if _, err := s.opts.History.Record(c.Request.Context(), entry.Seq-1); err == nil && entry.Seq > 1 {
		view.Older = sightingLink(entry.Seq - 1)
	}
	s.show(c, http.StatusOK, pageView{
		Name: "sighting", Nav: "history", Title: v.Say("sighting.title", "seq", v.Whole(int(entry.Seq))), Body: view,
	})
}

func (s *Server) sightingView(v *voice, state live.State, entry store.Entry) *sightingView {
	when := entry.CapturedAt.In(s.opts.Location)
	view := &sightingView{
		Seq: entry.Seq, Number: int(entry.Seq), Verdict: v.verdict(entry.Verdict, state.Model), Reason: v.reason(entry.Reason),
		Day: dayLink(dateOf(when), filter{}), DayName: v.Date(when),
		When:   s.moment(v, entry.CapturedAt, s.fieldNow(state)),
		Stayed: v.Lasting(time.Duration(entry.Seconds * float64(time.Second))),
		Camera: cameraName(state, entry.Camera), Frames: entry.Frames,
		Model: shortID(entry.Model), Variant: entry.Variant, Clock: v.Say("clock." + string(entry.Clock)),
	}
	if entry.Zone != wholeZone {
		view.Zone = entry.Zone
	}
	if state.Model != nil && state.Model.ID == entry.Model {
		view.Model = state.Model.Name
	}
	if hasPicture(s.opts.History, entry.Image) {
		view.Picture = pictureAddress(entry.Image)
	}
	if p, ok := entry.Probabilities[string(entry.Verdict)]; ok {
		view.Confidence, view.Percent = v.Confidence(p), v.Percent(p)
	}
	if len(entry.Probabilities) > 0 {
		view.Novelty = v.Say("sighting.novelty_of", "n", v.Decimal(entry.Novelty, 2))
	}
	view.Likely = v.likely(entry.Probabilities, state.Model)
	if entry.Correction != nil {
		view.Correction = &correctionView{
			Verdict: v.verdict(entry.Correction.Verdict, state.Model),
			When:    s.moment(v, entry.Correction.At, time.Now()),
		}
	}
	for _, name := range s.correctVerdicts(entry) {
		if name != entry.Verdict {
			view.Choices = append(view.Choices, v.verdict(name, state.Model))
		}
	}
	return view
}

// shortID is what people see of a long number.
func shortID(id string) string { return id[:min(len(id), 12)] }

// likely lists the answers of a model, the likeliest first.
func (v *voice) likely(probabilities map[string]float64, model *live.Model) []likelyView {
	var views []likelyView
	for name, p := range probabilities {
		views = append(views, likelyView{Verdict: v.verdict(wire.Verdict(name), model), Percent: v.Percent(p), Width: 100 * p})
	}
	slices.SortFunc(views, func(a, b likelyView) int {
		return cmp.Or(cmp.Compare(b.Width, a.Width), cmp.Compare(a.Verdict.Name, b.Verdict.Name))
	})
	return views
}

// takeCorrection keeps what the farmer says of a sighting.
func (s *Server) takeCorrection(c *gin.Context) {
	entry, ok := s.sightingEntry(c)
	if !ok {
		return
	}
	verdict := wire.Verdict(c.PostForm("verdict"))
	if !slices.Contains(s.correctVerdicts(entry), verdict) {
		s.showError(c, http.StatusUnprocessableEntity, "internal")
		return
	}
	if err := s.opts.History.Correct(c.Request.Context(), entry.Seq, verdict); err != nil {
		s.historyTrouble(c, err)
		return
	}
	s.pages.lately.forget()
	c.Redirect(http.StatusSeeOther, sightingLink(entry.Seq))
}

func (s *Server) undoCorrection(c *gin.Context) {
	entry, ok := s.sightingEntry(c)
	if !ok {
		return
	}
	if err := s.opts.History.Uncorrect(c.Request.Context(), entry.Seq); err != nil {
		s.historyTrouble(c, err)
		return
	}
	s.pages.lately.forget()
	c.Redirect(http.StatusSeeOther, sightingLink(entry.Seq))
}
