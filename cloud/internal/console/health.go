package console

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

const linesPerPage = 100

func (k *Console) healthSection() Section {
	const path = "/health"
	now := part{"health", "health", func(c *gin.Context) (any, error) { return k.health(c), nil }}
	return Section{Name: "health", Path: path, Least: people.Viewer, Routes: append(now.routes(path, func() *Console { return k }), []api.Route{
		{Method: http.MethodGet, Path: path, Least: people.Viewer, Handler: k.serveHealth},
		{Method: http.MethodGet, Path: path + "/log", Least: people.Operator, Handler: k.serveLog},
		{Method: http.MethodGet, Path: path + "/config", Least: people.Admin, Handler: k.serveConfig},
	}...)}
}

type healthView struct {
	Problems []problem
	Version  string
	Database string
	Place    Place
	Share    string // of the disk in use, "" = not known
	Free     int64
	Drift    string // path of the page of drift, "" = there is none
	Log      bool   // the reader may see the log
	Config   bool
}

func (k *Console) health(c *gin.Context) healthView {
	v := k.voice(c)
	who, _ := api.Who(c)
	place := k.opts.Place(c.Request.Context())
	view := healthView{
		Version: k.opts.Version, Database: v.Say("hub.health.database_" + place.Database), Place: place,
		Log: who.Role.Allows(people.Operator), Config: who.Role.Allows(people.Admin),
	}
	if place.Size > 0 {
		view.Share, view.Free = v.Percent(float64(place.Used)/float64(place.Size)), place.Size-place.Used
	}
	for _, s := range k.sections {
		if s.Name == driftName {
			view.Drift = driftPath
		}
	}
	for _, one := range k.opts.Health.Conditions() {
		view.Problems = append(view.Problems, v.problem(one))
	}
	return view
}

func (k *Console) serveHealth(c *gin.Context) {
	k.show(c, http.StatusOK, page{Name: "health", Nav: "health", Title: k.voice(c).Say("hub.health.title"), Live: true, Body: k.health(c)})
}

type logView struct {
	Levels []choice
	Level  string
	Before string
	Lines  []lineView
	Pager  pager
}

type lineView struct {
	When  web.Moment
	Clock string
	Level string
	Tone  string
	Text  string
}

// serveLog shows the hub's own log, newest first.
func (k *Console) serveLog(c *gin.Context) {
	v := k.voice(c)
	least := slog.LevelInfo
	if err := least.UnmarshalText([]byte(c.Query("level"))); err != nil {
		least = slog.LevelInfo
	}
	view := logView{}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		name := strings.ToLower(level.String())
		view.Levels = append(view.Levels, choice{name, v.Say("hub.log.level_" + name), level == least})
	}
	before, _ := strconv.ParseUint(c.Query("before"), 10, 64) // else 0: the newest
	lines := k.opts.Book.Lines(least, before, linesPerPage+1)
	more := len(lines) > linesPerPage
	lines = lines[:min(len(lines), linesPerPage)]
	for _, line := range lines {
		name := strings.ToLower(line.Level.String())
		local := line.At.In(k.opts.Location())
		view.Lines = append(view.Lines, lineView{
			When: v.ago(line.At), Clock: v.ShortDate(local) + ", " + local.Format("15:04:05"),
			Level: v.sayOr("hub.log.level_"+name, name), Tone: toneOf(line.Level), Text: line.Text,
		})
	}
	if len(lines) > 0 {
		view.Pager = pagesBy(c, strconv.FormatUint(lines[len(lines)-1].Seq, 10), more)
	}
	k.show(c, http.StatusOK, page{Name: "log", Nav: "health", Title: v.Say("hub.log.title"), Body: view})
}

// toneOf is the class of a level.
func toneOf(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "bad"
	case level >= slog.LevelWarn:
		return "regular"
	default:
		return "none"
	}
}

func (k *Console) serveConfig(c *gin.Context) {
	text, err := k.opts.Config()
	if err != nil {
		k.fail(c, err)
		return
	}
	k.show(c, http.StatusOK, page{Name: "config", Nav: "health", Title: k.voice(c).Say("hub.config.title"), Body: text})
}
