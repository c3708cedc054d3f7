package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gourdian/cloud/internal/alert"
	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/ingest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/logbook"
	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/setting"
	"gourdian/internal/service"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// Build says what program this is.
type Build struct {
	Version string
	Time    time.Time // of the commit; zero = not known
}

// Hub is a hub that was made and is not yet run.
type Hub struct {
	config Config
	build  Build
	log    *slog.Logger
	out    io.Writer

	unlock    func()
	book      *logbook.Book
	db        *db.DB
	settings  *setting.Store
	people    *people.People
	sessions  *people.Sessions
	audit     *people.Audit
	jobs      *job.Jobs
	authority *authority.Authority
	server    *authority.Server
	health    *health.Watch
	console   *console.Console
	monitor   *monitor.Monitor
	api       *api.Server
	group     *service.Group

	checks map[string]health.Check
	gauges []api.Gauge
	routes []api.Route
	boards boards

	pictures pictures
	models   models
}

// boards are the parts that deal with boards.
type boards struct {
	fleet  *fleet.Fleet
	ingest *ingest.Ingest
	broker *broker.Embedded
}

// Run is the hub: it blocks until ctx is done or a part fails without which
// there is no hub. What a person needs to see at the start goes to out.
func Run(ctx context.Context, config Config, build Build, log *slog.Logger, out io.Writer) error {
	h, err := New(ctx, config, build, log, out)
	if err != nil {
		return err
	}
	return errors.Join(h.Run(ctx), h.Close())
}

