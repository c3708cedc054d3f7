// Package models says what a model of this project is made for: its tasks with
// their classes, words and targets. How one is made lies in the packages below
// it.
package models

import (
	"fmt"
	"slices"
	"strings"

	"gourdian/internal/wire"
)

// Names of the tasks.
const (
	TaskGrade  = "grade"
	TaskCustom = "custom"
)

// Class is one class of a task.
type Class struct {
	Name   string
	Labels map[string]string // language to word
	// Precision is what the calls of this class should reach on pictures that
	// the model has not seen; the threshold is set by it.
	Precision float64
}

// Task is a question that a model answers.
type Task struct {
	Name    string
	Classes []Class // in the order of the logits
}

// customPrecision is the precision that the calls of a class of a custom task
// should reach.
const customPrecision = 0.90

// Grade is the task of the patch. A pumpkin called bad is thrown away, so that
// call must be right most often. People who grade for a living agree with a
// panel in 84 to 92 % of cases and least about the middle of the scale: good
// and regular ask for about that much, for a model that is held to more than
// people reach is unsure of everything.
func Grade() Task {
	return Task{TaskGrade, []Class{
		{string(wire.Good), map[string]string{"en": "good", "es": "buena"}, 0.85},
		{string(wire.Regular), map[string]string{"en": "regular", "es": "regular"}, 0.75},
		{string(wire.Bad), map[string]string{"en": "bad", "es": "mala"}, 0.95},
		{string(wire.NotPumpkin), map[string]string{"en": "not a pumpkin", "es": "no es una calabaza"}, 0.90},
	}}
}

// TaskFor returns the task of that name for data with the given classes: all
// classes of the data for a custom task; for "grade" those of its classes that
// the data has. It fails for fewer than two classes and for classes that the
// task does not know.
func TaskFor(name string, classes []string) (Task, error) {
	var task Task
	switch name {
	case TaskGrade:
		task = Grade()
		known := task.Names()
		for _, c := range classes {
			if !slices.Contains(known, c) {
				return Task{}, fmt.Errorf("task grade has no class %q, only %s: rename it with --map %s=good or the like, drop it with --map %s=, or use --task custom",
					c, strings.Join(known, ", "), c, c)
			}
		}
		task.Classes = slices.DeleteFunc(task.Classes, func(c Class) bool { return !slices.Contains(classes, c.Name) })
	case TaskCustom:
		task.Name = TaskCustom
		for _, c := range classes {
			word := strings.ReplaceAll(c, "_", " ")
			task.Classes = append(task.Classes, Class{c, map[string]string{"en": word, "es": word}, customPrecision})
		}
	default:
		return Task{}, fmt.Errorf("no task %q: choose %s (good, regular, bad, not_pumpkin) or %s (the classes of the data)", name, TaskGrade, TaskCustom)
	}
	if len(task.Classes) < 2 {
		return Task{}, fmt.Errorf("the data has one class only (%s): a model needs at least two to tell apart", strings.Join(classes, ", "))
	}
	return task, nil
}

// Names are the names of the classes in the order of the logits.
func (t Task) Names() []string {
	out := make([]string, len(t.Classes))
	for i, c := range t.Classes {
		out[i] = c.Name
	}
	return out
}
