package page

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/sampling"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
)

func (s *Server) serveSettings(c *gin.Context) {
	form := formOf(s.voice(c).Speaker, s.opts.Board.State().Settings)
	s.showSettings(c, http.StatusOK, form, nil, settingsNotes{Saved: c.Query("saved") != ""})
}

// takeSettings puts the form in force. Whatever is wrong with it, the form comes
// back as it was typed: also when the reader's PIN is asked for once more.
func (s *Server) takeSettings(c *gin.Context) {
	var tooLarge *http.MaxBytesError
	if err := c.Request.ParseForm(); errors.As(err, &tooLarge) {
		s.showError(c, http.StatusRequestEntityTooLarge, "too_large")
		return
	}
	form := readForm(c.Request.PostForm, s.opts.Board.State().Settings)
	if !s.signedIn(c) && !s.admit(c, form) {
		return
	}
	wanted, problems := form.settings()
	if len(problems) > 0 {
		s.showSettings(c, http.StatusUnprocessableEntity, form, problems, settingsNotes{})
		return
	}
	err := s.opts.Control.Apply(c.Request.Context(), wanted)
	switch {
	case errors.As(err, &problems):
		s.showSettings(c, http.StatusUnprocessableEntity, form, problems, settingsNotes{})
	case err != nil:
		s.log.Error("settings can't be kept", "error", err)
		notes := settingsNotes{Failed: "settings.not_saved"}
		if errors.Is(err, store.ErrFull) {
			notes.Failed = "settings.no_room"
		}
		s.showSettings(c, http.StatusServiceUnavailable, form, nil, notes)
	default:
		s.log.Info("settings were changed", "from", c.Request.RemoteAddr)
		c.Redirect(http.StatusSeeOther, "/settings?saved=1")
	}
}

// admit opens a session with the PIN that was sent with the form; else it
// answers with the form, which then asks for it.
func (s *Server) admit(c *gin.Context, form settingsForm) bool {
	notes := settingsNotes{AskPIN: true}
	status := http.StatusForbidden
	if pin := c.PostForm("pin"); pin != "" {
		err := s.pin.check(c.Request.Context(), pin)
		if err == nil {
			s.signIn(c)
			return true
		}
		status, notes.PINProblem = s.pinProblem(c, err)
	}
	if !s.pin.isSet() {
		c.Redirect(http.StatusSeeOther, "/pin?next=/settings")
		return false
	}
	s.showSettings(c, status, form, nil, notes)
	return false
}

// settingsNotes is what is to be said above the form.
type settingsNotes struct {
	Saved      bool
	Failed     string // a key of the catalogue
	AskPIN     bool   // the form asks for the PIN
	PINProblem string // as in pinView
}

// settingsView is the settings page.
type settingsView struct {
	settingsNotes
	PINText  string // what was wrong with the PIN, in words
	Faults   int
	Locked   bool // looking only
	PINSet   bool
	Board    fieldView
	Language fieldView
	Keep     fieldView
	Send     fieldView // pictures to the hub
	SendOn   bool
	PerDay   fieldView
	MBPerDay fieldView
	Cameras  []cameraFields
}

// fieldView is one field with its reason, its limits and its fault.
type fieldView struct {
	ID      string // also its name in the form
	Label   string
	Why     string
	Kind    string // "text", "number" or "choice"
	Value   string
	Choices []choice
	Min     string
	Max     string
	Step    string
	Fault   string
	Locked  bool
}

type cameraFields struct {
	ID, Title   string
	Name        fieldView
	FPS         fieldView
	Sensitivity fieldView
	Night       fieldView
	NightOn     bool
	Picture     string // address, "" without one
	W, H        int
	Overlay     overlayView
	Zones       []zoneFields
	Blank       zoneFields // a new one
	Fault       string     // of the zones as a whole
}

type zoneFields struct {
	Number         int
	Name           string
	ID, X, Y, Side fieldView
	Remove         string // name of the box
}

func (s *Server) showSettings(c *gin.Context, status int, form settingsForm, problems settings.Problems, notes settingsNotes) {
	v, state := s.voice(c), s.opts.Board.State()
	b := formView{voice: v, problems: problems, locked: !s.signedIn(c) && !notes.AskPIN}
	view := &settingsView{
		settingsNotes: notes, Faults: len(problems), Locked: b.locked, PINSet: s.pin.isSet(),
		Board:    b.text(fieldBoard, fieldBoard, "settings.board_name", form.BoardName),
		Language: b.choice(fieldLanguage, fieldLanguage, "settings.language", form.Language, settings.Languages()),
		Keep:     b.number(fieldKeep, fieldKeep, "settings.keep", form.Keep, settings.MinKeepPicturesMB, settings.MaxKeepPicturesMB),
	}
	view.Send, view.SendOn = b.text(fieldSend, fieldSend, "settings.send", ""), form.Send
	view.PerDay = b.number(fieldPerDay, fieldPerDay, "settings.per_day", form.PerDay, settings.MinSamples, settings.MaxSamples)
	view.MBPerDay = b.number(fieldMBPerDay, fieldMBPerDay, "settings.mb_per_day", form.MBPerDay, settings.MinSamples, settings.MaxSamples)
	view.Send.Why = v.Say("settings.send_why", "share", v.Whole(sampling.Share))
	view.Keep.Why = v.Say("settings.keep_why", "used", v.Bytes(state.Store.PictureBytes))
	if notes.PINProblem != "" {
		view.PINText = v.pinProblem(notes.PINProblem, s.pin.waiting())
	}
	for i := range form.Cameras {
		camera := b.camera(fmt.Sprintf("cameras[%d]", i), &form.Cameras[i])
		camera.Title = v.Say("settings.camera", "camera", cameraName(state, camera.ID))
		if seen := chosenCamera(state, camera.ID); seen != nil && seen.ID == camera.ID && seen.FrameSeq > 0 && seen.W > 0 {
			camera.Picture, camera.W, camera.H = frameAddress(seen), seen.W, seen.H
			camera.Overlay = overlayOf(seen, zonesOf(state, camera.ID))
		}
		view.Cameras = append(view.Cameras, camera)
	}
	s.show(c, status, pageView{
		Name: "settings", Nav: "settings", Title: v.Say("settings.title"), Body: view,
		Scripts: []string{"zones.js"},
	})
}
