package bundle

// Format is the version of the bundle format; see docs/formats/bundle.md.
const Format = 1

// Tasks of a bundle.
const (
	TaskGrade  = "grade"  // classes of wire: good, regular, bad, not_pumpkin, or some of them
	TaskCustom = "custom" // classes of its own
)

// Kinds of provenance.
const (
	KindRendered = "rendered"
	KindPhotos   = "photos"
	KindMixed    = "mixed"
)

// AnyCPU is the CPU class whose tolerance holds where a variant has none for
// the CPU at hand.
const AnyCPU = "any"

// Manifest describes one model. Its canonical JSON is the first entry of the
// bundle and the SHA-256 of these bytes is the bundle's id. It holds no time
// and no measurement: the same inputs give the same bytes.
type Manifest struct {
	Format     int        `json:"format"`
	Task       string     `json:"task"` // TaskGrade or TaskCustom
	Name       string     `json:"name"`
	Classes    []Class    `json:"classes"`
	Preprocess string     `json:"preprocess"` // vision.PreprocessID of the trainer
	Backbone   string     `json:"backbone"`   // name, version and hash of the checkpoint
	Variants   []Variant  `json:"variants"`   // sorted by name
	Golden     []Golden   `json:"golden"`
	Provenance Provenance `json:"provenance"`
	// Trained names the entry with the SHA-256 of every training picture,
	// sorted, 32 bytes each: evaluation leaves these pictures out.
	Trained string `json:"trained"`
	// Files are all other entries of the container, sorted by name.
	Files []File `json:"files"`
}

// Class is one class of the task, in the order of the logits.
type Class struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"` // language ("en", "es") to word
}

// Variant is one graph of the model with all that belongs to its numbers.
type Variant struct {
	Name        string    `json:"name"` // "fp32", later "int8", "int8-rr"
	Graph       string    `json:"graph"`
	Temperature float64   `json:"temperature"`
	Thresholds  []float64 `json:"thresholds"`
	// References is the entry with the training embeddings, see EncodeReferences.
	References string  `json:"references"`
	Neighbours int     `json:"neighbours"`
	Novelty    float64 `json:"novelty"`
	// Tolerance is the largest difference of a logit that a golden frame may
	// show, by CPU class ("x86-64-vnni", "x86-64-avx2", "arm64", ...; "any" always there).
	Tolerance map[string]float64 `json:"tolerance"`
}

// ToleranceFor returns the tolerance for a CPU class.
func (v *Variant) ToleranceFor(cpu string) float64 {
	if tolerance, ok := v.Tolerance[cpu]; ok {
		return tolerance
	}
	return v.Tolerance[AnyCPU]
}

// Golden is a raw tensor with the logits expected from every variant.
type Golden struct {
	Tensor   string               `json:"tensor"`
	Expected map[string][]float32 `json:"expected"` // variant to logits
}

// Provenance says what the model was trained on; it is shown wherever its
// verdicts are shown.
type Provenance struct {
	Kind    string         `json:"kind"` // KindRendered, KindPhotos, KindMixed
	Images  int            `json:"images"`
	Groups  int            `json:"groups"`
	Classes map[string]int `json:"classes"` // pictures per class
	Sources []string       `json:"sources"` // names of sets or boards, sorted
	Seed    uint64         `json:"seed"`
}

// File is one entry of the container.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}
