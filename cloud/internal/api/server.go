package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/people"
)

// Limits of one connection.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 60 * time.Second
	writeTimeout   = 60 * time.Second
	idleTimeout    = 2 * time.Minute
	stopTimeout    = 5 * time.Second // for answers under way when the hub stops
	maxHeaderBytes = 16 << 10
)

// Gauge is a number of a part for /metrics. Value is quick and safe for
// concurrent use.
type Gauge struct {
	Name  string // "gourdian_hub_boards_online"
	Help  string
	Value func() float64
}

// Options are what a Server needs.
type Options struct {
	Listen      string // host:port of the encrypted listener
	ListenPlain string // host:port without encryption, "" = none
	TLS         *tls.Config
	People      *people.People
	Sessions    *people.Sessions
	Health      *health.Watch
	Gauges      []Gauge
	Routes      []Route
	Version     string
	Log         *slog.Logger
	// ShowError answers a person with a page that says what is wrong.
	ShowError func(c *gin.Context, status int, code string)
}

// Server is the hub's web server.
type Server struct {
	opts    Options
	sayings map[string]said
	routes  []Route
	engine  *gin.Engine
	metrics *metrics
	ready   chan struct{}
	opened  sync.Once
	// stopping is closed when the server stops: streams end then, and other
	// answers are finished.
	stopping chan struct{}

	mu   sync.Mutex // guards what follows
	addr map[bool]string
}

// New makes the server and opens no port.
func New(opts Options) (*Server, error) {
	s := &Server{opts: opts, sayings: sayings(), metrics: newMetrics(opts.Gauges, opts.Version), ready: make(chan struct{}), stopping: make(chan struct{}), addr: map[bool]string{}}
	s.routes = append(s.own(), opts.Routes...)
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false
	s.engine.ContextWithFallback = true
	// A header never tells the reader's address: anyone may send it.
	_ = s.engine.SetTrustedProxies(nil) // taking no proxies can't fail
	s.engine.Use(s.metrics.count, s.recovered, securityHeaders, s.checkOrigin())
	seen := map[string]bool{}
	for _, r := range s.routes {
		if err := r.check(); err != nil {
			return nil, err
		}
		if name := r.Method + " " + r.Path; seen[name] {
			return nil, fmt.Errorf("route %s stands twice", name)
		}
		seen[r.Method+" "+r.Path] = true
		s.engine.Handle(r.Method, r.Path, s.guard(r), r.Handler)
	}
	s.engine.NoRoute(func(c *gin.Context) { s.Refuse(c, http.StatusNotFound, "not_found") })
	s.engine.NoMethod(func(c *gin.Context) { s.Refuse(c, http.StatusMethodNotAllowed, "method_not_allowed") })
	return s, nil
}

// Routes returns every address that the server answers.
func (s *Server) Routes() []Route { return s.routes }

// Handler returns everything with its guards, as the encrypted listener (or the
// plain one) serves it.
func (s *Server) Handler(encrypted bool) http.Handler {
	return answerHEAD(s.opts.Sessions.Wrap(s.engine, encrypted))
}

// answerHEAD answers HEAD like GET, without the body, which net/http leaves
// out: monitors ask so.
func answerHEAD(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// Ready returns a channel that is closed once the ports are open.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr returns the address of the encrypted listener (or the plain one) with
// the port that was taken; "" before Ready or when there is none.
func (s *Server) Addr(encrypted bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr[encrypted]
}

// Run opens the ports and serves until ctx is done; answers under way are
// finished within some seconds. It is called once.
func (s *Server) Run(ctx context.Context) error {
	listeners := map[bool]net.Listener{}
	for encrypted, address := range map[bool]string{true: s.opts.Listen, false: s.opts.ListenPlain} {
		if address == "" {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			for _, other := range listeners {
				_ = other.Close() // unused
			}
			return listenError(address, err)
		}
		listeners[encrypted] = l
	}
	served := make(chan error, len(listeners))
	var servers []*http.Server
	for encrypted, l := range listeners {
		server := s.httpServer(encrypted)
		servers = append(servers, server)
		s.mu.Lock()
		s.addr[encrypted] = l.Addr().String()
		s.mu.Unlock()
		s.opts.Log.Info("hub is served", "address", l.Addr().String(), "encrypted", encrypted)
		go func() {
			if encrypted {
				served <- server.ServeTLS(l, "", "")
				return
			}
			served <- server.Serve(l)
		}()
	}
	s.opened.Do(func() { close(s.ready) })
	var failed error
	left := len(servers)
	select {
	case err := <-served:
		failed = fmt.Errorf("serve hub: %w", err)
		left--
	case <-ctx.Done():
	}
	close(s.stopping)
	for _, server := range servers {
		failed = errors.Join(failed, s.stop(server))
	}
	for range left {
		<-served
	}
	return failed
}

func (s *Server) stop(server *http.Server) error {
	grace, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.opts.Log.Warn("readers were cut off", "after", stopTimeout)
		err = server.Close()
	}
	if err != nil {
		return fmt.Errorf("stop hub's server: %w", err)
	}
	return nil
}

func (s *Server) httpServer(encrypted bool) *http.Server {
	server := &http.Server{
		Handler:           s.Handler(encrypted),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
	if encrypted {
		server.TLSConfig = s.opts.TLS
	}
	return server
}

// listenError says in words why a port can't be opened and what to do.
func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("serve hub on %s: another program uses this port; stop it or choose another one in the config (listen): %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("serve hub on %s: this user may not open the port; choose one above 1023 in the config (listen): %w", address, err)
	default:
		return fmt.Errorf("serve hub on %s: check the address in the config (listen): %w", address, err)
	}
}
