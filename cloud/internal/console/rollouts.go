package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/rollout"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// Rollouts are the pages of how models come to boards.
type Rollouts struct {
	Console  *Console
	Rollouts *rollout.Rollouts
	Registry *registry.Registry
	Fleet    *fleet.Fleet
	State    func() predict.State // of the hub's own prediction, a place like any other
}

// shownRollouts is how many of the newest are listed.
const shownRollouts = 50

// Section is the pages with their addresses.
func (r *Rollouts) Section() Section {
	const form = 64 << 10
	return Section{Name: "rollouts", Path: "/rollouts", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/rollouts", Least: people.Viewer, Handler: r.serveList},
			{Method: http.MethodGet, Path: "/rollouts/new", Least: people.Admin, Handler: r.serveNew},
			{Method: http.MethodPost, Path: "/rollouts", Least: people.Admin, Limit: form, Handler: r.start},
			{Method: http.MethodGet, Path: "/rollouts/one/:id", Least: people.Viewer, Handler: r.serveOne},
			{Method: http.MethodGet, Path: "/parts/rollouts/:id", Least: people.Viewer, Handler: r.servePart},
			{Method: http.MethodPost, Path: "/rollouts/one/:id/pause", Least: people.Operator, Limit: form, Handler: r.pause},
			{Method: http.MethodPost, Path: "/rollouts/one/:id/resume", Least: people.Admin, Limit: form, Handler: r.resume},
			{Method: http.MethodPost, Path: "/rollouts/one/:id/abort", Least: people.Admin, Limit: form, Handler: r.abort},
		},
		Steps: []Step{{Name: "rollout", Path: "/rollouts", Least: people.Viewer, Count: r.count}},
	}
}

// count says how many rollouts there were; those that stopped wait for somebody.
func (r *Rollouts) count(ctx context.Context) (Count, error) {
	list, err := r.Rollouts.List(ctx, shownRollouts)
	count := Count{Done: len(list)}
	for _, one := range list {
		count.Done = max(count.Done, int(one.Number))
		if one.State == rollout.Stopped {
			count.Waiting++
		}
	}
	return count, err
}

type rolloutsView struct {
	Places []placeView
	List   []rolloutRow
	Admin  bool
	Models bool // there is a version that could be rolled out
}

// placeView is what runs at one place.
type placeView struct {
	Name   string
	Models []modelCount
}

type modelCount struct {
	Name     string
	N        string // how many boards, "" = the hub itself
	Champion bool
}

type rolloutRow struct {
	ID, Title, Reason string
	State             stateWord
	Boards            string
	Started           web.Moment
}

// stateWord is a state: word and drawing.
type stateWord struct{ Word, Shape string }

func (v *voice) rolloutState(s rollout.State) stateWord {
	shape := map[rollout.State]string{rollout.Running: "note", rollout.Paused: "bar", rollout.Stopped: "serious", rollout.Done: "well", rollout.Aborted: "cant_tell"}[s]
	return stateWord{v.Say("hub.rollouts.state." + string(s)), shape}
}

