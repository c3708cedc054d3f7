package page

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// pinMode is what a PIN page asks for.
type pinMode string

const (
	pinFirst  pinMode = "first"  // choose one, typed twice
	pinAsk    pinMode = "ask"    // type it
	pinChange pinMode = "change" // type the old one and a new one twice
)

// pinView is what a PIN page shows.
type pinView struct {
	Mode pinMode
	Next string // local path to go to afterwards
	// Problem is what was wrong with the last attempt, a key of the catalogue
	// after "pin.": "wrong", "wait", "form", "differ", "damaged", "set",
	// "failed"; "" = nothing.
	Problem string
	Wait    time.Duration // until an attempt is accepted; whole seconds
	Digits  [2]int        // fewest and most digits
}

func (s *Server) registerPIN(r *gin.Engine) {
	r.GET("/pin", func(c *gin.Context) { s.askPIN(c, http.StatusOK, "") })
	r.POST("/pin", s.takePIN)
	r.GET("/pin/change", s.requirePIN(), func(c *gin.Context) { s.answerPIN(c, http.StatusOK, pinChange, "") })
	r.POST("/pin/change", s.requirePIN(), s.changePIN)
	r.POST("/pin/leave", func(c *gin.Context) {
		s.signOut(c)
		c.Redirect(http.StatusSeeOther, localPath(c.PostForm("next")))
	})
}

func (s *Server) askPIN(c *gin.Context, status int, problem string) {
	mode := pinAsk
	if !s.pin.isSet() {
		mode = pinFirst
	}
	s.answerPIN(c, status, mode, problem)
}

func (s *Server) answerPIN(c *gin.Context, status int, mode pinMode, problem string) {
	next := c.PostForm("next")
	if next == "" {
		next = c.Query("next")
	}
	wait := s.pin.waiting()
	seconds := int(math.Ceil(wait.Seconds()))
	if seconds > 0 && status != http.StatusOK {
		c.Header("Retry-After", strconv.Itoa(seconds))
	}
	s.showPIN(c, status, pinView{
		Mode: mode, Next: localPath(next), Problem: problem,
		Wait: time.Duration(seconds) * time.Second, Digits: [2]int{minPINDigits, maxPINDigits},
	})
}

// takePIN keeps the first PIN or checks it, and opens a session.
func (s *Server) takePIN(c *gin.Context) {
	pin, ctx := c.PostForm("pin"), c.Request.Context()
	var err error
	if s.pin.isSet() {
		err = s.pin.check(ctx, pin)
	} else if c.PostForm("again") != pin {
		s.askPIN(c, http.StatusUnprocessableEntity, "differ")
		return
	} else if err = s.pin.choose(ctx, pin); err == nil {
		s.log.Info("a PIN was chosen", "from", c.Request.RemoteAddr)
	}
	if err != nil {
		status, problem := s.pinProblem(c, err)
		s.askPIN(c, status, problem)
		return
	}
	s.signIn(c)
	c.Redirect(http.StatusSeeOther, localPath(c.PostForm("next")))
}

// changePIN replaces the PIN and ends every session but the reader's.
func (s *Server) changePIN(c *gin.Context) {
	pin := c.PostForm("pin")
	if c.PostForm("again") != pin {
		s.answerPIN(c, http.StatusUnprocessableEntity, pinChange, "differ")
		return
	}
	if err := s.pin.change(c.Request.Context(), c.PostForm("old"), pin); err != nil {
		status, problem := s.pinProblem(c, err)
		s.answerPIN(c, status, pinChange, problem)
		return
	}
	s.log.Info("the PIN was changed", "from", c.Request.RemoteAddr)
	s.sessions.endAll()
	s.signIn(c)
	c.Redirect(http.StatusSeeOther, localPath(c.PostForm("next")))
}

// pinProblem says what went wrong as a status and a key of the catalogue.
func (s *Server) pinProblem(c *gin.Context, err error) (status int, problem string) {
	var soon *tooSoonError
	switch {
	case errors.As(err, &soon):
		return http.StatusTooManyRequests, "wait"
	case errors.Is(err, errWrongPIN):
		s.log.Warn("a wrong PIN was given", "from", c.Request.RemoteAddr)
		return http.StatusForbidden, "wrong"
	case errors.Is(err, errPINForm):
		return http.StatusUnprocessableEntity, "form"
	case errors.Is(err, errPINSet), errors.Is(err, errPINNotSet):
		return http.StatusConflict, "set" // it was chosen or reset meanwhile
	case errors.Is(err, errPINDamaged):
		return http.StatusForbidden, "damaged"
	}
	s.log.Error("the PIN could not be kept", "error", err)
	return http.StatusInternalServerError, "failed"
}
