package setting

import (
	"fmt"
	"time"
)

// Values are all settings.
type Values struct {
	Name     string // of the hub, for people
	TimeZone string // of times on pages, "Europe/Madrid"; "" = the machine's
	Predict  Predict
	Samples  Samples
	Labels   Labels
	Training Training
	Alerts   Alerts
	Backup   Backup
}

// Predict says who has verdicts on photos.
type Predict struct {
	Access    string // "open" to anyone, "login" or "off"
	PerMinute int    // verdicts a minute for one address of somebody who has not logged in
}

// Samples says which pictures are kept, and for how long.
type Samples struct {
	QuotaGB      float64 `koanf:"quota_gb"`      // of all pictures
	PerBoard     int     `koanf:"per_board"`     // pictures of one board that may wait for a label
	KeepDays     int     `koanf:"keep_days"`     // pictures without a label are deleted after so many days, 0 = never
	VisitorsDays int     `koanf:"visitors_days"` // the same for what visitors gave, labelled or not
}

// Labels says how people label.
type Labels struct {
	ClaimMinutes int `koanf:"claim_minutes"` // a picture is kept for who looks at it
	Enough       int `koanf:"enough"`        // pictures of each class below which there are too few to train
}

// Training says what a model is made of.
type Training struct {
	Groups        int `koanf:"groups"`         // of each class that training needs: visits, days of boards
	GoldenPercent int `koanf:"golden_percent"` // of the groups of each class that are set aside for measuring
}

// Alerts says who is told when something goes wrong.
type Alerts struct {
	Webhook string `koanf:"webhook"` // address that is sent JSON by POST; "" = nobody
}

// Backup says how often the hub copies its database by itself.
type Backup struct {
	EveryHours int `koanf:"every_hours"` // 0 = never
	Keep       int `koanf:"keep"`        // newest copies that stay
}

// Defaults are the values where nothing is said.
func Defaults() Values {
	return Values{
		Name:     "gourdian",
		Predict:  Predict{Access: "open", PerMinute: 60},
		Samples:  Samples{QuotaGB: 20, PerBoard: 2000, VisitorsDays: 365},
		Labels:   Labels{ClaimMinutes: 10, Enough: 30},
		Training: Training{Groups: 3, GoldenPercent: 20},
		Backup:   Backup{EveryHours: 24, Keep: 7},
	}
}

// Location is the time zone; the machine's where none is set or known.
func (v *Values) Location() *time.Location {
	if v.TimeZone == "" {
		return time.Local
	}
	zone, err := time.LoadLocation(v.TimeZone)
	if err != nil {
		return time.Local // a machine that lost its time zones; Check found it there
	}
	return zone
}

// Check reports every value that may not be so, by its key.
func Check(v *Values, fault func(key string, err error)) {
	for _, f := range Fields() {
		scratch := *v
		if err := f.set(&scratch, f.get(v)); err != nil {
			fault(f.Key, err)
		}
	}
}

// Get returns the value of a field as text.
func (f *Field) Get(v *Values) string { return f.get(v) }

// Check says why a value may not be so; nil = it may.
func (f *Field) Check(value string) error { return f.set(&Values{}, value) }

// Shown is the value as it may be shown and written down: of a secret its
// beginning alone.
func (f *Field) Shown(value string) string {
	if f.Kind == Secret {
		return Hide(value)
	}
	return value
}

// fieldOf returns the field of a key.
func fieldOf(key string) (Field, error) {
	for _, f := range Fields() {
		if f.Key == key {
			return f, nil
		}
	}
	return Field{}, fmt.Errorf("%w: %.60q", ErrUnknown, key)
}
