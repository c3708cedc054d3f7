package train

import (
	"gourdian/models/dataset"
	"gourdian/models/evaluate"
)

// Report is what a training says about its model, for people and for --json.
// Every figure under Figures, Coarse, Calibrated and Baseline was measured on
// pictures of groups that the measured head had not seen.
type Report struct {
	Task     string           `json:"task"`
	Bundle   string           `json:"bundle,omitempty"` // id of what was written
	Out      string           `json:"out,omitempty"`
	Seed     uint64           `json:"seed"`
	Data     DataReport       `json:"data"`
	Folds    int              `json:"folds"`
	C        float64          `json:"c"`
	Grid     []GridPoint      `json:"grid"`
	Figures  evaluate.Figures `json:"cross_validated"`
	Coarse   CoarseReport     `json:"coarse"`
	Baseline BaselineReport   `json:"baseline"`
	Deciding DecidingReport   `json:"deciding"`
	Learning *LearningReport  `json:"learning_curve,omitempty"`
	Variants []VariantReport  `json:"variants"` // the first one is that of all figures above
	Warnings []string         `json:"warnings"`

	// Judged is what was said of each picture by a head that had not seen its
	// group.
	Judged []evaluate.Judged `json:"-"`
}

// DataReport says what went into a training and what did not.
type DataReport struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"` // dataset.KindPhotos, ...
	Images   int            `json:"images"`
	Groups   int            `json:"groups"`
	Given    int            `json:"groups_given"` // of them given by the data
	Classes  map[string]int `json:"classes"`
	Dropped  int            `json:"dropped"`   // pictures of classes dropped by --map
	SetApart int            `json:"set_apart"` // pictures whose split is not for training
	Trimmed  int            `json:"trimmed"`   // pictures that lost uniform bars
	Skipped  []dataset.Skip `json:"skipped"`
	Suspects []SuspectPair  `json:"leak_suspects"`
}

// SuspectPair is two near-duplicates in different groups.
type SuspectPair struct {
	A    string `json:"a"`
	B    string `json:"b"`
	Fold bool   `json:"across_folds"` // whether they lie in different folds, so that one could betray the other
}

// GridPoint is one value of C with its cross-validated loss.
type GridPoint struct {
	C       float64 `json:"c"`
	LogLoss float64 `json:"log_loss"`
}

// CoarseReport says what is left of the accuracy when the same unseen pictures
// are shrunk to 48 to 112 pixels first: a model that reads resolution instead
// of the thing loses most of it here.
type CoarseReport struct {
	// BalancedAccuracy is null where the data is too large for that view.
	BalancedAccuracy *float64 `json:"balanced_accuracy"`
}

// BaselineReport is the same cross-validation with colour and size only.
type BaselineReport struct {
	BalancedAccuracy float64           `json:"balanced_accuracy"`
	Gain             evaluate.Interval `json:"gain"`   // of the model over it, in balanced accuracy
	Earned           bool              `json:"earned"` // whether the whole interval lies above 0
}

// VariantReport says how one form of the backbone does with its own head, on the
// same unseen groups as the others.
type VariantReport struct {
	Name             string         `json:"name"`
	Accuracy         *float64       `json:"accuracy"`
	BalancedAccuracy *float64       `json:"balanced_accuracy"`
	BalancedLow      *float64       `json:"balanced_accuracy_low"`
	BalancedHigh     *float64       `json:"balanced_accuracy_high"`
	Coverage         *float64       `json:"coverage"`
	AccuracyWhenSure *float64       `json:"accuracy_when_sure"`
	Deciding         DecidingReport `json:"deciding"`
	// Equal is the share of pictures with the first variant's verdict, and Flips
	// counts the others: its verdict, then this one's.
	Equal float64                   `json:"equal_verdicts"`
	Flips map[string]map[string]int `json:"flips"`
}

// DecidingReport is how the bundle turns scores into verdicts.
type DecidingReport struct {
	Temperature float64              `json:"temperature"`
	Thresholds  map[string]Threshold `json:"thresholds"`
	Novelty     float64              `json:"novelty"`
	Neighbours  int                  `json:"neighbours"`
	References  int                  `json:"references"`
	// Unlike is the share of pictures of unseen groups above the novelty
	// threshold: 5 % by its making, within what few pictures allow.
	Unlike float64 `json:"unlike"`
}
