package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Samples gives pictures and their labels to programs.
type Samples struct {
	samples *sample.Store
	labels  *label.Store
	jobs    *job.Jobs
	audit   *people.Audit
	dir     string // for archives until they were read
	log     *slog.Logger
}

// NewSamples returns the addresses of pictures and labels. dir is where archives
// lie until they were read.
func NewSamples(s *sample.Store, l *label.Store, jobs *job.Jobs, audit *people.Audit, dir string, log *slog.Logger) *Samples {
	return &Samples{samples: s, labels: l, jobs: jobs, audit: audit, dir: dir, log: log}
}

// Routes are the addresses.
func (s *Samples) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/samples", Least: people.Viewer, Handler: s.list},
		{Method: http.MethodGet, Path: "/api/v1/samples/:hash/picture", Least: people.Viewer, Handler: s.picture},
		{Method: http.MethodGet, Path: "/api/v1/samples/:hash/history", Least: people.Viewer, Handler: s.history},
		{Method: http.MethodDelete, Path: "/api/v1/samples/:hash", Least: people.Admin, Handler: s.remove},
		{Method: http.MethodPost, Path: "/api/v1/samples/:hash/label", Least: people.Labeller, Handler: s.label},
		{Method: http.MethodPost, Path: "/api/v1/import", Least: people.Operator, Limit: sample.MaxArchive + 1, Slow: true, Handler: s.importZip},
		{Method: http.MethodGet, Path: "/api/v1/export/labels.csv", Least: people.Viewer, Slow: true, Handler: s.export("text/csv; charset=utf-8", s.samples.WriteCSV)},
		{Method: http.MethodGet, Path: "/api/v1/export/labels.coco.json", Least: people.Viewer, Slow: true, Handler: s.export("application/json", s.samples.WriteCOCO)},
		{Method: http.MethodGet, Path: "/api/v1/export/labels.parquet", Least: people.Viewer, Slow: true, Handler: s.export(parquetType, s.samples.WriteParquet)},
	}
}

// SampleFilter reads a filter from an address.
func SampleFilter(c *gin.Context) sample.Filter { return FilterOf(c.Request.URL.Query()) }

// FilterOf reads a filter from the query of an address.
func FilterOf(query url.Values) sample.Filter {
	return sample.Filter{
		Source: sample.Source(query.Get("source")), Site: query.Get("site"), Device: query.Get("device"), Why: wire.SampleWhy(query.Get("why")),
		Verdict: wire.Verdict(query.Get("verdict")), Label: query.Get("label"), Fault: query.Get("fault"), Mark: query.Get("mark"),
	}
}

type sampleAnswer struct {
	Hash       string         `json:"hash"`
	Bytes      int64          `json:"bytes"`
	Source     sample.Source  `json:"source"`
	Site       string         `json:"site,omitempty"`
	Device     string         `json:"device,omitempty"`
	Camera     string         `json:"camera,omitempty"`
	Why        wire.SampleWhy `json:"why,omitempty"`
	CapturedAt time.Time      `json:"captured_at"`
	ReceivedAt time.Time      `json:"received_at"`
	Verdict    wire.Verdict   `json:"verdict,omitempty"`
	Correction wire.Verdict   `json:"correction,omitempty"`
	Fault      sample.Fault   `json:"fault,omitempty"`
	Duplicate  string         `json:"duplicate_of,omitempty"`
	Label      string         `json:"label,omitempty"`
	Version    int64          `json:"label_version"`
	LabelledBy string         `json:"labelled_by,omitempty"`
	Queue      string         `json:"queue,omitempty"`
	LeftOut    bool           `json:"left_out,omitempty"`
}

func (s *Samples) list(c *gin.Context) {
	most, err := strconv.Atoi(c.DefaultQuery("limit", "100"))
	after, ok := CursorOf(c.Query("cursor"))
	if err != nil || !ok {
		Fail(c, http.StatusBadRequest, "bad_query", "limit or cursor can't be read.", "docs/hub-api.md shows them.")
		return
	}
	page, next, more, err := s.samples.List(c.Request.Context(), SampleFilter(c), after, most)
	if err != nil {
		s.fail(c, err)
		return
	}
	out := make([]sampleAnswer, len(page))
	for i := range page {
		p := &page[i]
		out[i] = sampleAnswer{
			Hash: p.Hash, Bytes: p.Bytes, Source: p.Source, Site: p.Site, Device: p.Device, Camera: p.Camera, Why: p.Why,
			CapturedAt: p.Captured(), ReceivedAt: p.Received(), Verdict: p.Verdict, Correction: p.Correction, Fault: p.Fault,
			Duplicate: p.DuplicateOf, Label: p.Label, Version: p.LabelVersion, LabelledBy: p.LabelledBy, Queue: p.Queue, LeftOut: p.LeftOut,
		}
	}
	answer := gin.H{"samples": out}
	if more {
		answer["next"] = CursorText(next)
	}
	c.JSON(http.StatusOK, answer)
}

