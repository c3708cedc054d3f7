package page

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

const (
	historyDays = 60 // listed
	dayCards    = 48 // on one page of a day
)

// filter is what a day's page shows.
type filter struct {
	verdict wire.Verdict
	camera  string
	before  uint64
}

// dayLink is the address of a day's page.
func dayLink(date string, f filter) string {
	q := url.Values{}
	if f.verdict != "" {
		q.Set("verdict", string(f.verdict))
	}
	if f.camera != "" {
		q.Set("camera", f.camera)
	}
	if f.before > 0 {
		q.Set("before", strconv.FormatUint(f.before, 10))
	}
	if len(q) == 0 {
		return "/history/" + date
	}
	return "/history/" + date + "?" + q.Encode()
}

// historyView lists the days.
type historyView struct {
	Days     []dayRow
	Limited  int // how many are listed of more, 0 = all
	Legend   []verdictView
	From, To string // of the file
	BadRange bool
}

type dayRow struct {
	Date, Link string
	Total      int
	Bars       []barView
	Share      string // in words
}

func (s *Server) serveHistory(c *gin.Context) { s.showHistory(c, http.StatusOK, false) }

func (s *Server) showHistory(c *gin.Context, status int, badRange bool) {
	v, state := s.voice(c), s.opts.Board.State()
	days, err := s.opts.History.Days(c.Request.Context(), historyDays+1)
	if err != nil {
		s.historyTrouble(c, err)
		return
	}
	view := &historyView{BadRange: badRange, From: c.Query("from"), To: c.Query("to")}
	if len(days) > historyDays {
		days, view.Limited = days[:historyDays], historyDays
	}
	met := map[wire.Verdict]int{}
	for _, day := range days {
		row := v.dayRow(day, state.Model)
		row.Date = v.date(day.Date, s.fieldNow(state))
		view.Days = append(view.Days, row)
		for name, n := range day.Counts {
			met[name] += n
		}
	}
	for _, name := range verdictOrder(state.Model, met) {
		if met[name] > 0 {
			view.Legend = append(view.Legend, v.verdict(name, state.Model))
		}
	}
	if len(days) > 0 && !badRange {
		view.From, view.To = days[len(days)-1].Date, days[0].Date
	}
	s.show(c, status, pageView{Name: "history", Nav: "history", Title: v.Say("history.title"), Body: view})
}

const shareWidth = 200 // of the bar beside a day, in its own units

func (v *voice) dayRow(day store.Day, model *live.Model) dayRow {
	row := dayRow{Link: dayLink(day.Date, filter{}), Total: day.Total}
	x := 0.0
	for _, name := range verdictOrder(model, day.Counts) {
		n := day.Counts[name]
		if n == 0 {
			continue
		}
		verdict := v.verdict(name, model)
		w := shareWidth * float64(n) / float64(day.Total)
		row.Bars = append(row.Bars, barView{Tone: verdict.Tone, Fill: fillOf(verdict), X: x, W: w, H: 16})
		x += w
		if row.Share != "" {
			row.Share += ", "
		}
		row.Share += verdict.Word + " " + v.Whole(n)
	}
	return row
}

// date says a day that the store has written as 2006-01-02, with its year where
// that is not the one of now.
func (v *voice) date(day string, now time.Time) string {
	t, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil:
		return day
	case t.Year() == now.Year():
		return v.ShortDate(t)
	}
	return v.Date(t)
}

func (s *Server) historyTrouble(c *gin.Context, err error) {
	s.log.Error("the history can't be read", "path", c.Request.URL.Path, "error", err)
	s.showError(c, http.StatusServiceUnavailable, "history")
}
