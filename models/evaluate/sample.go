package evaluate

// Sample is one labelled picture and what the model said of it. Slices are
// indexed by class.
type Sample struct {
	File          string
	Group         int       // pictures of one group are not independent
	Truth         int       // index of the labelled class
	Top           int       // index of the most probable class
	Unsure        bool      // whether the verdict was unsure
	Reason        string    // why it was, empty where it was not
	Probabilities []float64 // calibrated, sum 1
}
