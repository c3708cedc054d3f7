package page

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gourdian/agent/internal/live"
)

// newMetrics returns the handler of /metrics. Nothing is counted twice: the
// numbers are read from the board's state when they are asked for.
func newMetrics(board Board, streams *streams, version string) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		newBoardCollector(board, streams, version),
		// Their newer twins live in a package that brings database/sql along.
		prometheus.NewGoCollector(),
		prometheus.NewProcessCollector(prometheus.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// boardCollector gives the board's state to Prometheus.
type boardCollector struct {
	board   Board
	streams *streams
	version string

	build, scored, skipped, dropped, age, stale   *prometheus.Desc
	sightings, notKept, pictures, bytes, quota    *prometheus.Desc
	degraded, model, restarts, inference, current *prometheus.Desc
	conditions, events, celsius, rate             *prometheus.Desc
	joined, connected, unsent, quarantined        *prometheus.Desc
	acked, linkBytes, certificate                 *prometheus.Desc
}

func newBoardCollector(board Board, streams *streams, version string) *boardCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("gourdian_"+name, help, labels, nil)
	}
	return &boardCollector{
		board: board, streams: streams, version: version,
		build:       desc("build_info", "1; the version is in the label.", "version"),
		scored:      desc("frames_scored_total", "Frames that the model looked at since start.", "camera"),
		skipped:     desc("frames_skipped_total", "Frames that the gate left out since start, by reason.", "camera", "reason"),
		dropped:     desc("frames_dropped_total", "Frames dropped since start because the board was busy.", "camera"),
		age:         desc("frame_age_seconds", "Age of the newest picture; absent before the first.", "camera"),
		stale:       desc("frame_stale", "1 when the newest picture is too old to be shown as live or there is none.", "camera"),
		sightings:   desc("sightings_recorded_total", "Records stored since the store was made."),
		notKept:     desc("sightings_not_kept_total", "Verdicts shown and not stored because disk or quota was full."),
		pictures:    desc("store_pictures", "Pictures kept."),
		bytes:       desc("store_picture_bytes", "Bytes of pictures kept."),
		quota:       desc("store_picture_quota_bytes", "Bytes of pictures that may be kept."),
		degraded:    desc("store_degraded", "1 while the store accepts nothing."),
		model:       desc("model_info", "1 while a model runs; absent without one.", "bundle", "variant", "provider", "trained_on"),
		restarts:    desc("worker_restarts_total", "Starts of a worker after its first.", "worker"),
		inference:   desc("inference_seconds", "Median time of one inference over the last frames."),
		current:     desc("occupied_zones", "Zones in which something stands now.", "camera"),
		conditions:  desc("conditions", "Things that are not as they should be, by severity.", "severity"),
		celsius:     desc("temperature_celsius", "Temperature of the processor; absent without a sensor that answers."),
		rate:        desc("heat_rate_ratio", "Share of the frames per second that the board's heat leaves, 1 while it is cool."),
		events:      desc("event_streams", "Open pages that are told of changes."),
		joined:      desc("hub_joined", "1 when the board has joined a hub."),
		connected:   desc("hub_connected", "1 while the board is connected to its hub; absent without one."),
		unsent:      desc("hub_records_unsent", "Records that the hub has not acknowledged; absent without one."),
		quarantined: desc("hub_records_quarantined_total", "Records that the hub put away since the store was made; absent without one."),
		acked:       desc("hub_last_ack_seconds", "Time since the hub's last acknowledgement; absent before the first."),
		linkBytes:   desc("hub_bytes_total", "Bytes to and from the hub since start, TLS included; absent without one.", "direction"),
		certificate: desc("hub_certificate_seconds", "Time left of the board's certificate; absent without a hub."),
	}
}

// Describe implements prometheus.Collector.
func (b *boardCollector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(b, out) }

// Collect implements prometheus.Collector.
func (b *boardCollector) Collect(out chan<- prometheus.Metric) {
	state := b.board.State()
	m := metricWriter{out}
	m.gauge(b.build, 1, b.version)
	for i := range state.Cameras {
		b.collectCamera(m, &state.Cameras[i])
	}
	m.counter(b.sightings, float64(state.Store.LastSeq))
	m.counter(b.notKept, float64(state.Store.NotKept))
	m.gauge(b.pictures, float64(state.Store.Pictures))
	m.gauge(b.bytes, float64(state.Store.PictureBytes))
	m.gauge(b.quota, float64(state.Store.PictureQuota))
	m.gauge(b.degraded, truth(state.Store.Degraded))
	if model := state.Model; model != nil {
		m.gauge(b.model, 1, model.ID, model.Variant, model.Provider, model.TrainedOn)
		m.counter(b.restarts, float64(model.Restarts), "infer")
		m.gauge(b.inference, model.InferMillis/1000)
	}
	b.collectLink(m, state.Link)
	bySeverity := map[live.Severity]int{}
	for _, condition := range state.Conditions {
		bySeverity[condition.Severity]++
	}
	for _, severity := range []live.Severity{live.Info, live.Warning, live.Serious} {
		m.gauge(b.conditions, float64(bySeverity[severity]), severityName(severity))
	}
	if state.Heat.Known {
		m.gauge(b.celsius, state.Heat.Celsius)
	}
	m.gauge(b.rate, state.Heat.Rate)
	m.gauge(b.events, float64(b.streams.count()))
}

func (b *boardCollector) collectLink(m metricWriter, link *live.Link) {
	m.gauge(b.joined, truth(link != nil && link.Joined))
	if link == nil || !link.Joined {
		return
	}
	m.gauge(b.connected, truth(link.Connected))
	m.gauge(b.unsent, float64(link.Unsent))
	m.counter(b.quarantined, float64(link.Quarantined))
	if !link.LastAck.IsZero() {
		m.gauge(b.acked, time.Since(link.LastAck).Seconds())
	}
	m.counter(b.linkBytes, float64(link.BytesUp), "up")
	m.counter(b.linkBytes, float64(link.BytesDown), "down")
	m.gauge(b.certificate, time.Until(link.CertUntil).Seconds())
}

func (b *boardCollector) collectCamera(m metricWriter, camera *live.Camera) {
	m.counter(b.scored, float64(camera.Scored), camera.ID)
	m.counter(b.dropped, float64(camera.Dropped), camera.ID)
	for reason, n := range camera.Skips {
		m.counter(b.skipped, float64(n), camera.ID, reason)
	}
	if camera.FrameSeq > 0 {
		m.gauge(b.age, time.Since(camera.FrameAt).Seconds(), camera.ID)
	}
	m.gauge(b.stale, truth(camera.FrameSeq == 0 || time.Since(camera.FrameAt) > live.StaleAfter), camera.ID)
	occupied := 0
	for i := range camera.Zones {
		if camera.Zones[i].Occupied {
			occupied++
		}
	}
	m.gauge(b.current, float64(occupied), camera.ID)
}

// metricWriter hands single numbers to Prometheus.
type metricWriter struct{ out chan<- prometheus.Metric }

func (m metricWriter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	m.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (m metricWriter) counter(d *prometheus.Desc, v float64, labels ...string) {
	m.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// severityName is a severity as programs read it.
func severityName(s live.Severity) string {
	switch s {
	case live.Serious:
		return "serious"
	case live.Warning:
		return "warning"
	default:
		return "info"
	}
}
