package cloud

import (
	"context"
	"strconv"

	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/predict"
)

// fullQueue is the share of the queue of photos that is worth a word.
const fullQueue = 0.8

// checkPredict says when photos have no verdict, or soon won't.
func checkPredict(state func() predict.State, queue int) health.Check {
	return func(context.Context) []health.Condition {
		var found []health.Condition
		now := state()
		if now.Err != "" {
			code := "champion_failing"
			if now.Unfit {
				code = "champion_unfit"
			}
			found = append(found, health.Condition{Code: code, Severity: health.Warning, Args: map[string]string{"error": now.Err}})
		}
		if float64(now.Waiting) >= fullQueue*float64(queue) {
			found = append(found, health.Condition{Code: "photos_queue", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(now.Waiting)}})
		}
		return found
	}
}

// checkWorkers says when a worker program is of another time than this hub.
func checkWorkers(version string, workers ...func() predict.Worker) health.Check {
	return func(context.Context) []health.Condition {
		var found []health.Condition
		for _, worker := range workers {
			w := worker()
			switch {
			case w.Mismatch != "":
				found = append(found, health.Condition{Code: "workers_mismatch", Severity: health.Serious, Subject: w.Program,
					Args: map[string]string{"program": w.Program, "why": w.Mismatch}})
			case w.Version != "" && version != "" && w.Version != version:
				found = append(found, health.Condition{Code: "workers_version", Severity: health.Note, Subject: w.Program,
					Args: map[string]string{"program": w.Program, "version": w.Version, "mine": version}})
			}
		}
		return found
	}
}
