package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/people"
)

// own are the addresses that the server answers itself.
func (s *Server) own() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/healthz", Least: Open, Handler: s.serveHealth},
		{Method: http.MethodGet, Path: "/metrics", Least: people.Viewer, Handler: gin.WrapH(s.metrics.handler)},
		{Method: http.MethodGet, Path: "/api/v1/me", Least: people.Viewer, Handler: s.serveMe},
		{Method: http.MethodGet, Path: "/api/v1/status", Least: people.Viewer, Handler: s.serveStatus},
	}
}

// serveHealth answers 200 while the hub does its work and 503 when something
// serious holds. Who has not logged in learns no more than that.
func (s *Server) serveHealth(c *gin.Context) {
	answer := s.status()
	if _, ok := Who(c); !ok {
		answer.Conditions, answer.Version = nil, ""
	}
	status := http.StatusOK
	if answer.Status == "failing" {
		status = http.StatusServiceUnavailable
	}
	c.JSON(status, answer)
}

func (s *Server) serveStatus(c *gin.Context) { c.JSON(http.StatusOK, s.status()) }

type statusAnswer struct {
	Status     string            `json:"status"` // "ok", "warning" or "failing"
	Version    string            `json:"version,omitempty"`
	Conditions []conditionAnswer `json:"conditions,omitempty"`
}

type conditionAnswer struct {
	Code     string            `json:"code"`
	Severity string            `json:"severity"`
	Subject  string            `json:"subject,omitempty"`
	Args     map[string]string `json:"args,omitempty"`
	Since    time.Time         `json:"since"`
}

func (s *Server) status() statusAnswer {
	answer := statusAnswer{Status: "ok", Version: s.opts.Version}
	for i, one := range s.opts.Health.Conditions() { // the most severe first
		switch {
		case i == 0 && one.Severity == health.Serious:
			answer.Status = "failing"
		case i == 0 && one.Severity == health.Warning:
			answer.Status = "warning"
		}
		answer.Conditions = append(answer.Conditions, conditionAnswer{one.Code, one.Severity.String(), one.Subject, one.Args, one.Since.UTC()})
	}
	return answer
}

func (s *Server) serveMe(c *gin.Context) {
	who, _ := Who(c)
	c.JSON(http.StatusOK, gin.H{"name": who.Name, "role": who.Role})
}