func (r *Rollouts) serveList(c *gin.Context) {
	k, ctx, v := r.Console, c.Request.Context(), r.Console.voice(c)
	who, _ := api.Who(c)
	list, err := r.Rollouts.List(ctx, shownRollouts)
	var counts map[string]rollout.Counts
	if err == nil {
		counts, err = r.Rollouts.CountsOf(ctx, list)
	}
	view := rolloutsView{Admin: who.Role.Allows(people.Admin)}
	var versions []registry.Version
	if err == nil {
		versions, err = r.Registry.Versions(ctx)
	}
	if err == nil {
		view.Places, err = r.places(ctx, v, versions)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	view.Models = len(versions) > 0
	names := namesOf(versions)
	for _, one := range list {
		view.List = append(view.List, rolloutRow{
			ID: one.ID, Title: v.Say("hub.rollouts.title_one", "number", one.Number, "model", names.of(v, one.Bundle)), Reason: one.Reason,
			State: v.rolloutState(one.State), Boards: v.Say("hub.rollouts.of", "n", counts[one.ID][rollout.Runs], "all", counts[one.ID].All()),
			Started: v.ago(one.StartedAt()),
		})
	}
	k.show(c, http.StatusOK, page{Name: "rollouts", Nav: "rollouts", Title: v.Say("hub.nav.rollouts"), Body: view})
}

// modelNames names bundles.
type modelNames map[string]registry.Version

func namesOf(versions []registry.Version) modelNames {
	names := modelNames{}
	for _, one := range versions {
		names[one.Bundle] = one
	}
	return names
}

// of names a bundle for people: by its number on this hub, else as the board's own.
func (m modelNames) of(v *voice, bundle string) string {
	one, known := m[bundle]
	switch {
	case known:
		return v.Say("hub.models.version", "version", one.Number, "name", one.Facts.Name)
	case len(bundle) > 12:
		return v.Say("hub.rollouts.own_model", "id", bundle[:12])
	}
	return v.Say("hub.rollouts.no_model")
}

// places tells what runs where, the hub's own prediction first.
func (r *Rollouts) places(ctx context.Context, v *voice, versions []registry.Version) ([]placeView, error) {
	names := namesOf(versions)
	now, err := r.Registry.Alias(ctx)
	if err != nil {
		return nil, err
	}
	champion := func(bundle string) bool { return names[bundle].Number == now.Number && now.Number != 0 }
	hub := placeView{Name: v.Say("hub.rollouts.prediction")}
	bundle := ""
	if m := r.State().Model; m != nil {
		bundle = m.ID
	}
	hub.Models = []modelCount{{Name: names.of(v, bundle), Champion: champion(bundle)}}
	list := []placeView{hub}
	sites, err := r.Rollouts.Places(ctx)
	for _, site := range sites {
		place := placeView{Name: site.Site}
		for _, one := range site.Shares {
			place.Models = append(place.Models, modelCount{names.of(v, one.Bundle), v.Count("hub.fleet.count", one.Boards), champion(one.Bundle)})
		}
		list = append(list, place)
	}
	return list, err
}

type rolloutView struct {
	rolloutRow
	Live    bool
	Who     string
	Why     string // it stopped
	Next    string // what it waits for
	Runs    int
	All     int
	Tallies []choice // a word for each standing, and how many
	Waves   []waveView
	History []changeView
	Pause   bool
	Resume  bool
	Abort   bool
	Back    bool   // it is done: aborting it means going back
	Keep    string // how many boards would keep the model
}

type waveView struct {
	Title  string
	Begun  bool
	Boards []rolloutBoardView
}

type rolloutBoardView struct {
	Device, Name, Site string
	State              stateWord
	Said               string
	When               web.Moment
}

func (r *Rollouts) serveOne(c *gin.Context) { r.showOne(c, http.StatusOK) }

func (r *Rollouts) showOne(c *gin.Context, status int) {
	view, ok := r.one(c)
	if ok {
		r.Console.show(c, status, page{Name: "rollout", Nav: "rollouts", Title: view.Title, Live: view.Live, Body: view})
	}
}

func (r *Rollouts) servePart(c *gin.Context) {
	if view, ok := r.one(c); ok {
		r.Console.showPart(c, "rollout", "rollout", view)
	}
}

// one reads a rollout for its page, or answers that it can't.
func (r *Rollouts) one(c *gin.Context) (view rolloutView, ok bool) {
	ctx, v := c.Request.Context(), r.Console.voice(c)
	one, err := r.Rollouts.Rollout(ctx, c.Param("id"))
	if errors.Is(err, rollout.ErrNotFound) {
		r.Console.ShowError(c, http.StatusNotFound, "not_found")
		return view, false
	}
	var boards []rollout.Board
	var history []rollout.Event
	var versions []registry.Version
	if err == nil {
		boards, err = r.Rollouts.Boards(ctx, one.ID)
	}
	if err == nil {
		history, err = r.Rollouts.History(ctx, one.ID)
	}
	if err == nil {
		versions, err = r.Registry.Versions(ctx)
	}
	if err != nil {
		r.Console.fail(c, err)
		return view, false
	}
	who, _ := api.Who(c)
	admin := who.Role.Allows(people.Admin)
	view = rolloutView{
		rolloutRow: rolloutRow{
			ID: one.ID, Title: v.Say("hub.rollouts.title_one", "number", one.Number, "model", namesOf(versions).of(v, one.Bundle)), Reason: one.Reason,
			State: v.rolloutState(one.State), Started: v.ago(one.StartedAt()),
		},
		Live: one.State == rollout.Running || one.State == rollout.Paused, Who: one.Who, Why: one.Why, All: len(boards),
		Pause: one.State == rollout.Running && who.Role.Allows(people.Operator), Resume: admin && (one.State == rollout.Paused || one.State == rollout.Stopped),
		Abort: admin && (one.State.Open() || one.State == rollout.Done), Back: one.State == rollout.Done,
	}
	v.waves(&view, one, boards)
	view.Next = v.next(one, boards)
	for _, e := range history {
		view.History = append(view.History, v.rolloutEvent(e))
	}
	return view, true
}

func (v *voice) rolloutEvent(e rollout.Event) changeView {
	by := e.Who
	if by == "" {
		by = v.Say("hub.rollouts.itself")
	}
	return changeView{When: v.ago(e.At()), Who: by, What: v.Say("hub.rollouts.event." + e.What), Text: e.Detail}
}

// waves fills in the boards, by wave, and how many stand how.
func (v *voice) waves(view *rolloutView, one rollout.Rollout, boards []rollout.Board) {
	counts := rollout.Counts{}
	for _, b := range boards {
		for len(view.Waves) <= b.Wave {
			n := len(view.Waves)
			view.Waves = append(view.Waves, waveView{Title: v.Say("hub.rollouts.wave", "n", n+1), Begun: n <= one.Wave})
		}
		state, said := v.rolloutBoard(b)
		wave := &view.Waves[b.Wave]
		wave.Boards = append(wave.Boards, rolloutBoardView{b.Device, b.Name, b.Site, state, said, v.ago(b.Changed())})
		counts[b.State]++
	}
	view.Runs = counts[rollout.Runs]
	for _, state := range []rollout.Standing{rollout.Runs, rollout.Working, rollout.Told, rollout.Queued, rollout.Failed, rollout.Superseded, rollout.Skipped, rollout.Returning, rollout.Returned} {
		if n := counts[state]; n > 0 {
			view.Tallies = append(view.Tallies, choice{Value: v.Whole(n), Label: v.Say("hub.rollouts.stands." + string(state))})
		}
	}
	view.Keep = v.Count("hub.fleet.count", view.Runs)
}

// rolloutBoard says how a board stands, and what it said last.
func (v *voice) rolloutBoard(b rollout.Board) (state stateWord, said string) {
	shape := map[rollout.Standing]string{rollout.Runs: "well", rollout.Failed: "serious", rollout.Working: "note", rollout.Told: "note", rollout.Returning: "note"}[b.State]
	if shape == "" {
		shape = "cant_tell"
	}
	state = stateWord{v.Say("hub.rollouts.stands." + string(b.State)), shape}
	var parts []string
	switch b.State {
	case rollout.Told:
		key := "hub.rollouts.told_here"
		if !b.Online {
			key = "hub.rollouts.told_away"
		}
		parts = append(parts, v.Say(key))
	case rollout.Working:
		parts = append(parts, v.stage(b))
		if !b.Online {
			parts = append(parts, v.Say("hub.rollouts.gone_away"))
		}
	case rollout.Failed:
		parts = append(parts, v.sayOr("hub.rollouts.step."+b.Step, b.Step), b.Why)
	}
	if tried, ok := b.Tried(); ok && tried.Frames > 0 {
		parts = append(parts, v.Say("hub.rollouts.tried", "agree", tried.Agree, "frames", tried.Frames))
	}
	if b.State == rollout.Runs && b.Total > 0 {
		parts = append(parts, v.Say("hub.rollouts.took", "bytes", v.Bytes(b.Total-b.Reused), "reused", v.Bytes(b.Reused)))
	}
	return state, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// stage says how far a board is.
func (v *voice) stage(b rollout.Board) string {
	if b.Stage == string(wire.StageDownloading) && b.Total > 0 {
		return v.Say("hub.rollouts.downloading", "percent", v.Percent(float64(b.DoneBytes)/float64(b.Total)), "bytes", v.Bytes(b.Total))
	}
	return v.sayOr("hub.rollouts.stage."+b.Stage, b.Stage)
}

// next says what a running rollout waits for.
func (v *voice) next(one rollout.Rollout, boards []rollout.Board) string {
	if one.State != rollout.Running {
		return ""
	}
	waits, last, runs := []string{}, 0, int64(0)
	for _, b := range boards {
		last = max(last, b.Wave)
		if b.Wave > one.Wave {
			continue
		}
		if b.State == rollout.Working || b.State == rollout.Told && b.Online {
			waits = append(waits, b.Name)
		}
		if b.State == rollout.Runs {
			runs = max(runs, b.ChangedAt)
		}
	}
	const named = 3
	switch {
	case len(waits) > named:
		return v.Say("hub.rollouts.waits_for_many", "names", strings.Join(waits[:named], ", "), "more", len(waits)-named)
	case len(waits) > 0:
		return v.Say("hub.rollouts.waits_for", "names", strings.Join(waits, ", "))
	case runs == 0:
		return v.Say("hub.rollouts.waits_away")
	case one.Wave < last:
		at := time.UnixMicro(max(runs, one.WaveAt)).Add(one.Plan().SoakTime())
		return v.Say("hub.rollouts.waits_soak", "time", v.Exact(at.In(v.location())))
	}
	return ""
}
