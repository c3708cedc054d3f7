package page

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// dayView is one day.
type dayView struct {
	Date         string
	Total        int
	Older, Newer string // links
	Chart        *chartView
	Verdicts     []filterChoice
	Cameras      []filterChoice // of several cameras
	Cards        []cardView
	More         string // link to those before
	First        string // link back to the newest, on later pages
	File         string // link
}

type filterChoice struct {
	Label   string
	Verdict *verdictView
	N       int
	Counted bool // whether N is known
	Link    string
	Chosen  bool
}

// serveHistoryDay also serves /history/export: gin knows no two kinds of name
// at one place.
func (s *Server) serveHistoryDay(c *gin.Context) {
	if c.Param("date") == "export" {
		s.serveExport(c)
		return
	}
	begin, err := time.ParseInLocation(time.DateOnly, c.Param("date"), s.opts.Location)
	if err != nil {
		s.showError(c, http.StatusNotFound, "not_found")
		return
	}
	f := filter{verdict: wire.Verdict(c.Query("verdict")), camera: c.Query("camera")}
	f.before, err = strconv.ParseUint(c.DefaultQuery("before", "0"), 10, 64)
	if err != nil {
		s.showError(c, http.StatusNotFound, "not_found")
		return
	}
	view, err := s.dayView(c.Request.Context(), s.voice(c), begin, f)
	if err != nil {
		s.historyTrouble(c, err)
		return
	}
	s.show(c, http.StatusOK, pageView{Name: "day", Nav: "history", Title: view.Date, Body: view})
}

func (s *Server) dayView(ctx context.Context, v *voice, begin time.Time, f filter) (*dayView, error) {
	state := s.opts.Board.State()
	date := dateOf(begin)
	day, err := s.opts.History.Day(ctx, date)
	if err != nil {
		return nil, err
	}
	query := store.Query{Before: f.before, Limit: dayCards + 1, Camera: f.camera, From: begin, To: begin.AddDate(0, 0, 1)}
	if f.verdict != "" {
		query.Verdicts = []wire.Verdict{f.verdict}
	}
	var entries []store.Entry
	if day.Total > 0 {
		if entries, err = s.opts.History.Records(ctx, query); err != nil {
			return nil, err
		}
	}
	view := &dayView{
		Date: v.Date(begin), Total: day.Total,
		Older: dayLink(dateOf(begin.AddDate(0, 0, -1)), filter{}), File: "/history/export?from=" + date + "&to=" + date,
		Verdicts: v.verdictChoices(day, f, state.Model), Cameras: cameraChoices(v, state, date, f),
	}
	if next := begin.AddDate(0, 0, 1); !next.After(s.fieldNow(state)) {
		view.Newer = dayLink(dateOf(next), filter{})
	}
	if day.Total > 0 {
		view.Chart = v.hourChart(day, nil, state.Model)
	}
	if len(entries) > dayCards {
		entries = entries[:dayCards]
		f := f
		f.before = entries[dayCards-1].Seq
		view.More = dayLink(date, f)
	}
	if f.before > 0 {
		f := f
		f.before = 0
		view.First = dayLink(date, f)
	}
	for _, entry := range entries {
		card := s.cardView(v, state, keptEntry{entry, hasPicture(s.opts.History, entry.Image)})
		card.When = s.moment(v, entry.CapturedAt, s.fieldNow(state))
		card.When.Text = v.Clock(entry.CapturedAt.In(s.opts.Location))
		view.Cards = append(view.Cards, card)
	}
	return view, nil
}

func (v *voice) verdictChoices(day store.Day, f filter, model *live.Model) []filterChoice {
	choices := []filterChoice{{
		Label: v.Say("day.all"), N: day.Total, Counted: true,
		Link: dayLink(day.Date, filter{camera: f.camera}), Chosen: f.verdict == "",
	}}
	for _, name := range verdictOrder(model, day.Counts) {
		if day.Counts[name] == 0 && name != f.verdict {
			continue
		}
		verdict := v.verdict(name, model)
		choices = append(choices, filterChoice{
			Verdict: &verdict, N: day.Counts[name], Counted: true,
			Link: dayLink(day.Date, filter{verdict: name, camera: f.camera}), Chosen: f.verdict == name,
		})
	}
	return choices
}

func cameraChoices(v *voice, state live.State, date string, f filter) []filterChoice {
	if len(state.Cameras) < 2 && f.camera == "" {
		return nil
	}
	choices := []filterChoice{{
		Label: v.Say("day.all_cameras"), Link: dayLink(date, filter{verdict: f.verdict}), Chosen: f.camera == "",
	}}
	for i := range state.Cameras {
		id := state.Cameras[i].ID
		choices = append(choices, filterChoice{
			Label: cameraName(state, id), Link: dayLink(date, filter{verdict: f.verdict, camera: id}), Chosen: f.camera == id,
		})
	}
	return choices
}
