package page

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
)

// healthAnswer is the body of /healthz.
type healthAnswer struct {
	Status     string            `json:"status"` // "ok", "warning" or "failing"
	Version    string            `json:"version"`
	Conditions []conditionAnswer `json:"conditions"`
}

// serveHealth answers 200 while the board does its work and 503 when something
// serious holds.
func (s *Server) serveHealth(c *gin.Context) {
	conditions := s.conditions(s.opts.Board.State())
	answer := healthAnswer{Status: "ok", Version: s.opts.Version, Conditions: s.conditionAnswers(c, conditions)}
	status := http.StatusOK
	if len(conditions) > 0 {
		switch conditions[0].Severity {
		case live.Serious:
			answer.Status, status = "failing", http.StatusServiceUnavailable
		case live.Warning:
			answer.Status = "warning"
		}
	}
	writeJSON(c, status, answer)
}

// conditions returns what is not as it should be, the most severe first: what
// the board's parts raised, and what the page itself lacks.
func (s *Server) conditions(state live.State) []live.Condition {
	all := slices.Clone(state.Conditions)
	if missing := s.missingAssets(); len(missing) > 0 {
		all = append(all, live.Condition{
			Code: "page_assets_missing", Severity: live.Warning, Since: state.Started,
			Args: map[string]string{"files": strings.Join(missing, ", ")},
		})
	}
	slices.SortStableFunc(all, func(a, b live.Condition) int { return int(b.Severity) - int(a.Severity) })
	return all
}
