package cloud

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/deliver"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/release"
	"gourdian/cloud/internal/rollout"
	"gourdian/cloud/internal/trust"
	"gourdian/internal/service"
)

// Rollout says how much of the link models may take.
type Rollout struct {
	KBPerSecond int `koanf:"kb_per_second"` // to one board, 0 = as fast as it takes them
	MBPerDay    int `koanf:"mb_per_day"`    // to one board, 0 = no limit
}

func defaultRollout() Rollout { return Rollout{MBPerDay: 1000} }

func (r *Rollout) check(fault func(path string, err error)) {
	if r.KBPerSecond < 0 || r.KBPerSecond > 1_000_000 {
		fault("rollout.kb_per_second", errors.New("0 to 1000000"))
	}
	if r.MBPerDay < 0 || r.MBPerDay > 1_000_000 {
		fault("rollout.mb_per_day", errors.New("0 to 1000000"))
	}
}

// models are the parts that bring models to boards.
type models struct {
	repo     *trust.Repo
	deliver  *deliver.Deliver
	rollouts *rollout.Rollouts
	release  *release.Release
}

// toBoards is ingest's Models: what boards ask for, and how they do.
type toBoards struct {
	*deliver.Deliver
	*rollout.Rollouts
}

// openTrust wires what signs models and gives them to boards.
func (h *Hub) openTrust(ctx context.Context) (err error) {
	m, keys := &h.models, filepath.Join(h.config.Data, "keys")
	overrides, err := trust.OpenOverrides(h.db, keys)
	if err != nil {
		return err
	}
	m.repo, err = trust.Open(ctx, trust.Config{
		Dir: filepath.Join(h.config.Data, "trust"), Keys: keys, Evidence: overrides, Now: time.Now, Log: h.log,
	})
	if err != nil {
		return err
	}
	library := deliver.NewLibrary(h.db, h.pictures.blobs)
	m.deliver = deliver.New(deliver.Config{
		Library: library, Metadata: m.repo.Metadata, Now: time.Now, Log: h.log,
		Limits: deliver.Limits{Rate: int64(h.config.Rollout.KBPerSecond) * 1000, PerDay: int64(h.config.Rollout.MBPerDay) * 1_000_000},
	})
	m.release = release.New(release.Config{
		DB: h.db, Registry: h.pictures.registry, Overrides: overrides, Repo: m.repo, Library: library, Now: time.Now, Log: h.log,
	})
	h.pictures.registry.Hook(registry.Hooks{Moved: m.release.Moved, Delete: rollout.MayDelete})
	h.checks["trust"] = checkTrust(m.repo, time.Now)
	h.gauges = append(h.gauges, deliverGauges(m.deliver.Stats)...)
	for _, part := range []service.Part{
		{Name: "trust", Run: m.repo.Run}, {Name: "models to boards", Run: m.deliver.Run}, {Name: "signer", Run: m.release.Run},
	} {
		h.group.Add(part)
	}
	return nil
}

// openRollouts wires what decides which board runs which model.
func (h *Hub) openRollouts(f *fleet.Fleet) {
	m := &h.models
	m.rollouts = rollout.New(rollout.Config{DB: h.db, Fleet: f, Models: h.pictures.registry, Sign: m.release, Now: time.Now, Log: h.log})
	h.checks["rollouts"] = checkRollouts(m.rollouts)
	h.group.Add(service.Part{Name: "rollouts", Run: m.rollouts.Run})
}

// rootWarning is how long before its end somebody is asked to bring the root key.
const rootWarning = 90 * 24 * time.Hour

// checkTrust says what keeps boards from believing the hub.
func checkTrust(r *trust.Repo, now func() time.Time) health.Check {
	return func(context.Context) []health.Condition {
		var found []health.Condition
		s := r.State()
		if s.Fault != nil {
			found = append(found, health.Condition{Code: "trust_broken", Severity: health.Warning, Args: map[string]string{"error": s.Fault.Error()}})
		}
		if left := s.RootEnds.Sub(now()); left < rootWarning {
			found = append(found, health.Condition{Code: "trust_root_ends", Severity: health.Warning, Args: map[string]string{"days": strconv.Itoa(int(left.Hours() / 24))}})
		}
		if s.RootKeyHere {
			found = append(found, health.Condition{Code: "trust_root_here", Severity: health.Note, Args: map[string]string{"path": s.RootKey}})
		}
		return found
	}
}

// checkRollouts says which rollouts wait for a person.
func checkRollouts(r *rollout.Rollouts) health.Check {
	return func(ctx context.Context) []health.Condition {
		list, err := r.List(ctx, rolloutsLooked)
		if err != nil {
			return nil // the check of the database says it
		}
		var found []health.Condition
		for _, one := range list {
			if one.State == rollout.Stopped {
				found = append(found, health.Condition{Code: "rollout_stopped", Severity: health.Warning, Subject: fmt.Sprint(one.Number),
					Args: map[string]string{"number": fmt.Sprint(one.Number), "why": one.Why}})
			}
		}
		return found
	}
}

// rolloutsLooked is how many of the newest rollouts are looked at for trouble.
const rolloutsLooked = 20

// deliverGauges are the numbers of models on their way to boards.
func deliverGauges(of func() deliver.Stats) []api.Gauge {
	gauge := func(name, help string, value func(deliver.Stats) float64) api.Gauge {
		return api.Gauge{Name: "gourdian_hub_models_" + name, Help: help, Value: func() float64 { return value(of()) }}
	}
	return []api.Gauge{
		gauge("waiting", "Pieces that boards wait for.", func(s deliver.Stats) float64 { return float64(s.Waiting) }),
		gauge("bytes", "Bytes of models and their metadata to boards, since the start.", func(s deliver.Stats) float64 { return float64(s.Bytes) }),
		gauge("missing", "Names that boards asked for and nothing has, since the start.", func(s deliver.Stats) float64 { return float64(s.Missing) }),
		gauge("held", "Names of boards that have used up their day, since the start.", func(s deliver.Stats) float64 { return float64(s.Held) }),
	}
}
