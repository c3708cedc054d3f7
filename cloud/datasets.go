package cloud

import (
	"context"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/work"
	"gourdian/internal/service"
)

// jobOpinions is the kind of job that asks the champion about labelled pictures.
const jobOpinions = "opinions"

// openDatasets wires data sets, with their addresses and pages.
func (h *Hub) openDatasets() error {
	p := &h.pictures
	p.datasets = dataset.New(h.db, p.blobs, p.samples, h.datasetSettings)
	p.doubts = dataset.NewDoubts(p.datasets, p.predict, h.orderOpinions, h.log)
	h.group.Add(service.Part{Name: "doubtful labels", Run: p.doubts.Run})
	h.routes = append(h.routes, api.NewDatasets(p.datasets, p.doubts, h.log).Routes()...)
	pages := &console.Datasets{Console: h.console, Sets: p.datasets, Doubts: p.doubts, Samples: p.samples, Features: p.index}
	h.console.Add(pages.Section())
	return h.jobs.Add(job.Kind{
		Name: jobOpinions, Timeout: 12 * time.Hour, Attempts: 5, Heavy: true,
		Run: job.Of(func(ctx context.Context, w dataset.Opinions, progress *job.Progress) (dataset.Asked, error) {
			return p.doubts.Ask(ctx, w, func(done, total int) { progress.Step("asking", done, total) })
		}),
	})
}

// datasetSettings are those in force. Enough pictures for the page of labels are
// enough for training too: there is one number.
func (h *Hub) datasetSettings() dataset.Settings {
	v := h.settings.Now()
	return dataset.Settings{GoldenPercent: v.Training.GoldenPercent, LeastPictures: v.Labels.Enough, LeastGroups: v.Training.Groups}
}

// orderOpinions has the champion asked about labelled pictures.
func (h *Hub) orderOpinions(ctx context.Context, w dataset.Opinions) error {
	_, err := h.jobs.Start(ctx, jobOpinions, w, job.Hub)
	return err
}

// waitingDoubts are labels that the champion contradicts; those about which
// people disagree are counted with the labels.
func (h *Hub) waitingDoubts(ctx context.Context) ([]work.Item, error) {
	list, err := h.pictures.doubts.Doubtful(ctx)
	n, since := 0, time.Time{}
	for _, d := range list {
		if d.Disagree {
			continue
		}
		n++
		if since.IsZero() || d.At.Before(since) {
			since = d.At
		}
	}
	if err != nil || n == 0 {
		return nil, err
	}
	return []work.Item{{
		Key: "labels.contradicted", Kind: work.Doubt, Text: "hub.work.contradicted", Count: n, Since: since, Path: "/task/doubtful", Least: people.Labeller,
	}}, nil
}
