package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// Limits of one connection. A phone at the edge of the network is slow; one
// that sends nothing for this long is gone.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second // event streams and exports set their own for each write
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second // for answers under way when the board stops

	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 64 << 10
)

// Board is what the board does now. Its methods may be called from any
// goroutine and hand out copies; the bytes of a frame are never written again.
type Board interface {
	State() live.State
	// Wait blocks until the state is newer than revision, or returns ctx.Err().
	Wait(ctx context.Context, revision uint64) (live.State, error)
	// Frame returns the newest picture of a camera and when (wall clock) it was
	// taken; ok is false while there is none.
	Frame(camera string) (jpeg []byte, at time.Time, seq uint64, ok bool)
}

// Records are the sightings that the board keeps. What is not there is
// store.ErrNotFound.
type Records interface {
	Records(ctx context.Context, q store.Query) ([]store.Entry, error)
	Record(ctx context.Context, seq uint64) (store.Entry, error)
	Day(ctx context.Context, date string) (store.Day, error)
	Days(ctx context.Context, limit int) ([]store.Day, error)
}

// Corrector keeps the farmer's "this is wrong" of a record, and takes it back.
type Corrector interface {
	Correct(ctx context.Context, seq uint64, v wire.Verdict) error
	Uncorrect(ctx context.Context, seq uint64) error
}

// History is what the board has seen. Picture opens the JPEG with a SHA-256 in
// lower-case hex; the caller closes it. Export writes the records of a span of
// the field clock as CSV.
type History interface {
	Records
	Corrector
	Picture(hash string) (io.ReadSeekCloser, error)
	Export(ctx context.Context, w io.Writer, from, to time.Time) error
}

// Control puts changed settings into force. An error of Apply is said to the
// farmer; the old settings then stay in force.
type Control interface {
	Apply(ctx context.Context, s settings.Settings) error
}

// Options are what a Server needs.
type Options struct {
	Board   Board
	History History
	Control Control
	Doctor  Doctor
	Models  Models
	DataDir string // where the PIN is kept
	Listen  string // host:port, ":8080"
	Version string // of the program, for people
	Log     *slog.Logger
	// Location is the time zone in which days begin and times are shown.
	Location *time.Location
}

// Server is the device page.
type Server struct {
	opts     Options
	log      *slog.Logger
	pages    *pages
	pin      *pinKeeper
	sessions *sessions
	streams  *streams
	metrics  http.Handler
	handler  http.Handler

	ready     chan struct{}
	readyOnce sync.Once

	mu   sync.Mutex
	addr string // guarded by mu
}

// New makes the page: it reads templates and the PIN's file and opens no port.
func New(opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Location == nil {
		opts.Location = time.Local
	}
	pages, err := newPages(opts)
	if err != nil {
		return nil, fmt.Errorf("read page templates: %w", err)
	}
	pin, err := openPIN(opts.DataDir, opts.Log)
	if err != nil {
		return nil, fmt.Errorf("read PIN: %w", err)
	}
	s := &Server{
		opts: opts, log: opts.Log, pages: pages, pin: pin,
		sessions: newSessions(), streams: newStreams(maxStreams),
		ready: make(chan struct{}),
	}
	s.metrics = newMetrics(opts.Board, s.streams, opts.Version)
	s.handler = s.routes()
	return s, nil
}

// routes builds the tree of addresses with what guards all of them.
func (s *Server) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	// Nothing stands before the page: a header never tells the reader's address.
	// Taking no proxies can't fail.
	_ = r.SetTrustedProxies(nil)
	r.Use(s.recovered, securityHeaders, s.checkHost, s.checkOrigin(), limitBody)
	s.registerAPI(r)
	s.registerPIN(r)
	s.registerPages(r)
	s.registerChecks(r)
	s.registerUpdate(r)
	r.NoRoute(s.noRoute)
	r.NoMethod(s.noMethod)
	return r
}

// Handler returns everything that the page serves, with its guards.
func (s *Server) Handler() http.Handler { return s.handler }

// Ready returns a channel that is closed once the port is open.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr returns the address on which the page is served, with the port that was
// taken; "" before Ready.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Run opens the port and serves until ctx is done; answers under way are
// finished, event streams ended. Its error tells a person what to do about a
// port that is in use.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.opts.Listen)
	if err != nil {
		return listenError(s.opts.Listen, err)
	}
	s.mu.Lock()
	s.addr = listener.Addr().String()
	s.mu.Unlock()
	s.log.Info("device page is served", "address", listener.Addr().String())

	server := s.httpServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.readyOnce.Do(func() { close(s.ready) })
	return s.attend(ctx, server, served)
}

// attend waits until ctx is done or server has failed.
func (s *Server) attend(ctx context.Context, server *http.Server, served <-chan error) error {
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	for {
		select {
		case err := <-served:
			return fmt.Errorf("serve device page: %w", err)
		case <-ask.C:
			s.beat(ctx)
		case <-ctx.Done():
			return s.stop(server, served)
		}
	}
}

// stop ends the event streams, gives other answers a moment and closes.
func (s *Server) stop(server *http.Server, served <-chan error) error {
	s.streams.endAll()
	grace, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("readers of the device page were cut off", "after", stopTimeout)
		err = server.Close()
	}
	<-served
	if err != nil {
		return fmt.Errorf("stop device page: %w", err)
	}
	return nil
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           answerHEAD(s.handler),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// listenError says in words why a port can't be opened and what to do.
func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("serve device page on %s: another program uses this port; stop it or choose another port in the config (listen): %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("serve device page on %s: this user may not open the port; choose one above 1023 in the config (listen): %w", address, err)
	default:
		return fmt.Errorf("serve device page on %s: check the address in the config (listen): %w", address, err)
	}
}
