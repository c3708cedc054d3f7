package models

import (
	"slices"
	"strings"
	"testing"
)

func TestTaskForTakesTheClassesThatTheDataHas(t *testing.T) {
	t.Parallel()
	grade, err := TaskFor(TaskGrade, []string{"bad", "good", "not_pumpkin"})
	if err != nil || !slices.Equal(grade.Names(), []string{"good", "bad", "not_pumpkin"}) {
		t.Errorf("grade = %v, %v", grade.Names(), err)
	}
	custom, err := TaskFor(TaskCustom, []string{"other_produce", "watermelon"})
	if err != nil || custom.Classes[0].Labels["es"] != "other produce" {
		t.Errorf("custom = %+v, %v", custom, err)
	}
	for _, c := range append(custom.Classes, Grade().Classes...) {
		if c.Labels["en"] == "" || c.Labels["es"] == "" || c.Precision <= 0.5 || c.Precision >= 1 {
			t.Errorf("class %+v lacks a word or a target", c)
		}
	}
}

func TestTaskForSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		task    string
		classes []string
		want    string
	}{
		{TaskGrade, []string{"good", "watermelon"}, "--map watermelon="},
		{TaskGrade, []string{"good"}, "at least two"},
		{TaskCustom, []string{"pumpkin"}, "at least two"},
		{"sort", []string{"a", "b"}, `no task "sort"`},
	} {
		if _, err := TaskFor(c.task, c.classes); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("TaskFor(%q, %q): %v, want %q in it", c.task, c.classes, err, c.want)
		}
	}
}
