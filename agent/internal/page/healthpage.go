package page

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/internal/web"
)

// healthView is all that a reader may want to know of the board itself.
type healthView struct {
	Conditions []conditionView
	Model      *modelCard // nil while there is none
	Update     updateCard
	Cameras    []cameraCard
	Store      storeCard
	Link       linkCard
	Board      boardCard
}

type conditionView struct {
	Level, Severity string
	Text, Do        string
	Since           web.Moment
}

// modelCard says what judges the pictures.
type modelCard struct {
	Name, ID, State, Task, Learnt, Trust, Provider, Variant, Library, Preprocess string
	Speed                                                                        string   // "" = not yet known
	Missed                                                                       []string // providers that were not obtained, and why
	Restarts                                                                     int
	Loaded                                                                       web.Moment
	Classes                                                                      []verdictView
}

type cameraCard struct {
	Name, Source, State, Size, Rate string
	Picture                         web.Moment
	Scored, Dropped                 string
	Skips                           []string
}

type storeCard struct {
	Records, Pictures, Space, NotKept, State string
}

type boardCard struct {
	Kind, Version, Device, Clock string
	Temperature                  string // "" = no sensor that answers
	Started                      web.Moment
	Field                        string
}

func (s *Server) serveHealthPage(c *gin.Context) {
	v, state := s.voice(c), s.opts.Board.State()
	view := &healthView{
		Conditions: s.conditionViews(v, state), Model: s.modelCard(v, state.Model), Update: s.updateCard(c, v, state.Update), Store: v.storeCard(state.Store),
		Link:  s.linkCard(v, state.Link),
		Board: s.boardCard(v, state),
	}
	for i := range state.Cameras {
		view.Cameras = append(view.Cameras, s.cameraCard(v, state, &state.Cameras[i]))
	}
	s.show(c, http.StatusOK, pageView{
		Name: "health", Nav: "health", Title: v.Say("health.title"), Body: view, Events: "/events?want=" + partConditions,
	})
}

func (s *Server) boardCard(v *voice, state live.State) boardCard {
	card := boardCard{
		Kind: state.Kind.Description, Temperature: v.temperature(state.Heat),
		Version: state.Version, Device: shortID(state.Device), Clock: v.Say("clock." + string(state.Clock)),
		Started: s.moment(v, state.Started, time.Now()), Field: v.Exact(s.fieldNow(state)),
	}
	if key := "board.kind_" + state.Kind.Profile; v.Has(key) {
		card.Kind = v.Say(key)
	}
	return card
}

// temperature is how warm the processor is, and what that costs.
func (v *voice) temperature(heat live.Heat) string {
	switch {
	case !heat.Known:
		return ""
	case heat.Rate < 1:
		return v.Say("board.celsius_slowed", "n", v.Decimal(heat.Celsius, 0), "percent", v.Decimal(100*heat.Rate, 0))
	}
	return v.Say("board.celsius", "n", v.Decimal(heat.Celsius, 0))
}

func (s *Server) conditionViews(v *voice, state live.State) []conditionView {
	var views []conditionView
	for _, condition := range s.conditions(state) {
		views = append(views, conditionView{
			Level: levelOf(condition.Severity), Severity: v.Say("health.severity_" + strconv.Itoa(int(condition.Severity))),
			Text: s.aboutCamera(v, state, condition), Do: v.remedy(condition),
			Since: s.clockTime(v, condition.Since, time.Now()),
		})
	}
	return views
}

