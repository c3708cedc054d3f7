package api

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

// Datasets gives data sets to programs.
type Datasets struct {
	sets   *dataset.Store
	doubts *dataset.Doubts
	log    *slog.Logger
}

// NewDatasets returns the addresses of data sets.
func NewDatasets(s *dataset.Store, d *dataset.Doubts, log *slog.Logger) *Datasets {
	return &Datasets{s, d, log}
}

// Routes are the addresses.
func (d *Datasets) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/task", Least: people.Viewer, Handler: d.task},
		{Method: http.MethodGet, Path: "/api/v1/doubtful", Least: people.Viewer, Handler: d.doubtful},
		{Method: http.MethodGet, Path: "/api/v1/datasets", Least: people.Viewer, Handler: d.list},
		{Method: http.MethodPost, Path: "/api/v1/datasets", Least: people.Operator, Slow: true, Handler: d.make},
		{Method: http.MethodGet, Path: "/api/v1/datasets/:number", Least: people.Viewer, Handler: d.one},
		{Method: http.MethodGet, Path: "/api/v1/datasets/:number/changes", Least: people.Viewer, Handler: d.changes},
		{Method: http.MethodGet, Path: "/api/v1/datasets/:number/manifest.json", Least: people.Viewer, Slow: true, Handler: d.manifest},
		{Method: http.MethodGet, Path: "/api/v1/datasets/:number/manifest.csv", Least: people.Viewer, Slow: true, Handler: d.csv},
		{Method: http.MethodGet, Path: "/api/v1/datasets/:number/archive.zip", Least: people.Operator, Slow: true, Handler: d.archive},
	}
}

// cellAnswer counts pictures and their groups.
type cellAnswer struct {
	Pictures int `json:"pictures"`
	Groups   int `json:"groups"`
}

// countsAnswer is what a data set holds.
type countsAnswer struct {
	cellAnswer
	Classes map[wire.Verdict]map[dataset.Split]cellAnswer `json:"classes"`
	LeftOut map[dataset.Why]int                           `json:"left_out"`
}

func answerOfCounts(c dataset.Counts) countsAnswer {
	a := countsAnswer{cellAnswer(c.All), map[wire.Verdict]map[dataset.Split]cellAnswer{}, c.LeftOut}
	for class, sides := range c.Cells {
		a.Classes[class] = map[dataset.Split]cellAnswer{}
		for side, cell := range sides {
			a.Classes[class][side] = cellAnswer(cell)
		}
	}
	return a
}

// datasetAnswer is a data set as programs see it.
type datasetAnswer struct {
	Number   int64        `json:"number"`
	Manifest string       `json:"manifest"`
	Bytes    int64        `json:"bytes"`
	AsOf     time.Time    `json:"as_of"`
	MadeAt   time.Time    `json:"made_at"`
	MadeBy   string       `json:"made_by"`
	Counts   countsAnswer `json:"counts"`
	Created  *bool        `json:"created,omitempty"` // false: it was there already
}

func answerOfDataset(v *dataset.Version) (datasetAnswer, error) {
	counts, err := v.Counts()
	return datasetAnswer{v.Number, v.Manifest, v.Bytes, v.Revision(), v.Made(), v.MadeBy, answerOfCounts(counts), nil}, err
}

// task says what data there is now, and whether it suffices to train.
func (d *Datasets) task(c *gin.Context) {
	m, err := d.sets.Now(c.Request.Context())
	if err != nil {
		d.fail(c, err)
		return
	}
	lacks := d.sets.Lacks(m)
	words := make([]string, len(lacks))
	for i, r := range lacks {
		words[i] = r.String()
	}
	c.JSON(http.StatusOK, gin.H{"task": m.Task, "enough": len(lacks) == 0, "lacks": append([]dataset.Reason{}, lacks...), "words": words, "counts": answerOfCounts(m.Count())})
}

func (d *Datasets) doubtful(c *gin.Context) {
	list, err := d.doubts.Doubtful(c.Request.Context())
	if err != nil {
		d.fail(c, err)
		return
	}
	type line struct {
		Image       string       `json:"image"`
		Label       wire.Verdict `json:"label"`
		By          string       `json:"by"`
		At          time.Time    `json:"at"`
		Disagree    bool         `json:"disagree"`
		Class       wire.Verdict `json:"class,omitempty"`
		Probability float64      `json:"probability,omitempty"`
	}
	out := make([]line, len(list))
	for i, one := range list {
		out[i] = line(one)
	}
	c.JSON(http.StatusOK, gin.H{"doubtful": out})
}

