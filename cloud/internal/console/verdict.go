package console

import (
	"gourdian/cloud/internal/label"
	"gourdian/internal/bundle"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// verdictView is a verdict or a label as a reader meets it.
type verdictView struct {
	Name wire.Verdict
	web.Look
}

// verdict says a verdict or a label in the words of the model.
func (v *voice) verdict(name wire.Verdict, model []bundle.Class) verdictView {
	var classes []web.Class
	for _, c := range model {
		classes = append(classes, web.Class(c))
	}
	return verdictView{name, v.Verdict(string(name), classes)}
}

// labels are the answers that a person can give, in the order of the keys.
func (v *voice) labels() []verdictView {
	var out []verdictView
	for _, name := range label.Labels() {
		out = append(out, v.verdict(name, nil))
	}
	return out
}
