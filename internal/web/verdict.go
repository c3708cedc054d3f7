package web

import "slices"

// Look is a verdict or a label as a reader meets it: never by colour alone.
type Look struct {
	Word  string
	Shape string // a drawing of parts.html
	Tone  string // a class of the style sheet
}

// Class is a class of a model with its names for people, by language.
type Class struct {
	Name   string
	Labels map[string]string
}

// Verdict says a verdict or a label. A class of a custom model has its own
// words, and shape and tone by its place.
func (s *Speaker) Verdict(name string, classes []Class) Look {
	look := Look{Shape: name, Tone: name}
	switch name {
	case "good", "regular", "bad", "unsure":
	case "not_pumpkin", "cant_tell":
		look.Tone = "none"
	default:
		return s.customClass(name, classes)
	}
	look.Word = s.Say("verdict." + name)
	return look
}

func (s *Speaker) customClass(name string, classes []Class) Look {
	looks := []Look{{Shape: "square", Tone: "c1"}, {Shape: "hexagon", Tone: "c2"}, {Shape: "drop", Tone: "c3"}, {Shape: "cross", Tone: "c4"}, {Shape: "bar", Tone: "c5"}}
	at := slices.IndexFunc(classes, func(c Class) bool { return c.Name == name })
	if at < 0 {
		look := looks[0]
		look.Word = name
		return look
	}
	look := looks[at%len(looks)]
	look.Word = name
	for _, lang := range []Lang{English, s.Lang()} {
		if word := classes[at].Labels[string(lang)]; word != "" {
			look.Word = word
		}
	}
	return look
}
