package page

import (
	"slices"
	"strconv"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// countsView are today's sightings.
type countsView struct {
	Trouble   bool // the store can't be read
	Total     int
	Link      string // to the day
	Rows      []countRow
	Yesterday string
	Before    string     // link to yesterday, "" when nothing came
	Chart     *chartView // nil while there is nothing to draw
}

// countRow is one verdict's count; it leads to the sightings behind it.
type countRow struct {
	Verdict verdictView
	N       int
	Link    string // "" = there is nothing behind it
}

func (s *Server) countsView(v *voice, state live.State) *countsView {
	now := s.fieldNow(state)
	data, err := s.pages.lately.read(now, state.Model)
	if err != nil {
		return &countsView{Trouble: true}
	}
	view := &countsView{
		Total: data.today.Total, Link: dayLink(data.today.Date, filter{}),
		Rows: v.countRows(data.today, state.Model), Yesterday: v.yesterday(data.yesterday, now),
	}
	if data.yesterday.Total > 0 {
		view.Before = dayLink(data.yesterday.Date, filter{})
	}
	if data.today.Total+data.yesterday.Total > 0 {
		view.Chart = v.hourChart(data.today, &data.yesterday, state.Model)
	}
	return view
}

func (v *voice) countRows(day store.Day, model *live.Model) []countRow {
	var rows []countRow
	for _, name := range verdictOrder(model, day.Counts) {
		row := countRow{Verdict: v.verdict(name, model), N: day.Counts[name]}
		if row.N > 0 {
			row.Link = dayLink(day.Date, filter{verdict: name})
		}
		rows = append(rows, row)
	}
	return rows
}

// yesterday compares like with like: the same hours, to the nearest full one.
func (v *voice) yesterday(day store.Day, now time.Time) string {
	if day.Total == 0 {
		return v.Say("today.no_yesterday")
	}
	hours := now.Hour()
	if now.Minute() >= 30 {
		hours++
	}
	until := 0
	for _, counts := range day.Hours[:hours] {
		until += sum(counts)
	}
	return v.Say("today.yesterday", "time", hourName(hours), "until", v.Whole(until), "all", v.Whole(day.Total))
}

func hourName(hour int) string { return strconv.Itoa(hour) + ":00" }

func sum(counts map[wire.Verdict]int) int {
	n := 0
	for _, k := range counts {
		n += k
	}
	return n
}

// recentView are the last sightings that deserve a look.
type recentView struct {
	Trouble bool
	Custom  bool
	Cards   []cardView
	Link    string // to all of today's
}

// cardView is a sighting in a list.
type cardView struct {
	Seq       uint64
	Verdict   verdictView
	Reason    string
	Corrected string // what the farmer said, "" = nothing
	Picture   string // "" = none is kept
	When      web.Moment
	Camera    string
}

func (s *Server) recentView(v *voice, state live.State) *recentView {
	now := s.fieldNow(state)
	data, err := s.pages.lately.read(now, state.Model)
	if err != nil {
		return &recentView{Trouble: true}
	}
	view := &recentView{Custom: isCustom(state.Model)}
	view.Link = dayLink(data.today.Date, filter{})
	byArrival := slices.SortedStableFunc(slices.Values(data.recent), func(a, b keptEntry) int {
		return b.CapturedAt.Compare(a.CapturedAt) // they are numbered as they ended
	})
	for _, entry := range byArrival {
		card := s.cardView(v, state, entry)
		card.When = s.clockTime(v, entry.CapturedAt, now)
		view.Cards = append(view.Cards, card)
	}
	return view
}

func (s *Server) cardView(v *voice, state live.State, entry keptEntry) cardView {
	card := cardView{
		Seq: entry.Seq, Verdict: v.verdict(entry.Verdict, state.Model), Reason: v.reason(entry.Reason),
		Camera: cameraName(state, entry.Camera),
	}
	if entry.Correction != nil {
		card.Corrected = v.verdict(entry.Correction.Verdict, state.Model).Word
	}
	if entry.hasPicture {
		card.Picture = pictureAddress(entry.Image)
	}
	return card
}

func pictureAddress(hash string) string { return "/api/v1/pictures/" + hash + ".jpg" }