// New opens everything and wires it. Only the port for boards is open then.
func New(ctx context.Context, config Config, build Build, log *slog.Logger, out io.Writer) (_ *Hub, err error) {
	h := &Hub{config: config, build: build, out: out, book: logbook.New(), checks: map[string]health.Check{}}
	h.log = slog.New(h.book.Handler(log.Handler()))
	h.group = service.New(h.log)
	if h.unlock, err = lockFolder(config.Data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	for _, open := range []func(context.Context) error{h.openStores, h.openJobs, h.openMonitor, h.openPictures, h.openTrust, h.openBoards, h.openConsole, h.openAPI} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *Hub) openStores(ctx context.Context) (err error) {
	if err := checkFolder(h.config, h.build, time.Now()); err != nil {
		return err
	}
	h.db, err = db.Open(ctx, db.Options{DSN: h.config.DSN(), BackupDir: filepath.Join(h.config.Data, backupsName), Log: h.log})
	if err != nil {
		return err
	}
	if h.settings, err = setting.Open(ctx, h.db, h.config.settings(), h.config.fixed); err != nil {
		return err
	}
	if keys := h.settings.Ignored(); len(keys) > 0 {
		h.log.Warn("settings of another version of the hub are not used; the defaults hold", "settings", keys)
	}
	if h.people, err = people.New(ctx, h.db); err != nil {
		return err
	}
	h.sessions, h.audit = people.NewSessions(h.db, h.people), people.NewAudit(h.db)
	if h.authority, err = authority.Open(filepath.Join(h.config.Data, authorityName), time.Now); err != nil {
		return err
	}
	if h.server, err = h.authority.Server(h.certificateNames()); err != nil {
		return err
	}
	h.checks["database"], h.checks["disk"] = checkDatabase(h.db), checkDisk(h.config.Data)
	h.checks["clock"] = checkClock(time.Now, h.authority.From())
	h.group.Add(service.Part{Name: "sessions", Run: h.sessions.Run})
	return nil
}

// openBoards wires what deals with boards: the broker asks the fleet who may
// connect and gives what boards say to ingest, which answers by the broker.
func (h *Hub) openBoards(ctx context.Context) (err error) {
	b := &h.boards
	b.fleet, err = fleet.Open(ctx, fleet.Config{
		Hub: h.Address, Broker: h.brokerAddress, Version: h.build.Version, Root: h.models.repo.RootText, Now: time.Now,
	}, h.db, h.authority)
	if err != nil {
		return err
	}
	h.openRollouts(b.fleet)
	b.ingest = ingest.New(ingest.Config{Store: h.db, Fleet: b.fleet, Samples: h.pictures.samples, Sketches: h.monitor, Models: toBoards{h.models.deliver, h.models.rollouts}, Log: h.log})
	b.broker, err = broker.New(broker.Config{
		Listen: h.config.ListenMQTT, Certificate: h.server.Certificate, Boards: h.authority.Pool(), Now: time.Now,
		Guard: b.fleet, Receiver: b.ingest, Log: h.log,
	})
	if err != nil {
		return err
	}
	b.fleet.Attach(b.broker)
	b.ingest.Attach(b.broker)
	h.pictures.samples.Attach(b.broker)
	h.models.deliver.Attach(b.broker)
	h.routes = append(h.routes, api.NewJoin(b.fleet, h.log).Routes()...)
	h.routes = append(h.routes, api.NewBoards(b.fleet, h.db, h.log).Routes()...)
	h.routes = append(h.routes, api.NewRollouts(h.models.rollouts, h.models.repo, h.audit, h.log).Routes()...)
	h.checks["ingest"], h.checks["fleet"] = checkIngest(b.ingest), checkFleet(b.fleet)
	h.gauges = append(h.gauges, linkGauges(b.ingest.Stats)...)
	h.gauges = append(h.gauges, brokerGauges(b.broker.Stats)...)
	h.group.Add(service.Part{Name: "ingest", Policy: service.Fatal, Beats: true, Run: b.ingest.Run})
	h.group.Add(service.Part{Name: "broker", Policy: service.Fatal, Run: b.broker.Run, Ready: b.broker.Ready()})
	return nil
}

func (h *Hub) openConsole(context.Context) (err error) {
	h.health = health.New(h.checks)
	h.console, err = console.New(console.Options{
		People: h.people, Sessions: h.sessions, Audit: h.audit, Health: h.health, Book: h.book,
		Version: h.build.Version, Name: func() string { return h.settings.Now().Name }, Address: h.config.Address,
		Config: h.printConfig, Place: h.place, Location: h.location, Log: h.log,
	})
	if err != nil {
		return err
	}
	h.checks["page assets"] = checkAssets(h.console.Missing)
	h.checks["predict"] = checkPredict(h.pictures.predict.State, h.config.Predict.Queue)
	h.checks["workers"] = checkWorkers(h.build.Version, h.pictures.decoders.Worker, h.pictures.predict.Worker)
	if err := h.addPictures(); err != nil {
		return err
	}
	h.addJobs()
	h.addDrift()
	h.console.Add((&console.Fleet{Console: h.console, Fleet: h.boards.fleet, Records: h.db, Erasing: h.pictures.samples.Erasing, Models: h.models.rollouts, Bytes: h.models.deliver}).Section())
	h.openWork()
	h.group.Add(service.Part{Name: "health", Beats: true, Run: h.health.Run})
	return h.addAlerts()
}

// printConfig is the config in force, with what the page says.
func (h *Hub) printConfig() (string, error) {
	var text bytes.Buffer
	config := h.config.with(h.settings.Now())
	err := config.Print(&text)
	return text.String(), err
}

// location is the time zone of the pages.
func (h *Hub) location() *time.Location {
	v := h.settings.Now()
	return v.Location()
}

// place says where the hub keeps what it has.
func (h *Hub) place(context.Context) console.Place {
	p := console.Place{Database: string(db.KindOf(h.config.DSN())), Folder: h.config.Data}
	if free, total, err := diskOf(h.config.Data); err == nil {
		p.Used, p.Size = total-free, total
	}
	return p
}

func (h *Hub) addAlerts() error {
	texts, err := web.Load()
	if err != nil {
		return fmt.Errorf("open alerts: %w", err)
	}
	sender := alert.New(alert.Config{
		Webhook: func() string { return h.settings.Now().Alerts.Webhook }, Hub: func() string { return h.settings.Now().Name },
		Words: texts.In(web.English), Client: &http.Client{}, Log: h.log,
	}, h.health.Conditions)
	h.group.Add(service.Part{Name: "alerts", Run: sender.Run})
	h.console.Add((&console.Settings{Console: h.console, Settings: h.settings, Test: sender.Test}).Section())
	return nil
}

func (h *Hub) openAPI(context.Context) (err error) {
	certificate := h.server.Certificate
	if h.config.TLS.Certificate != "" {
		own, err := tls.LoadX509KeyPair(h.config.TLS.Certificate, h.config.TLS.Key)
		if err != nil {
			return fmt.Errorf("read the certificate of the config (tls): %w", err)
		}
		// A board trusts the hub's own CA alone, and says that it is one.
		certificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if slices.Contains(hello.SupportedProtos, wire.BoardProtocol) {
				return h.server.Certificate(hello)
			}
			return &own, nil
		}
	}
	h.api, err = api.New(api.Options{
		Listen: h.config.Listen, ListenPlain: h.config.ListenPlain,
		// A board may show its certificate, also one that has ended: who it is is
		// asked where it matters.
		TLS:    &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate, ClientAuth: tls.RequestClientCert},
		People: h.people, Sessions: h.sessions, Health: h.health, Gauges: h.gauges, Routes: append(h.routes, h.console.Routes()...),
		Version: h.build.Version, Log: h.log, ShowError: h.console.ShowError,
	})
	if err != nil {
		return err
	}
	h.group.Add(service.Part{Name: "web server", Policy: service.Fatal, Run: h.api.Run, Ready: h.api.Ready()})
	h.group.Add(service.Part{Name: "welcome", Policy: service.Once, Run: h.welcome})
	return h.addWatch()
}

