package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

const (
	defaultRecords = 50
	maxRecords     = 500
	defaultDays    = 30
	maxDays        = 366
	cantTell       = wire.Verdict("cant_tell") // a label only people give
)

// recordsAnswer is one page of records, newest first.
type recordsAnswer struct {
	Records []store.Entry `json:"records"`
	Next    *uint64       `json:"next"` // before= of the next page; null on the last
}

type daysAnswer struct {
	Days []store.Day `json:"days"`
}

func (s *Server) serveRecords(c *gin.Context) {
	query, err := parseQuery(c.Request.URL.Query())
	if err != nil {
		badRequest(c, err.Error(), "docs/api.md lists the parameters.")
		return
	}
	entries, err := s.opts.History.Records(c.Request.Context(), query)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	answer := recordsAnswer{Records: entries}
	if entries == nil {
		answer.Records = []store.Entry{}
	}
	if n := len(entries); n == query.Limit && entries[n-1].Seq > 1 {
		answer.Next = &entries[n-1].Seq
	}
	writeJSON(c, http.StatusOK, answer)
}

// parseQuery reads the parameters of /api/v1/records. An unknown one is an
// error: a filter with a typing mistake must not look like a filter.
func parseQuery(values url.Values) (store.Query, error) {
	q := store.Query{Limit: defaultRecords}
	for name, given := range values {
		var err error
		value := given[len(given)-1]
		switch name {
		case "before":
			q.Before, err = strconv.ParseUint(value, 10, 64)
		case "limit":
			q.Limit, err = parseLimit(value, maxRecords)
		case "camera":
			q.Camera = value
		case "verdict":
			q.Verdicts, err = parseVerdicts(given)
		case "from":
			q.From, err = time.Parse(time.RFC3339, value)
		case "to":
			q.To, err = time.Parse(time.RFC3339, value)
		default:
			err = errors.New("no such parameter")
		}
		if err != nil {
			return store.Query{}, fmt.Errorf("%.60s=%.60q: %w", name, value, plain(err))
		}
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return store.Query{}, errors.New("from is not before to")
	}
	return q, nil
}

// plain takes the function names out of the errors of strconv and time.
func plain(err error) error {
	var number *strconv.NumError
	var moment *time.ParseError
	switch {
	case errors.As(err, &number):
		return errors.New("not a number from 0")
	case errors.As(err, &moment):
		return errors.New("not a time like 2026-10-05T09:00:00Z")
	}
	return err
}

func parseLimit(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && (n < 1 || n > most) {
		err = fmt.Errorf("not between 1 and %d", most)
	}
	return n, err
}

// parseVerdicts reads verdict=bad&verdict=unsure and verdict=bad,unsure alike.
func parseVerdicts(given []string) ([]wire.Verdict, error) {
	var verdicts []wire.Verdict
	for _, value := range given {
		for name := range strings.SplitSeq(value, ",") {
			if name == "" {
				return nil, errors.New("an empty verdict")
			}
			verdicts = append(verdicts, wire.Verdict(name))
		}
	}
	if len(verdicts) > 100 {
		return nil, errors.New("too many verdicts")
	}
	return verdicts, nil
}

// recordNumber reads the record's number from the address and answers where
// there is none.
func recordNumber(c *gin.Context) (seq uint64, ok bool) {
	seq, err := strconv.ParseUint(c.Param("seq"), 10, 64)
	if err != nil || seq == 0 {
		badRequest(c, "A record is named by its number from 1.", "GET /api/v1/records gives it as seq.")
		return 0, false
	}
	return seq, true
}

func (s *Server) serveRecord(c *gin.Context) {
	if seq, ok := recordNumber(c); ok {
		s.answerRecord(c, seq)
	}
}

func (s *Server) answerRecord(c *gin.Context, seq uint64) {
	entry, err := s.opts.History.Record(c.Request.Context(), seq)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	writeJSON(c, http.StatusOK, entry)
}

// putCorrection takes {"verdict":"bad"}.
func (s *Server) putCorrection(c *gin.Context) {
	seq, ok := recordNumber(c)
	if !ok {
		return
	}
	var body struct {
		Verdict wire.Verdict `json:"verdict"`
	}
	if err := decodeBody(c.Request.Body, &body); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			apiError(c, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("A request may have %d bytes.", tooLarge.Limit), "")
			return
		}
		badRequest(c, "The body is not what is expected: "+err.Error()+".", `Send {"verdict":"bad"}.`)
		return
	}
	ctx := c.Request.Context()
	entry, err := s.opts.History.Record(ctx, seq)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	if allowed := s.correctVerdicts(entry); !slices.Contains(allowed, body.Verdict) {
		apiError(c, http.StatusUnprocessableEntity, "unknown_verdict", fmt.Sprintf("%.60q is no verdict for this record.", body.Verdict),
			fmt.Sprintf("One of %q.", allowed))
		return
	}
	if err := s.opts.History.Correct(ctx, seq, body.Verdict); err != nil {
		s.storeFault(c, err)
		return
	}
	s.pages.lately.forget()
	s.answerRecord(c, seq)
}

func (s *Server) deleteCorrection(c *gin.Context) {
	seq, ok := recordNumber(c)
	if !ok {
		return
	}
	if err := s.opts.History.Uncorrect(c.Request.Context(), seq); err != nil {
		s.storeFault(c, err)
		return
	}
	s.pages.lately.forget()
	s.answerRecord(c, seq)
}

// correctVerdicts returns what a person may say a record shows: a class of the
// model that runs, in its order, one of the model that made the record, or
// "cant_tell".
func (s *Server) correctVerdicts(entry store.Entry) []wire.Verdict {
	var verdicts []wire.Verdict
	if model := s.opts.Board.State().Model; model != nil {
		for _, class := range model.Classes {
			verdicts = append(verdicts, wire.Verdict(class.Name))
		}
	}
	var older []wire.Verdict
	for class := range entry.Probabilities {
		if v := wire.Verdict(class); !slices.Contains(verdicts, v) {
			older = append(older, v)
		}
	}
	slices.Sort(older)
	return append(append(verdicts, older...), cantTell)
}

// decodeBody reads one JSON object with known fields and nothing behind it.
func decodeBody(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one object")
		}
		return err
	}
	return nil
}

func (s *Server) serveDays(c *gin.Context) {
	limit := defaultDays
	if value := c.Query("limit"); value != "" {
		var err error
		if limit, err = parseLimit(value, maxDays); err != nil {
			badRequest(c, fmt.Sprintf("limit=%.60q: %v", value, plain(err)), "docs/api.md lists the parameters.")
			return
		}
	}
	days, err := s.opts.History.Days(c.Request.Context(), limit)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	if days == nil {
		days = []store.Day{}
	}
	writeJSON(c, http.StatusOK, daysAnswer{days})
}

func (s *Server) serveDay(c *gin.Context) {
	date := c.Param("date")
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		badRequest(c, "A day is written as 2026-10-05.", "GET /api/v1/days lists the days with sightings.")
		return
	}
	day, err := s.opts.History.Day(c.Request.Context(), date)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	writeJSON(c, http.StatusOK, day)
}

// seconds writes an age to a tenth of a second, never below 0: a clock may
// step back between taking a picture and asking for it.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(math.Max(0, d.Seconds()), 'f', 1, 64)
}
