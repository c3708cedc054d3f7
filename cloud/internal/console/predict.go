package console

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/wire"
)

// Predict is the page on which a photo has its verdict at once.
type Predict struct {
	Console *Console
	Service Photos
	Index   Neighbours
	Samples *sample.Store
	// Plain makes an upright JPEG of a photo that holds its pixels alone.
	Plain func(ctx context.Context, photo []byte) ([]byte, error)
	Door  *api.Door
}

// Photos answers for photos; *predict.Service is one.
type Photos interface {
	api.Predictor
	State() predict.State
}

// Neighbours finds the labelled pictures that an embedding is nearest to;
// *feature.Index is one.
type Neighbours interface {
	Nearest(space string, embedding []float32, most int) []feature.Neighbour
}

const (
	maxPhotoForm  = api.MaxPhoto + 64<<10
	givesByMinute = 6 // of one address
	examples      = 4
)

// Section is the page with its addresses. Who may use them is asked of the door
// each time; where verdicts are off the page says so.
func (p *Predict) Section() Section {
	return Section{Name: "predict", Path: "/predict", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/predict", Least: api.Open, Handler: p.serve},
			{Method: http.MethodPost, Path: "/predict", Least: api.Open, Limit: maxPhotoForm, Handler: p.take},
			{Method: http.MethodPost, Path: "/predict/give", Least: api.Open, Limit: maxPhotoForm, PerMinute: givesByMinute, Handler: p.give},
		},
		Steps: []Step{{Name: "predict", Path: "/predict", Least: people.Viewer, Count: func(context.Context) (Count, error) {
			return Count{Done: int(p.Service.State().Served)}, nil
		}}},
	}
}

