package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
)

// Drift are the addresses of what changed in the field.
type Drift struct {
	monitor *monitor.Monitor
	log     *slog.Logger
}

// NewDrift returns the addresses over a monitor.
func NewDrift(m *monitor.Monitor, log *slog.Logger) *Drift { return &Drift{m, log} }

// Routes are its addresses.
func (d *Drift) Routes() []Route {
	const body = 4 << 10
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/drift", Least: people.Viewer, Handler: d.cameras},
		{Method: http.MethodGet, Path: "/api/v1/alarms", Least: people.Viewer, Handler: d.alarms},
		{Method: http.MethodPost, Path: "/api/v1/alarms/:id/acknowledge", Least: people.Operator, Limit: body, Handler: d.acknowledge},
		{Method: http.MethodPost, Path: "/api/v1/alarms/:id/close", Least: people.Operator, Limit: body, Handler: d.end},
	}
}

type watchedCamera struct {
	Device     string  `json:"device"`
	Camera     string  `json:"camera"`
	Board      string  `json:"board"`
	Site       string  `json:"site"`
	Standing   string  `json:"standing"`
	Day        string  `json:"day"` // newest whole day of the field clock
	Sightings  int     `json:"sightings"`
	References int     `json:"references"`
	P          float64 `json:"p"`
	Alarm      int64   `json:"alarm,omitempty"`
}

func (d *Drift) cameras(c *gin.Context) {
	fleet, err := d.monitor.Fleet(c.Request.Context())
	if err != nil {
		d.fail(c, err)
		return
	}
	list := []watchedCamera{}
	for i := range fleet {
		one := &fleet[i]
		list = append(list, watchedCamera{one.Device, one.ID, one.Board, one.Site, string(one.Standing), d.monitor.Name(one.Day), one.N, one.Refs, one.P, one.Alarm})
	}
	c.JSON(http.StatusOK, gin.H{"cameras": list})
}

type alarm struct {
	ID       int64         `json:"id"`
	Reason   string        `json:"reason"`
	Device   string        `json:"device,omitempty"`
	Camera   string        `json:"camera,omitempty"`
	FirstDay string        `json:"first_day"`
	LastDay  string        `json:"last_day"`
	RaisedAt time.Time     `json:"raised_at"`
	State    string        `json:"state"`
	Outcome  string        `json:"outcome,omitempty"`
	By       string        `json:"by,omitempty"`
	Facts    monitor.Facts `json:"facts"`
}

// mostAlarms bounds a list.
const mostAlarms = 200

func (d *Drift) alarms(c *gin.Context) {
	all, err := d.monitor.Alarms(c.Request.Context(), c.Query("state") == "open", mostAlarms)
	if err != nil {
		d.fail(c, err)
		return
	}
	list := []alarm{}
	for i := range all {
		a := &all[i]
		list = append(list, alarm{a.ID, string(a.Reason), a.Device, a.Camera, d.monitor.Name(a.FirstDay), d.monitor.Name(a.LastDay), a.Opened(), string(a.State), string(a.Outcome), a.ChangedBy, a.Facts()})
	}
	c.JSON(http.StatusOK, gin.H{"alarms": list})
}

func (d *Drift) acknowledge(c *gin.Context) {
	d.change(c, func(id int64, who string) error { return d.monitor.Acknowledge(c.Request.Context(), id, who) })
}

func (d *Drift) end(c *gin.Context) {
	var ask struct {
		Outcome monitor.Outcome `json:"outcome"`
	}
	if err := c.ShouldBindJSON(&ask); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	d.change(c, func(id int64, who string) error { return d.monitor.Close(c.Request.Context(), id, ask.Outcome, who) })
}

func (d *Drift) change(c *gin.Context, do func(id int64, who string) error) {
	who, _ := Who(c)
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		err = monitor.ErrNotFound
	} else {
		err = do(id, who.Name)
	}
	if err != nil {
		d.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (d *Drift) fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, monitor.ErrNotFound):
		Fail(c, http.StatusNotFound, "not_found", "There is no such alarm.", "GET /api/v1/alarms lists them.")
	case errors.Is(err, monitor.ErrClosed):
		Fail(c, http.StatusConflict, "closed", "The alarm is closed already.", "It is raised anew when it lasts.")
	case errors.Is(err, monitor.ErrOutcome):
		Fail(c, http.StatusBadRequest, "bad_json", "That is no outcome.", "Send mended, usual or false.")
	default:
		d.log.Error("changes in the field", "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}
