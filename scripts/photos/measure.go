package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"gourdian/models/evaluate"
	"gourdian/models/train"
)

func (b *bench) model(name string) string { return filepath.Join(b.work, name+".gourdian") }

// leastAUC is for pumpkins of one source against things of others.
const leastAUC = 0.99

// graded measures one of the sets that stand for graded pumpkins.
func (b *bench) graded(name, title, by string, least float64) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := b.train(ctx, filepath.Join(b.data, "graded", name), "custom", name)
		if err != nil {
			return err
		}
		if value := r.Figures.BalancedAccuracy; value == nil {
			b.short = append(b.short, title+": no balanced accuracy")
		} else {
			b.reach("balanced accuracy of "+title, *value, least)
		}
		b.row(title, fmt.Sprintf("%s, %d folds", by, r.Folds), counts(r.Figures),
			fmt.Sprintf("balanced accuracy %s; colour and size %.3f; shrunk to 48-112 pixels %s",
				figure(r.Figures.BalancedAccuracy, r.Figures.BalancedLow, r.Figures.BalancedHigh), r.Baseline.BalancedAccuracy, number(r.Coarse.BalancedAccuracy)))
		return nil
	}
}

// pumpkins tells pumpkins from each other class, by sources, and by
// near-duplicates within the source that holds most pumpkins.
func (b *bench) pumpkins(ctx context.Context) error {
	set, err := b.pumpkinSet()
	if err != nil {
		return err
	}
	r, err := b.train(ctx, set, "custom", "pumpkins")
	if err != nil {
		return err
	}
	b.against(r, "sources, else near-duplicates")
	return nil
}

// shrunk is the same on photos that were made small first: a resolution that
// differs between the sources can't help there.
func (b *bench) shrunk(ctx context.Context) error {
	set, err := b.shrunkSet(ctx)
	if err != nil {
		return err
	}
	r, err := b.train(ctx, set, "custom", "pumpkins-128")
	if err != nil {
		return err
	}
	b.against(r, fmt.Sprintf("the same, all photos first shrunk to %d pixels", shrunkSide))
	return nil
}

func (b *bench) against(r *train.Report, by string) {
	pumpkins := r.Figures.Classes["pumpkin"].Count
	for _, p := range r.Figures.OperatingPoints {
		if p.Class == "pumpkin" {
			b.reach("AUC of pumpkin against "+p.Against+", "+by, p.AUC.Value, leastAUC)
			b.row("pumpkin against "+p.Against, by, fmt.Sprintf("%d against %d", pumpkins, r.Figures.Classes[p.Against].Count), operating(p))
		}
	}
	b.row("all four classes", by, counts(r.Figures), fmt.Sprintf("balanced accuracy %s; colour and size %.3f; shrunk to 48-112 pixels %s; %d pictures lost bars; %d near-duplicates over a fold",
		figure(r.Figures.BalancedAccuracy, r.Figures.BalancedLow, r.Figures.BalancedHigh), r.Baseline.BalancedAccuracy, number(r.Coarse.BalancedAccuracy), r.Data.Trimmed, across(r)))
}

func across(r *train.Report) int {
	n := 0
	for _, s := range r.Data.Suspects {
		if s.Fold {
			n++
		}
	}
	return n
}

// collections measures the pumpkin model on collections it knows nothing of.
func (b *bench) collections(ctx context.Context) error {
	set, err := b.collectionSet()
	if err != nil {
		return err
	}
	r, err := b.eval(ctx, "pumpkins", set)
	if err != nil {
		return err
	}
	for _, p := range r.OperatingPoints {
		if p.Class == "pumpkin" {
			b.row("the pumpkin model on other collections, pumpkin against "+p.Against, "held out",
				fmt.Sprintf("%d against %d", r.Classes["pumpkin"].Count, r.Classes[p.Against].Count), operating(p))
		}
	}
	return nil
}

// rendered trains on rendered pumpkins of one seed and measures on another.
func (b *bench) rendered(ctx context.Context) error {
	for _, patch := range []struct {
		name        string
		count, seed int
	}{{"patch-1", 600, 1}, {"patch-99", 300, 99}} {
		if err := b.render(ctx, patch.name, patch.count, patch.seed); err != nil {
			return err
		}
	}
	r, err := b.train(ctx, filepath.Join(b.work, "patch-1"), "grade", "rendered")
	if err != nil {
		return err
	}
	b.row("rendered pumpkins, 600 of seed 1", fmt.Sprintf("rendered fruit, %d folds", r.Folds), counts(r.Figures),
		"balanced accuracy "+figure(r.Figures.BalancedAccuracy, r.Figures.BalancedLow, r.Figures.BalancedHigh)+fmt.Sprintf("; colour and size %.3f", r.Baseline.BalancedAccuracy))
	e, err := b.eval(ctx, "rendered", filepath.Join(b.work, "patch-99"))
	if err != nil {
		return err
	}
	b.row("the same model on 300 of seed 99", "held out", counts(e.Figures),
		"balanced accuracy "+figure(e.BalancedAccuracy, e.BalancedLow, e.BalancedHigh))
	return nil
}

// unlikeTables shows things to models that have no class for them.
func (b *bench) unlikeTables(ctx context.Context) error {
	strangers, err := b.strangerSet()
	if err != nil {
		return err
	}
	for _, pair := range []struct {
		model string
		sets  []string
	}{
		{"orange", []string{strangers, filepath.Join(b.data, "graded", "banana"), filepath.Join(b.data, "graded", "tomato")}},
		{"rendered", []string{strangers}},
	} {
		for _, set := range pair.sets {
			r, err := b.eval(ctx, pair.model, set)
			if err != nil {
				return err
			}
			for _, class := range sortedKeys(r.Unknown) {
				u := r.Unknown[class]
				b.unsure(class, pair.model, strconv.Itoa(u.Count), percent(u.Novel), percent(u.Unsure))
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func counts(f evaluate.Figures) string { return fmt.Sprintf("%d, %d", f.Images, f.Groups) }

func operating(p evaluate.OperatingPoint) string {
	return fmt.Sprintf("recall at 5 %% false alarms %.3f [%.3f, %.3f], AUC %.3f [%.3f, %.3f]",
		p.Recall.Value, p.Recall.Low, p.Recall.High, p.AUC.Value, p.AUC.Low, p.AUC.High)
}

func figure(value, low, high *float64) string {
	if value == nil || low == nil || high == nil {
		return "none"
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", *value, *low, *high)
}

func number(v *float64) string {
	if v == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.3f", *v)
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
