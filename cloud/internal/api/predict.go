package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/predict"
	"gourdian/internal/capture"
)

// Limits of POST /api/v1/predict.
const (
	// MaxPhoto is the bytes of one picture.
	MaxPhoto       = 12 << 20
	maxPredictBody = 48 << 20
)

// Access says who may ask for verdicts.
type Access string

// Who may ask for verdicts.
const (
	AccessOpen  Access = "open"  // anyone
	AccessLogin Access = "login" // whoever has logged in, and programs with a token
	AccessOff   Access = "off"   // nobody
)

// Predictor answers for pictures; *predict.Service is one.
type Predictor interface {
	Reserve(n int) (release func(), err error)
	Predict(ctx context.Context, files [][]byte) ([]predict.Result, predict.Model, error)
}

// Predict gives verdicts on pictures to programs. Nothing of what is sent is
// kept.
type Predict struct {
	predictor Predictor
	door      *Door
}

// NewPredict returns the addresses of the predictor.
func NewPredict(p Predictor, door *Door) *Predict { return &Predict{predictor: p, door: door} }

// Routes are the addresses. Who may use them is asked of the door each time.
func (p *Predict) Routes() []Route {
	return []Route{{Method: http.MethodPost, Path: "/api/v1/predict", Least: Open, Limit: maxPredictBody, Handler: p.serve}}
}

// prediction is the answer for one picture.
type prediction struct {
	Verdict       string             `json:"verdict,omitempty"`
	Reason        string             `json:"reason,omitempty"`
	Probabilities map[string]float64 `json:"probabilities,omitempty"`
	Novelty       float64            `json:"novelty"`
	Model         string             `json:"model,omitempty"`
	Error         *saidOfPicture     `json:"error,omitempty"`
}

// saidOfPicture says why one picture of several has no verdict.
type saidOfPicture struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func (p *Predict) serve(c *gin.Context) {
	switch entry, wait := p.door.Ask(c); entry {
	case EntryOff:
		Fail(c, http.StatusNotFound, "predict_off", "This hub gives no verdicts on pictures.", "An admin can open it on the page of settings (predict.access).")
		return
	case EntryLogin:
		c.Header("WWW-Authenticate", `Bearer realm="gourdian"`)
		Fail(c, http.StatusUnauthorized, "login_needed", "Nobody is logged in.", "Log in, or send an API token: Authorization: Bearer gdn_…")
		return
	case EntryLater:
		Busy(c, int(wait.Seconds())+1, "too_many_requests", "Too many requests from this address.")
		return
	}
	files, release, err := ReadPhotos(c, p.predictor)
	defer release()
	var results []predict.Result
	if err == nil {
		results, _, err = p.predictor.Predict(c.Request.Context(), files)
	}
	if err != nil {
		f := PhotoFaultOf(err)
		f.answer(c)
		return
	}
	out := make([]prediction, len(results))
	for i, one := range results {
		if one.Err != nil {
			f := PhotoFaultOf(one.Err)
			if len(results) == 1 {
				f.answer(c)
				return
			}
			out[i].Error = &saidOfPicture{f.Code, f.message, f.hint}
			continue
		}
		out[i] = prediction{
			Verdict: string(one.Verdict), Reason: string(one.Reason), Probabilities: one.Probabilities, Novelty: one.Novelty, Model: one.Model,
		}
	}
	c.JSON(http.StatusOK, gin.H{"results": out})
}

// PhotoFault says why there is no verdict.
type PhotoFault struct {
	Code          string // of the catalogue too: "hub.predict.fault.<code>"
	Status        int
	After         int // seconds after which to try again, 0 = never
	message, hint string
}

func (f PhotoFault) answer(c *gin.Context) {
	if f.After > 0 {
		c.Header("Retry-After", strconv.Itoa(f.After))
	}
	Fail(c, f.Status, f.Code, f.message, f.hint)
}

// PhotoFaultOf reads an error of ReadPhotos or Predict, or of one picture.
func PhotoFaultOf(err error) PhotoFault {
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, predict.ErrBusy):
		return PhotoFault{"busy", http.StatusTooManyRequests, 1, "Too many pictures wait.", "Try again in a moment."}
	case errors.Is(err, predict.ErrNoModel):
		return PhotoFault{"no_model", http.StatusServiceUnavailable, 30, "The hub has no champion.", "Push a model and make it the champion."}
	case errors.Is(err, predict.ErrStarting):
		return PhotoFault{"starting", http.StatusServiceUnavailable, 5, "The model is being started.", "Try again in a moment."}
	case errors.Is(err, predict.ErrLate):
		return PhotoFault{"late", http.StatusServiceUnavailable, 2, "The answer took too long.", "Try again in a moment."}
	case errors.As(err, &long), errors.Is(err, capture.ErrTooLarge), errors.Is(err, errTooMany):
		return PhotoFault{"too_large", http.StatusRequestEntityTooLarge, 0, "The pictures are too many or too large.",
			"Send at most 8 pictures of at most 12 MB and 20 million pixels each, 48 MB together."}
	case errors.Is(err, errForm):
		return PhotoFault{"bad_form", http.StatusBadRequest, 0, "This is not a multipart form with a file called image.", "docs/hub-api.md shows how to send one."}
	case errors.Is(err, capture.ErrBadImage):
		return PhotoFault{"bad_image", http.StatusUnprocessableEntity, 0, "The picture can't be read.", "Send a whole JPEG, PNG, WebP, GIF or BMP."}
	}
	return PhotoFault{"unavailable", http.StatusServiceUnavailable, 5, "The hub can't answer just now.", "Try again; the hub's log says more."}
}

// Errors of forms with pictures.
var (
	errForm    = errors.New("not a form with pictures")
	errTooMany = errors.New("too many pictures in one request")
)

// ReadPhotos reads the files called "image" of a form. A place in the queue is
// taken before each picture is read, so a full queue costs no memory; release
// gives the places back, after errors too.
func ReadPhotos(c *gin.Context, p Predictor) (files [][]byte, release func(), err error) {
	var places []func()
	release = func() {
		for _, give := range places {
			give()
		}
	}
	form, err := c.Request.MultipartReader()
	if err != nil {
		return nil, release, errors.Join(errForm, err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) && len(files) > 0 {
			return files, release, nil
		}
		if err != nil {
			return nil, release, errors.Join(errForm, err)
		}
		if part.FormName() != "image" {
			continue
		}
		if len(files) == predict.MaxImages {
			return nil, release, errTooMany
		}
		give, err := p.Reserve(1)
		if err != nil {
			return nil, release, err
		}
		places = append(places, give)
		data, err := readPhoto(part)
		if err != nil {
			return nil, release, err
		}
		files = append(files, data)
	}
}

func readPhoto(part *multipart.Part) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(part, MaxPhoto+1))
	switch {
	case err != nil:
		return nil, errors.Join(errForm, err)
	case len(data) > MaxPhoto:
		return nil, capture.ErrTooLarge
	}
	return data, nil
}
