package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests and gives the numbers of all parts to Prometheus.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(gauges []Gauge, version string) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gourdian_hub_requests_total", Help: "Requests by address and kind of answer."}, []string{"route", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "gourdian_hub_request_seconds", Help: "Time to answer.", Buckets: []float64{.005, .02, .1, .5, 2, 10}}, []string{"route"}),
		handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gourdian_hub_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 })
	registry.MustRegister(m.requests, m.seconds, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range gauges {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.Name, Help: g.Help}, g.Value))
	}
	return m
}

// count notes a request under its route, never under what a reader typed.
func (m *metrics) count(c *gin.Context) {
	began := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(c.Writer.Status()/100)+"xx").Inc()
	m.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
}