// welcome says where the hub is once it can be reached, and, while nobody has
// set it up, by which link.
func (h *Hub) welcome(ctx context.Context) error {
	select {
	case <-h.api.Ready():
	case <-ctx.Done():
		return nil
	}
	fmt.Fprintf(h.out, "gourdian hub: %s\n", h.Address())
	empty, err := h.people.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	secret, err := h.people.FirstLink(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(h.out, "\nNobody has set up this hub yet. Open this link once, within a week:\n  %s\n", h.Address()+people.LinkPath+secret)
	if plain := h.api.Addr(false); plain != "" {
		fmt.Fprintf(h.out, "or, in a browser on this machine:\n  http://%s\n", plain+people.LinkPath+secret)
	}
	fmt.Fprintln(h.out)
	return nil
}

// Run runs the hub until ctx is done or a part fails that it can't do without.
func (h *Hub) Run(ctx context.Context) error { return h.group.Run(ctx) }

// WaitReady returns nil once people and boards can reach the hub.
func (h *Hub) WaitReady(ctx context.Context) error { return h.group.WaitReady(ctx) }

// Close lets go of what New opened. It is called when Run has returned.
func (h *Hub) Close() error {
	var err error
	if h.db != nil {
		err = h.db.Close()
	}
	h.unlock()
	return err
}

// Address is where people and boards reach the hub: with the real port once it
// is open, whatever the config says of it.
func (h *Hub) Address() string {
	if h.config.Address == "" && h.api != nil {
		if _, port, err := net.SplitHostPort(h.api.Addr(true)); err == nil {
			return "https://" + net.JoinHostPort(h.config.host(), port)
		}
	}
	return h.config.address()
}

// brokerAddress is where boards connect, with the real port: it is open before
// anybody can ask.
func (h *Hub) brokerAddress() string {
	host, _, err := net.SplitHostPort(h.config.brokerAddress())
	_, port, portErr := net.SplitHostPort(h.boards.broker.Addr().String())
	if err != nil || portErr != nil {
		return h.config.brokerAddress()
	}
	return net.JoinHostPort(host, port)
}

// Plain is the address on this machine without encryption, "" = none.
func (h *Hub) Plain() string {
	if addr := h.api.Addr(false); addr != "" {
		return "http://" + addr
	}
	return ""
}

// host is the name under which others find the hub where the config says none.
func (c *Config) host() string {
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && host != "" && host != "0.0.0.0" && host != "::" {
		return host
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
