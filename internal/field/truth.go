package field

// Class is what a picture or a thing in it is to be called: the classes of the
// task "grade".
type Class string

// The four classes.
const (
	Good       Class = "good"
	Regular    Class = "regular"
	Bad        Class = "bad"
	NotPumpkin Class = "not_pumpkin"
)

// Classes returns all of them, best first.
func Classes() []Class { return []Class{Good, Regular, Bad, NotPumpkin} }

// Defect is one thing that is wrong with a fruit.
type Defect struct {
	Kind   DefectKind
	Severe bool
	Share  float64 // of the skin that the camera sees, 0..1
}

// Box is where a thing is in the picture, in pixels.
type Box struct{ X, Y, W, H int }

// Thing is the truth about one thing in a picture.
type Thing struct {
	Class   Class
	Kind    string  // "pumpkin", "watermelon", "bucket" ...
	Variety Variety // of a pumpkin, else ""
	Defects []Defect
	Box     Box
}

func (r rect) box() Box { return Box{r.x0, r.y0, r.x1 - r.x0, r.y1 - r.y0} }