func (s *Server) modelCard(v *voice, m *live.Model) *modelCard {
	if m == nil {
		return nil
	}
	state := cmp.Or(m.WorkerNote, "well")
	if !v.Has("model.state_" + state) {
		state = "starting"
	}
	task := "custom"
	if !isCustom(m) {
		task = "grade"
	}
	card := &modelCard{
		Name: m.Name, ID: shortID(m.ID), State: v.Say("model.state_" + state), Task: v.Say("model.task_" + task),
		Variant: m.Variant, Library: m.Library, Preprocess: m.Preprocess, Restarts: m.Restarts,
		Loaded: s.moment(v, m.LoadedAt, time.Now()), Trust: v.Say("model.trust_local"),
	}
	if key := "model.trust_" + m.Trust; v.Has(key) {
		card.Trust = v.Say(key)
	}
	if key := "model.learnt_" + m.TrainedOn; v.Has(key) {
		card.Learnt = v.Say(key, "n", v.Whole(m.Images))
	}
	if m.InferMillis > 0 {
		card.Speed = v.Decimal(m.InferMillis, 1) + " ms"
	}
	card.Provider, card.Missed = v.provider(m)
	if key := "model.why_" + m.VariantWhy; v.Has(key) {
		card.Variant = v.Say(key, "variant", m.Variant) + v.tried(m.Tried)
	}
	for _, class := range verdictOrder(m, nil) {
		card.Classes = append(card.Classes, v.verdict(class, m))
	}
	return card
}

// provider says what runs the network, and why nothing better does. It is ""
// before the worker is up.
func (v *voice) provider(m *live.Model) (obtained string, missed []string) {
	if m.Provider == "" {
		return "", nil
	}
	for _, miss := range m.Missed {
		missed = append(missed, v.Say("model.provider_missed", "provider", miss.Provider, "why", miss.Why))
	}
	key := "model.provider"
	if first, _, _ := strings.Cut(m.Asked, ","); first != "" && first != m.Provider {
		key = "model.provider_other"
	}
	obtained = v.Say(key, "provider", m.Provider, "asked", strings.ReplaceAll(m.Asked, ",", ", "))
	all := 0
	for _, n := range m.Operators {
		all += n
	}
	if n := m.Operators[m.Provider]; n < all {
		obtained += " " + v.Say("model.provider_share", "n", v.Whole(n), "all", v.Whole(all))
	}
	return obtained, missed
}

// tried lists how each variant did, in brackets; "" where none was tried.
func (v *voice) tried(variants []live.VariantTime) string {
	var words []string
	for _, t := range variants {
		if t.Passes {
			words = append(words, v.Say("model.tried_time", "variant", t.Name, "ms", v.Decimal(t.Millis, 1)))
		} else {
			words = append(words, v.Say("model.tried_failed", "variant", t.Name))
		}
	}
	if words == nil {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

func (s *Server) cameraCard(v *voice, state live.State, camera *live.Camera) cameraCard {
	now := time.Now()
	card := cameraCard{
		Name: cameraName(state, camera.ID), Source: camera.Source, Picture: s.moment(v, camera.FrameAt, now),
		Scored: v.Whole(int(camera.Scored)), Dropped: v.Whole(int(camera.Dropped)),
	}
	if key := "camera.kind_" + camera.Source; v.Has(key) {
		card.Source = v.Say(key)
	}
	scene := "live"
	switch sceneOf(state, camera, now) {
	case sceneWaiting:
		scene = "waiting"
	case sceneNone:
		scene = "none"
	case sceneStale:
		scene = "stale"
	case sceneFinished:
		scene = "finished"
	}
	card.State = v.Say("camera.state_" + scene)
	if camera.W > 0 {
		card.Size = strconv.Itoa(camera.W) + " × " + strconv.Itoa(camera.H)
		card.Rate = v.Decimal(camera.FPS, 1)
	}
	var reasons []string
	for reason, n := range camera.Skips {
		if n > 0 {
			reasons = append(reasons, reason)
		}
	}
	slices.SortFunc(reasons, func(a, b string) int {
		return cmp.Or(cmp.Compare(camera.Skips[b], camera.Skips[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		card.Skips = append(card.Skips, v.Say("camera.skip_count", "why", v.skip(reason), "n", v.Whole(int(camera.Skips[reason]))))
	}
	return card
}

func (v *voice) storeCard(store live.Store) storeCard {
	card := storeCard{
		Records: v.Whole(int(store.Records)), Pictures: v.Whole(int(store.Pictures)), NotKept: v.Whole(int(store.NotKept)),
		Space: v.Say("store.space_of", "used", v.Bytes(store.PictureBytes), "quota", v.Bytes(store.PictureQuota)),
		State: v.Say("store.well"),
	}
	if store.Degraded {
		card.State = v.Say("store.degraded")
	}
	return card
}
