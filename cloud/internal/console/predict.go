package console

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

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
	Service *predict.Service
	Index   *feature.Index
	Samples *sample.Store
	// Plain makes an upright JPEG of a photo that holds its pixels alone.
	Plain  func(ctx context.Context, photo []byte) ([]byte, error)
	Access api.Access
}

const (
	maxPhotoForm   = api.MaxPhoto + 64<<10
	photosByMinute = 30 // of one address, through the page
	givesByMinute  = 6
	examples       = 4
)

// Section is the page with its addresses. Where verdicts are off it says so.
func (p *Predict) Section() Section {
	least, on := p.Access.Least()
	s := Section{Name: "predict", Path: "/predict", Least: people.Viewer,
		Routes: []api.Route{{Method: http.MethodGet, Path: "/predict", Least: least, Handler: p.serve}},
		Steps: []Step{{Name: "predict", Path: "/predict", Least: people.Viewer, Count: func(context.Context) (Count, error) {
			return Count{Done: int(p.Service.State().Served)}, nil
		}}},
	}
	if on {
		s.Routes = append(s.Routes,
			api.Route{Method: http.MethodPost, Path: "/predict", Least: least, Limit: maxPhotoForm, PerMinute: photosByMinute, Handler: p.take},
			api.Route{Method: http.MethodPost, Path: "/predict/give", Least: least, Limit: maxPhotoForm, PerMinute: givesByMinute, Handler: p.give})
	}
	return s
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
	view := predictView{Off: p.Access == api.AccessOff, Starting: state.Starting || state.Err != ""}
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
	p.page(c, http.StatusOK, p.view(c, p.Console.voice(c)))
}

// take answers for one photo: as a page, or as a part of it for a page that
// shows the photo already.
func (p *Predict) take(c *gin.Context) {
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
	if c.GetHeader("X-Part") == "answer" {
		p.Console.render(c, status, v, "predict", "answer", view)
		return
	}
	p.page(c, status, view)
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
