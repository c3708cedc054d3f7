package console

import (
	"slices"

	"gourdian/cloud/internal/label"
	"gourdian/internal/bundle"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// verdictView is a verdict or a label as a reader meets it: never by colour
// alone.
type verdictView struct {
	Name  wire.Verdict
	Word  string
	Shape string // a drawing of parts.html
	Tone  string // a class of the style sheet
}

// verdict says a verdict or a label. A class of a custom model has its own
// words, and shape and tone by its place.
func (v *voice) verdict(name wire.Verdict, classes []bundle.Class) verdictView {
	view := verdictView{Name: name, Shape: string(name), Tone: string(name)}
	switch name {
	case wire.Good, wire.Regular, wire.Bad, wire.Unsure:
	case wire.NotPumpkin, label.CantTell:
		view.Tone = "none"
	default:
		return v.customClass(name, classes)
	}
	view.Word = v.Say("verdict." + string(name))
	return view
}

func (v *voice) customClass(name wire.Verdict, classes []bundle.Class) verdictView {
	looks := []verdictView{{Shape: "square", Tone: "c1"}, {Shape: "hexagon", Tone: "c2"}, {Shape: "drop", Tone: "c3"}, {Shape: "cross", Tone: "c4"}, {Shape: "bar", Tone: "c5"}}
	at := slices.IndexFunc(classes, func(c bundle.Class) bool { return c.Name == string(name) })
	if at < 0 {
		return verdictView{Name: name, Word: string(name), Shape: "square", Tone: "c1"}
	}
	view := looks[at%len(looks)]
	view.Name, view.Word = name, string(name)
	for _, lang := range []web.Lang{web.English, v.Lang()} {
		if word := classes[at].Labels[string(lang)]; word != "" {
			view.Word = word
		}
	}
	return view
}

// labels are the answers that a person can give, in the order of the keys.
func (v *voice) labels() []verdictView {
	var out []verdictView
	for _, name := range label.Labels() {
		out = append(out, v.verdict(name, nil))
	}
	return out
}
