package api

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/ingest"
	"gourdian/cloud/internal/people"
)

// defaultDays is how long a join token holds where a program says nothing.
const defaultDays = 7

// Fleet knows the boards; *fleet.Fleet is one.
type Fleet interface {
	List(ctx context.Context, filter fleet.Filter) (boards []fleet.Board, next string, err error)
	Board(ctx context.Context, device string) (fleet.Board, error)
	NewToken(ctx context.Context, who string, r fleet.TokenRequest) (fleet.Token, string, error)
}

// Boards gives the boards to programs, and makes tokens with which others join.
type Boards struct {
	fleet   Fleet
	records ingest.Reader
	log     *slog.Logger
}

// NewBoards returns the addresses of boards.
func NewBoards(f Fleet, records ingest.Reader, log *slog.Logger) *Boards {
	return &Boards{fleet: f, records: records, log: log}
}

// Routes are the addresses.
func (b *Boards) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/boards", Least: people.Viewer, Handler: b.list},
		{Method: http.MethodGet, Path: "/api/v1/boards/:device", Least: people.Viewer, Handler: b.one},
		{Method: http.MethodGet, Path: "/api/v1/export/records.csv", Least: people.Viewer, Slow: true, Handler: b.exportCSV},
		{Method: http.MethodGet, Path: "/api/v1/export/records.parquet", Least: people.Viewer, Slow: true, Handler: b.exportParquet},
		{Method: http.MethodPost, Path: "/api/v1/join-tokens", Least: people.Admin, Handler: b.makeToken},
	}
}

type boardAnswer struct {
	Device string         `json:"device"`
	Name   string         `json:"name"`
	Site   string         `json:"site"`
	Group  string         `json:"group,omitempty"`
	State  fleet.Standing `json:"state"`
	Online bool           `json:"online"`
	Unsent int64          `json:"unsent"`
	Agent  string         `json:"agent_version,omitempty"`
	Model  string         `json:"model,omitempty"`
	SeenAt *time.Time     `json:"seen_at"`
}

func boardAnswerOf(b fleet.Board) boardAnswer {
	a := boardAnswer{
		Device: b.Device, Name: b.Name, Site: b.Site, Group: b.Group, State: b.State,
		Online: b.Online, Unsent: b.Unsent, Agent: b.Agent, Model: b.Model,
	}
	if b.Seen != 0 {
		at := b.SeenAt().UTC()
		a.SeenAt = &at
	}
	return a
}

type streamAnswer struct {
	Epoch   string `json:"epoch"`
	Through int64  `json:"through"`
	Records int64  `json:"records"`
	PutAway int64  `json:"put_away"`
	Lost    int64  `json:"lost"`
}

func (b *Boards) list(c *gin.Context) {
	most, err := strconv.Atoi(c.DefaultQuery("limit", "50"))
	after, err2 := base64.RawURLEncoding.DecodeString(c.Query("cursor"))
	if errors.Join(err, err2) != nil {
		Fail(c, http.StatusBadRequest, "bad_query", "limit or cursor can't be read.", "docs/hub-api.md shows them.")
		return
	}
	page, next, err := b.fleet.List(c.Request.Context(), fleet.Filter{
		Search: c.Query("search"), Site: c.Query("site"), Group: c.Query("group"), After: string(after), Limit: most,
	})
	if err != nil {
		b.fail(c, err)
		return
	}
	out := make([]boardAnswer, len(page))
	for i := range page {
		out[i] = boardAnswerOf(page[i])
	}
	answer := gin.H{"boards": out}
	if next != "" {
		answer["next"] = base64.RawURLEncoding.EncodeToString([]byte(next))
	}
	c.JSON(http.StatusOK, answer)
}

// one answers with a board and how far its records have come.
func (b *Boards) one(c *gin.Context) {
	found, err := b.fleet.Board(c.Request.Context(), c.Param("device"))
	if err != nil {
		b.fail(c, err)
		return
	}
	streams, err := ingest.Streams(c.Request.Context(), b.records, found.Device)
	if err != nil {
		b.fail(c, err)
		return
	}
	out := make([]streamAnswer, len(streams))
	for i, s := range streams {
		out[i] = streamAnswer(s)
	}
	c.JSON(http.StatusOK, struct {
		boardAnswer
		Streams []streamAnswer `json:"streams"`
	}{boardAnswerOf(found), out})
}

// exportCSV answers with the records of a board or a site, of some days.
func (b *Boards) exportCSV(c *gin.Context) {
	b.export(c, "text/csv; charset=utf-8", "records.csv", ingest.WriteCSV)
}

// exportParquet answers with the same as Parquet.
func (b *Boards) exportParquet(c *gin.Context) {
	b.export(c, parquetType, "records.parquet", ingest.WriteParquet)
}

func (b *Boards) export(c *gin.Context, kind, name string, write func(context.Context, ingest.Reader, ingest.Which, io.Writer) error) {
	which := ingest.Which{Device: c.Query("device"), Site: c.Query("site")}
	for name, day := range map[string]*time.Time{"from": &which.From, "until": &which.Until} {
		typed := c.Query(name)
		if typed == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			Fail(c, http.StatusBadRequest, "bad_query", "A day can't be read.", "Write from and until like 2026-11-25.")
			return
		}
		*day = at
	}
	c.Header("Content-Type", kind)
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	if err := write(c.Request.Context(), b.records, which, c.Writer); err != nil {
		b.log.Error("export", "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

func (b *Boards) makeToken(c *gin.Context) {
	order := struct {
		Site   string `json:"site"`
		Note   string `json:"note"`
		Uses   int    `json:"uses"`
		Days   int    `json:"days"`
		Rejoin bool   `json:"rejoin"`
	}{Uses: 1, Days: defaultDays}
	if err := c.ShouldBindJSON(&order); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	token, text, err := b.fleet.NewToken(c.Request.Context(), who.Name, fleet.TokenRequest{
		Site: order.Site, Note: order.Note, Uses: order.Uses, Rejoin: order.Rejoin, Valid: time.Duration(order.Days) * 24 * time.Hour,
	})
	if err != nil {
		b.fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, gin.H{"id": token.ID, "token": text, "site": token.Site, "expires_at": token.ExpiresAt().UTC()})
}

func (b *Boards) fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_board", "There is no such board.", "GET /api/v1/boards lists them.")
	case errors.Is(err, fleet.ErrName):
		Fail(c, http.StatusUnprocessableEntity, "bad_site", "The site's name can't be used.", "A name has 1 to 80 printable characters.")
	case errors.Is(err, fleet.ErrToken):
		Fail(c, http.StatusUnprocessableEntity, "bad_token", "Such a token can't be made.", "It has 1 to 10,000 uses and holds for at most a year.")
	default:
		b.log.Error("boards", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}