func (d *Datasets) list(c *gin.Context) {
	most, err := strconv.Atoi(c.DefaultQuery("limit", "50"))
	before, err2 := strconv.ParseInt(c.DefaultQuery("cursor", "0"), 10, 64)
	if err != nil || err2 != nil || most < 1 {
		Fail(c, http.StatusBadRequest, "bad_query", "limit or cursor can't be read.", "docs/hub-api.md shows them.")
		return
	}
	most = min(most, dataset.MaxList)
	list, err := d.sets.List(c.Request.Context(), before, most+1)
	out := []datasetAnswer{}
	for i := range list[:min(len(list), most)] {
		one, failed := answerOfDataset(&list[i])
		err = errors.Join(err, failed)
		out = append(out, one)
	}
	if err != nil {
		d.fail(c, err)
		return
	}
	answer := gin.H{"datasets": out}
	if len(list) > most {
		answer["next"] = strconv.FormatInt(list[most-1].Number, 10)
	}
	c.JSON(http.StatusOK, answer)
}

func (d *Datasets) make(c *gin.Context) {
	var order struct {
		AsOf time.Time `json:"as_of"` // zero = now
	}
	if err := c.ShouldBindJSON(&order); err != nil && !errors.Is(err, io.EOF) {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	v, created, err := d.sets.Make(c.Request.Context(), order.AsOf, who.Name)
	var answer datasetAnswer
	if err == nil {
		answer, err = answerOfDataset(&v)
	}
	if err != nil {
		d.fail(c, err)
		return
	}
	answer.Created = &created
	status := http.StatusCreated
	if !created {
		status = http.StatusOK
	}
	c.JSON(status, answer)
}

// versionOf finds the data set of an address.
func (d *Datasets) versionOf(c *gin.Context) (v dataset.Version, ok bool) {
	number, err := strconv.ParseInt(c.Param("number"), 10, 64)
	if err != nil {
		number = 0 // which is none
	}
	v, err = d.sets.Get(c.Request.Context(), number)
	if err != nil {
		d.fail(c, err)
	}
	return v, err == nil
}

// open finds the data set of an address with its manifest.
func (d *Datasets) open(c *gin.Context) (v dataset.Version, m *dataset.Manifest, ok bool) {
	v, ok = d.versionOf(c)
	if !ok {
		return v, nil, false
	}
	m, err := d.sets.Open(c.Request.Context(), v.Manifest)
	if err != nil {
		d.fail(c, err)
		return v, nil, false
	}
	return v, m, true
}

func (d *Datasets) one(c *gin.Context) {
	v, ok := d.versionOf(c)
	if !ok {
		return
	}
	answer, err := answerOfDataset(&v)
	if err != nil {
		d.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// changes says what changed since an earlier data set, the one before where the
// address names none.
func (d *Datasets) changes(c *gin.Context) {
	v, now, ok := d.open(c)
	if !ok {
		return
	}
	since, err := strconv.ParseInt(c.DefaultQuery("since", strconv.FormatInt(v.Number-1, 10)), 10, 64)
	if err != nil {
		Fail(c, http.StatusBadRequest, "bad_query", "since is no number of a data set.", "docs/hub-api.md shows it.")
		return
	}
	before, err := d.sets.Get(c.Request.Context(), since)
	var was *dataset.Manifest
	if err == nil {
		was, err = d.sets.Open(c.Request.Context(), before.Manifest)
	}
	if err != nil {
		d.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"number": v.Number, "since": since, "changes": dataset.Compare(was, now)})
}

// manifest answers with the bytes that the data set is named by.
func (d *Datasets) manifest(c *gin.Context) {
	_, m, ok := d.open(c)
	if !ok {
		return
	}
	data, err := m.Encode()
	if err != nil {
		d.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json", data)
}

func (d *Datasets) csv(c *gin.Context) {
	v, m, ok := d.open(c)
	if !ok {
		return
	}
	d.file(c, &v, "text/csv; charset=utf-8", "csv", func(w io.Writer) error { return m.WriteCSV(w, nil) })
}

func (d *Datasets) archive(c *gin.Context) {
	v, ok := d.versionOf(c)
	if !ok {
		return
	}
	who, _ := Who(c)
	d.file(c, &v, "application/zip", "zip", func(w io.Writer) error { return d.sets.WriteZip(c.Request.Context(), v.Manifest, who.Name, w) })
}

// file answers with a file that is written as it goes.
func (d *Datasets) file(c *gin.Context, v *dataset.Version, kind, ending string, write func(io.Writer) error) {
	c.Header("Content-Type", kind)
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="dataset-%d.%s"`, v.Number, ending))
	if err := write(c.Writer); err != nil {
		d.log.Error("export", "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

func (d *Datasets) fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, dataset.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_dataset", "There is no such data set.", "GET /api/v1/datasets lists them.")
	case errors.Is(err, dataset.ErrEmpty):
		Fail(c, http.StatusConflict, "no_labels", "No picture has a label that a model could learn from.", "Label some pictures first.")
	default:
		d.log.Error("data sets", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}
