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
			found = append(found, health.Condition{Code: "champion_failing", Severity: health.Warning, Args: map[string]string{"error": now.Err}})
		}
		if float64(now.Waiting) >= fullQueue*float64(queue) {
			found = append(found, health.Condition{Code: "photos_queue", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(now.Waiting)}})
		}
		return found
	}
}
