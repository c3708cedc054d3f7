package cloud

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/service"
)

// Predict says who has verdicts on photos, and how much of the machine they take.
type Predict struct {
	Access    string `koanf:"access"`     // "open" to anyone, "login" or "off"
	PerMinute int    `koanf:"per_minute"` // verdicts a minute for one address of somebody who has not logged in
	Workers   int    `koanf:"workers"`    // inference workers, 0 = one for each two processors
	Queue     int    `koanf:"queue"`      // pictures that may wait or be worked on
	Seconds   int    `koanf:"seconds"`    // after which a request is given up
}

// check reports every problem with its path, beside those of settings.
func (p *Predict) check(fault func(path string, err error)) {
	if p.Workers < 0 || p.Workers > 64 {
		fault("predict.workers", errors.New("0 to 64"))
	}
	if p.Queue < 1 || p.Queue > 10_000 {
		fault("predict.queue", errors.New("1 to 10000"))
	}
	if p.Seconds < 1 || p.Seconds > 60 {
		fault("predict.seconds", errors.New("1 to 60"))
	}
}

func (p *Predict) workers() int {
	if p.Workers > 0 {
		return p.Workers
	}
	return max(1, runtime.NumCPU()/2)
}

// pictures are the parts that deal with pictures and models.
type pictures struct {
	blobs    *blob.Store
	registry *registry.Registry
	decoders *predict.Decoders
	predict  *predict.Service
	samples  *sample.Store
	labels   *label.Store
	index    *feature.Index
	datasets *dataset.Store
	doubts   *dataset.Doubts
}

// openPictures wires what deals with pictures and models. One pool of workers
// decodes for all of it.
func (h *Hub) openPictures(context.Context) (err error) {
	p, c := &h.pictures, &h.config
	at := func(name string) string { return filepath.Join(c.Data, name) }
	if p.blobs, err = blob.Open(at("blobs")); err != nil {
		return err
	}
	h.checks["blobs"] = checkBlobs(p.blobs.Probe)
	if p.registry, err = registry.Open(h.db, p.blobs, at("registry")); err != nil {
		return err
	}
	p.decoders, err = predict.NewDecoders(c.Predict.workers(), capture.Options{Program: c.Workers.Camera, Log: h.log})
	if err != nil {
		return err
	}
	p.predict = predict.New(predict.Config{
		Workers: c.Predict.workers(), Queue: c.Predict.Queue, Deadline: time.Duration(c.Predict.Seconds) * time.Second, Memory: at("variant.json"),
		Infer: infer.Options{Program: c.Workers.Infer, Library: c.Workers.OnnxRuntime, Threads: 1, Log: h.log}, Log: h.log,
	}, p.registry, p.decoders)
	p.samples, err = sample.Open(sample.Config{Dir: at("incoming"), Limits: h.sampleLimits, Doubts: p.predict.Doubts, Log: h.log}, h.db, p.blobs, p.decoders)
	if err != nil {
		return err
	}
	p.labels = label.New(h.db)
	p.labels.ClaimFor(func() time.Duration { return time.Duration(h.settings.Now().Labels.ClaimMinutes) * time.Minute })
	p.index = feature.New(h.db, p.samples, p.decoders, p.predict, h.orderFeatures, h.log)
	for _, part := range []service.Part{
		{Name: "decoders", Run: p.decoders.Run}, {Name: "predict", Run: p.predict.Run},
		{Name: "samples", Run: p.samples.Run}, {Name: "labelled examples", Run: p.index.Run},
	} {
		h.group.Add(part)
	}
	h.gauges = append(h.gauges,
		api.Gauge{Name: "gourdian_hub_predict_waiting", Help: "Pictures that wait for a verdict or are being worked on.",
			Value: func() float64 { return float64(p.predict.State().Waiting) }},
		api.Gauge{Name: "gourdian_hub_predict_served", Help: "Pictures that had a verdict since the start.",
			Value: func() float64 { return float64(p.predict.State().Served) }},
		api.Gauge{Name: "gourdian_hub_predict_refused", Help: "Pictures refused for a full queue since the start.",
			Value: func() float64 { return float64(p.predict.State().Refused) }})
	return h.jobs.Add(h.pictureJobs()...)
}

// sampleLimits are those in force.
func (h *Hub) sampleLimits() sample.Limits {
	s := h.settings.Now().Samples
	return sample.Limits{Quota: int64(s.QuotaGB * 1e9), PerBoard: s.PerBoard, KeepDays: s.KeepDays, VisitorsDays: s.VisitorsDays}
}

// predictRules say who has verdicts now.
func (h *Hub) predictRules() api.PredictRules {
	p := h.settings.Now().Predict
	return api.PredictRules{Access: api.Access(p.Access), PerMinute: p.PerMinute}
}

// addPictures adds the addresses and pages of pictures and models.
func (h *Hub) addPictures() error {
	p, door := &h.pictures, api.NewDoor(h.predictRules)
	archives := api.NewSamples(p.samples, p.labels, h.jobs, h.audit, filepath.Join(h.config.Data, "incoming"), h.log)
	h.routes = append(h.routes, api.NewPredict(p.predict, door).Routes()...)
	h.routes = append(h.routes, api.NewModels(p.registry, h.audit, h.log).Routes()...)
	h.routes = append(h.routes, archives.Routes()...)
	h.console.Add((&console.Samples{Console: h.console, Samples: p.samples, Labels: p.labels, Import: archives}).Section())
	h.console.Add((&console.Labelling{
		Console: h.console, Samples: p.samples, Labels: p.labels, Enough: func() int { return h.settings.Now().Labels.Enough },
	}).Section())
	h.console.Add((&console.Models{Console: h.console, Registry: p.registry, State: p.predict.State, Rollouts: h.models.rollouts}).Section())
	h.console.Add((&console.Rollouts{Console: h.console, Rollouts: h.models.rollouts, Registry: p.registry, Fleet: h.boards.fleet, State: p.predict.State}).Section())
	h.console.Add((&console.Predict{
		Console: h.console, Service: p.predict, Index: p.index, Samples: p.samples, Plain: p.decoders.Plain, Door: door,
	}).Section())
	if err := errors.Join(h.jobs.Add(archives.Jobs()...), h.openDatasets()); err != nil {
		return err
	}
	return h.openTraining() // which needs data sets
}