// enter answers for the door where it does not let in.
func (p *Predict) enter(c *gin.Context, entry api.Entry, wait time.Duration) (free bool) {
	v := p.Console.voice(c)
	switch entry {
	case api.EntryLogin:
		api.ToLogin(c)
	case api.EntryOff:
		view := p.view(c, v)
		view.Off = true
		p.page(c, http.StatusNotFound, view)
	case api.EntryLater:
		c.Header("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		view := p.view(c, v)
		view.Fault = v.Say("hub.predict.fault.too_many_requests")
		p.answerWith(c, http.StatusTooManyRequests, view)
	default:
		return true
	}
	return false
}

// answerWith is the page, or the part of it that a page which shows the photo
// already asks for.
func (p *Predict) answerWith(c *gin.Context, status int, view predictView) {
	if c.GetHeader("X-Part") == "answer" {
		p.Console.render(c, status, p.Console.voice(c), "predict", "answer", view)
		return
	}
	p.page(c, status, view)
}

type predictView struct {
	Off      bool
	Starting bool
	Fault    string // of this photo or of the hub
	Given    string // what became of a photo that was given
	Model    *modelView
	Answer   *answerView
	CanPush  bool // the reader may push a model
}

type modelView struct {
	Name      string
	Version   int64
	Rendered  bool
	TrainedOn string // in words
}

type answerView struct {
	Verdict    verdictView
	Reason     string
	Confidence string
	Percent    string
	Novel      bool
	Likely     []likelyView
	Nearest    []neighbourView
	Labels     []verdictView // that a person can say instead
}

type likelyView struct {
	Verdict verdictView
	Percent string
	Width   string // of its bar, 0..100
}

type neighbourView struct {
	Picture string
	Label   verdictView
}

func (p *Predict) view(c *gin.Context, v *voice) predictView {
	state := p.Service.State()
	view := predictView{Starting: state.Starting || state.Err != ""}
	if who, ok := api.Who(c); ok {
		view.CanPush = who.Role.Allows(people.Operator)
	}
	if m := state.Model; m != nil {
		view.Model = &modelView{
			Name: m.Name, Version: m.Version, Rendered: m.Provenance.Kind == bundle.KindRendered,
			TrainedOn: v.Count("hub.predict.trained."+m.Provenance.Kind, m.Provenance.Images),
		}
	}
	return view
}

func (p *Predict) page(c *gin.Context, status int, view predictView) {
	p.Console.show(c, status, page{Name: "predict", Nav: "predict", Title: p.Console.voice(c).Say("hub.predict.title"), Scripts: []string{"predict.js"}, Body: view})
}

func (p *Predict) serve(c *gin.Context) {
	if p.enter(c, p.Door.See(c), 0) {
		p.page(c, http.StatusOK, p.view(c, p.Console.voice(c)))
	}
}

// take answers for one photo.
func (p *Predict) take(c *gin.Context) {
	if entry, wait := p.Door.Ask(c); !p.enter(c, entry, wait) {
		return
	}
	v := p.Console.voice(c)
	view, status := p.view(c, v), http.StatusOK
	files, release, err := api.ReadPhotos(c, p.Service)
	defer release()
	if err == nil {
		var results []predict.Result
		var model predict.Model
		results, model, err = p.Service.Predict(c.Request.Context(), files[:1])
		if err == nil {
			err = results[0].Err
		}
		if err == nil {
			_, known := api.Who(c)
			view.Answer = p.answer(v, results[0], &model, known)
		}
	}
	if err != nil {
		f := api.PhotoFaultOf(err)
		view.Fault, status = v.Say("hub.predict.fault."+f.Code), f.Status
		if f.After > 0 {
			c.Header("Retry-After", strconv.Itoa(f.After))
		}
	}
	p.answerWith(c, status, view)
}

func (p *Predict) answer(v *voice, r predict.Result, m *predict.Model, known bool) *answerView {
	a := &answerView{Verdict: v.verdict(r.Verdict, m.Classes), Novel: r.Reason == wire.ReasonNovel, Labels: v.labels()}
	if r.Reason != "" {
		a.Reason = v.Say("reason." + string(r.Reason))
	}
	for _, class := range m.Classes {
		share := r.Probabilities[class.Name]
		a.Likely = append(a.Likely, likelyView{v.verdict(wire.Verdict(class.Name), m.Classes), v.Percent(share), strconv.Itoa(int(100*share + 0.5))})
		if string(r.Verdict) == class.Name {
			a.Confidence, a.Percent = v.Confidence(share), v.Percent(share)
		}
	}
	slices.SortStableFunc(a.Likely, func(x, y likelyView) int {
		return cmp.Compare(r.Probabilities[string(y.Verdict.Name)], r.Probabilities[string(x.Verdict.Name)])
	})
	if known { // pictures of the fields are not for strangers
		for _, n := range p.Index.Nearest(m.Space, r.Embedding, examples) {
			a.Nearest = append(a.Nearest, neighbourView{"/api/v1/samples/" + n.Hash + "/picture", v.verdict(n.Label, m.Classes)})
		}
	}
	return a
}

// give keeps a photo that its owner agrees to give, without the place and time
// that were in the file.
func (p *Predict) give(c *gin.Context) {
	if entry, wait := p.Door.Ask(c); !p.enter(c, entry, wait) {
		return
	}
	v := p.Console.voice(c)
	view := p.view(c, v)
	if c.PostForm("consent") != "yes" {
		view.Fault = v.Say("hub.predict.no_consent")
		p.page(c, http.StatusBadRequest, view)
		return
	}
	fault, err := p.keep(c)
	switch {
	case errors.Is(err, sample.ErrFull):
		view.Fault = v.Say("hub.predict.full")
		p.page(c, http.StatusInsufficientStorage, view)
	case err != nil:
		f := api.PhotoFaultOf(err)
		view.Fault = v.Say("hub.predict.fault." + f.Code)
		p.page(c, f.Status, view)
	case fault != sample.Sound:
		view.Given = v.Say("hub.predict.given." + string(fault))
		p.page(c, http.StatusOK, view)
	default:
		view.Given = v.Say("hub.predict.given")
		p.page(c, http.StatusOK, view)
	}
}

func (p *Predict) keep(c *gin.Context) (sample.Fault, error) {
	release, err := p.Service.Reserve(1)
	if err != nil {
		return "", err
	}
	defer release()
	header, err := c.FormFile("image")
	if err != nil {
		return "", capture.ErrBadImage
	}
	file, err := header.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	photo, err := io.ReadAll(io.LimitReader(file, api.MaxPhoto+1))
	if err != nil {
		return "", err
	}
	if len(photo) > api.MaxPhoto {
		return "", capture.ErrTooLarge
	}
	given := sample.Given{Source: sample.FromVisitor, Origin: "predict page", KeepPoor: true}
	if given.Data, err = p.Plain(c.Request.Context(), photo); err != nil {
		return "", err
	}
	results, _, err := p.Service.Predict(c.Request.Context(), [][]byte{photo})
	if err == nil && results[0].Err == nil { // without a model a photo can be given too
		given.Verdict = results[0].Verdict
	}
	// One who agrees with the verdict has corrected nothing.
	if said := wire.Verdict(c.PostForm("correction")); said != given.Verdict && slices.ContainsFunc(p.Console.voice(c).labels(), func(l verdictView) bool { return l.Name == said }) {
		given.Correction = said
	}
	_, fault, err := p.Samples.Add(c.Request.Context(), given)
	return fault, err
}