// CursorText writes a cursor as addresses hold it.
func CursorText(cursor sample.Cursor) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", cursor.ReceivedAt, cursor.Hash))
}

// CursorOf reads what CursorText wrote; "" is the start.
func CursorOf(text string) (cursor sample.Cursor, ok bool) {
	if text == "" {
		return cursor, true
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) > 200 {
		return cursor, false
	}
	n, err := fmt.Sscanf(string(data), "%d %s", &cursor.ReceivedAt, &cursor.Hash)
	return cursor, err == nil && n == 2
}

// picture answers with the bytes of a picture. They never change, but a deleted
// one must be gone, so a browser keeps it for a quarter of an hour only.
func (s *Samples) picture(c *gin.Context) {
	data, err := s.samples.Picture(c.Request.Context(), c.Param("hash"))
	if err != nil {
		s.fail(c, err)
		return
	}
	kind := http.DetectContentType(data)
	if len(kind) < 6 || kind[:6] != "image/" || kind == "image/svg+xml" {
		kind = "application/octet-stream"
	}
	c.Header("Cache-Control", "private, max-age=900")
	c.Data(http.StatusOK, kind, data)
}

func (s *Samples) history(c *gin.Context) {
	events, err := s.labels.History(c.Request.Context(), c.Param("hash"))
	if err != nil {
		s.fail(c, err)
		return
	}
	type step struct {
		What string       `json:"what"`
		From wire.Verdict `json:"from"`
		To   wire.Verdict `json:"to"`
		By   string       `json:"by"`
		At   time.Time    `json:"at"`
	}
	out := make([]step, len(events))
	for i, e := range events {
		out[i] = step{e.What, e.From, e.To, e.By, e.When()}
	}
	c.JSON(http.StatusOK, gin.H{"history": out})
}

func (s *Samples) remove(c *gin.Context) {
	who, _ := Who(c)
	err := s.samples.Delete(c.Request.Context(), c.Param("hash"))
	if err == nil {
		err = s.audit.Write(c.Request.Context(), who.Name, "sample.delete", c.Param("hash"), "")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *Samples) label(c *gin.Context) {
	var order struct {
		Label   wire.Verdict `json:"label"`
		Version int64        `json:"version"`
	}
	if err := c.ShouldBindJSON(&order); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	if err := s.labels.Set(c.Request.Context(), c.Param("hash"), order.Label, order.Version, who.Name); err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"label": order.Label, "version": order.Version + 1})
}

// parquetType is the media type of Parquet files.
const parquetType = "application/vnd.apache.parquet"

// export answers with a file of the pictures that the address's filter leaves.
func (s *Samples) export(kind string, write func(context.Context, sample.Filter, io.Writer) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Content-Type", kind)
		c.Header("Content-Disposition", "attachment")
		if err := write(c.Request.Context(), SampleFilter(c), c.Writer); err != nil {
			s.log.Error("export", "error", err)
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}
}

func (s *Samples) fail(c *gin.Context, err error) {
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, sample.ErrNotFound), errors.Is(err, label.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_picture", "There is no such picture.", "It may have been deleted.")
	case errors.Is(err, label.ErrChanged):
		Fail(c, http.StatusConflict, "changed", "Somebody else labelled this picture meanwhile.", "Look at it again and decide anew.")
	case errors.Is(err, label.ErrUnknown):
		Fail(c, http.StatusBadRequest, "unknown_label", "This is no label.", "Labels are good, regular, bad, not_pumpkin and cant_tell.")
	case errors.Is(err, sample.ErrFull):
		Fail(c, http.StatusInsufficientStorage, "full", "The hub's room for pictures is used up.", "Delete pictures or raise samples.quota in the config.")
	case errors.Is(err, sample.ErrArchive):
		Fail(c, http.StatusUnprocessableEntity, "bad_archive", "The archive can't be used: "+err.Error()+".", "Send a zip file of pictures.")
	case errors.Is(err, errImport):
		Fail(c, http.StatusUnprocessableEntity, "import_failed", "The import did not end well: "+err.Error()+".", "The hub's page of jobs says more, and can do it again.")
	case errors.As(err, &long):
		Fail(c, http.StatusRequestEntityTooLarge, "too_large", "The archive is too large.", "Send at most 4 GB at a time.")
	default:
		s.log.Error("samples", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}
