package page

import (
	"fmt"
	"slices"
	"strconv"

	"gourdian/agent/internal/settings"
)

// formView makes the fields of the settings page.
type formView struct {
	*voice
	problems settings.Problems
	locked   bool
}

// text is a field with letters. path is that of settings.Problem, key that of
// the catalogue: its reason stands under key_why.
func (b *formView) text(name, path, key, value string) fieldView {
	f := fieldView{
		ID: name, Kind: "text", Label: b.Say(key), Value: value, Max: strconv.Itoa(settings.MaxName),
		Fault: b.fault(path), Locked: b.locked,
	}
	if b.Has(key + "_why") {
		f.Why = b.Say(key + "_why")
	}
	return f
}

func (b *formView) number(name, path, key, value string, low, high float64) fieldView {
	f := b.text(name, path, key, value)
	f.Kind, f.Min, f.Max, f.Step = "number", decimalOf(low), decimalOf(high), "any"
	return f
}

func (b *formView) choice(name, path, key, value string, values []string) fieldView {
	f := b.text(name, path, key, value)
	f.Kind = "choice"
	for _, one := range values {
		f.Choices = append(f.Choices, choice{Value: one, Label: b.Say(key + "_" + one), Chosen: one == value})
	}
	return f
}

func decimalOf(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (b *formView) camera(path string, form *cameraForm) cameraFields {
	name := func(field string) string { return cameraField(form.ID, field) }
	fields := cameraFields{
		ID:   form.ID,
		Name: b.text(name(fieldCameraName), path+".name", "settings.camera_name", form.Name),
		FPS:  b.number(name(fieldFPS), path+"."+fieldFPS, "settings.fps", form.FPS, settings.MinFPS, settings.MaxFPS),
		Sensitivity: b.choice(name(fieldSensitivity), path+"."+fieldSensitivity, "settings.sensitivity",
			form.Sensitivity, settings.Sensitivities()),
		Night:   b.text(name(fieldNight), path+"."+fieldNight, "settings.night", ""),
		NightOn: form.Night, Fault: b.fault(path + ".zones"),
	}
	for n, zone := range form.Zones {
		fields.Zones = append(fields.Zones, b.zone(form.ID, fmt.Sprintf("%s.zones[%d]", path, n), n, zone))
	}
	fields.Blank = b.zone(form.ID, "", len(form.Zones), zoneForm{})
	return fields
}

func (b *formView) zone(camera, path string, n int, form zoneForm) zoneFields {
	name := func(field string) string { return cameraField(camera, zoneField(n, field)) }
	const percent = 100
	fields := zoneFields{
		Number: n, Name: form.ID,
		ID:   b.text(name("id"), path+".id", "settings.zone_name", form.ID),
		X:    b.number(name("x"), path+".x", "settings.zone_x", form.X, 0, settings.ZoneUnit/percent),
		Y:    b.number(name("y"), path+".y", "settings.zone_y", form.Y, 0, settings.ZoneUnit/percent),
		Side: b.number(name("side"), path+".side", "settings.zone_side", form.Side, settings.MinZoneSide/percent, settings.ZoneUnit/percent),

		Remove: name("remove"),
	}
	for _, f := range []*fieldView{&fields.X, &fields.Y, &fields.Side} {
		if f.Fault != "" {
			f.Fault = b.Say("fault.number", "min", f.Min, "max", f.Max)
		}
	}
	return fields
}

// fault says in words what is wrong with a field, "" when nothing is.
func (b *formView) fault(path string) string {
	at := slices.IndexFunc(b.problems, func(p settings.Problem) bool { return p.Path == path })
	if at < 0 {
		return ""
	}
	p := b.problems[at]
	low, high := b.limit(p.Min), b.limit(p.Max)
	switch p.Code {
	case settings.CodeLength:
		return b.Say("fault.length", "max", high)
	case settings.CodeOddChars:
		return b.Say("fault.odd")
	case settings.CodeRange:
		return b.Say("fault.number", "min", low, "max", high)
	case settings.CodeID:
		return b.Say("fault.zone_name", "max", high)
	case settings.CodeTwice:
		return b.Say("fault.zone_twice")
	case settings.CodeTooMany:
		return b.Say("fault.zones_many", "max", high)
	}
	return b.Say("fault.choice")
}

// limit writes a limit as people do.
func (b *formView) limit(v float64) string {
	if v == float64(int(v)) {
		return b.Whole(int(v))
	}
	return b.Decimal(v, 1)
}
