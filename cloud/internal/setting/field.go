package setting

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind says how a field is typed in.
type Kind string

// Kinds.
const (
	Text   Kind = "text"
	Whole  Kind = "whole"  // a whole number
	Number Kind = "number" // a number with decimals
	Choice Kind = "choice"
	Secret Kind = "secret" // an address that is not shown again as a whole
)

// Groups of fields, in the order of the page.
func Groups() []string {
	return []string{"hub", "predict", "samples", "labels", "training", "alerts", "backup"}
}

// Field is one setting. The catalogue has its words: "hub.setting.<Key>" names
// it, ".why" says what it is for and what happens on save.
type Field struct {
	Key         string // as the config has it: "predict.access"
	Group       string
	Kind        Kind
	Least, Most float64 // of a number; Most of a text in bytes
	Choices     []string
	Optional    bool // may be empty

	get func(*Values) string
	set func(*Values, string) error
}

// Fields are all settings, in the order of the page.
func Fields() []Field {
	return []Field{
		text("hub", "name", 60, func(v *Values) *string { return &v.Name }, nil),
		maybe("hub", "time_zone", 60, func(v *Values) *string { return &v.TimeZone }, checkZone),
		choice("predict", "predict.access", []string{"open", "login", "off"}, func(v *Values) *string { return &v.Predict.Access }),
		whole("predict", "predict.per_minute", 1, 10_000, func(v *Values) *int { return &v.Predict.PerMinute }),
		number("samples", "samples.quota_gb", 0.01, 1e6, func(v *Values) *float64 { return &v.Samples.QuotaGB }),
		whole("samples", "samples.per_board", 1, 1_000_000, func(v *Values) *int { return &v.Samples.PerBoard }),
		whole("samples", "samples.keep_days", 0, 36_500, func(v *Values) *int { return &v.Samples.KeepDays }),
		whole("samples", "samples.visitors_days", 0, 36_500, func(v *Values) *int { return &v.Samples.VisitorsDays }),
		whole("labels", "labels.claim_minutes", 1, 240, func(v *Values) *int { return &v.Labels.ClaimMinutes }),
		whole("labels", "labels.enough", 1, 100_000, func(v *Values) *int { return &v.Labels.Enough }),
		whole("training", "training.groups", 3, 1000, func(v *Values) *int { return &v.Training.Groups }),
		whole("training", "training.golden_percent", 5, 33, func(v *Values) *int { return &v.Training.GoldenPercent }),
		secret("alerts", "alerts.webhook", func(v *Values) *string { return &v.Alerts.Webhook }, checkWebhook),
		whole("backup", "backup.every_hours", 0, 24*31, func(v *Values) *int { return &v.Backup.EveryHours }),
		whole("backup", "backup.keep", 1, 365, func(v *Values) *int { return &v.Backup.Keep }),
	}
}

func text(group, key string, most int, at func(*Values) *string, check func(string) error) Field {
	return Field{
		Key: key, Group: group, Kind: Text, Most: float64(most),
		get: func(v *Values) string { return *at(v) },
		set: func(v *Values, typed string) error {
			if typed == "" || len(typed) > most || !printable(typed) {
				return fmt.Errorf("%w: 1 to %d characters", ErrValue, most)
			}
			if check != nil {
				if err := check(typed); err != nil {
					return err
				}
			}
			*at(v) = typed
			return nil
		},
	}
}

// maybe is a text that may be empty.
func maybe(group, key string, most int, at func(*Values) *string, check func(string) error) Field {
	f := text(group, key, most, at, check)
	some := f.set
	f.Optional = true
	f.set = func(v *Values, typed string) error {
		if typed == "" {
			*at(v) = ""
			return nil
		}
		return some(v, typed)
	}
	return f
}

func secret(group, key string, at func(*Values) *string, check func(string) error) Field {
	f := maybe(group, key, 2000, at, check)
	f.Kind = Secret
	return f
}

func choice(group, key string, choices []string, at func(*Values) *string) Field {
	return Field{
		Key: key, Group: group, Kind: Choice, Choices: choices,
		get: func(v *Values) string { return *at(v) },
		set: func(v *Values, typed string) error {
			if !slices.Contains(choices, typed) {
				return fmt.Errorf("%w: %.40q is none of %s", ErrValue, typed, strings.Join(choices, ", "))
			}
			*at(v) = typed
			return nil
		},
	}
}

func whole(group, key string, least, most int, at func(*Values) *int) Field {
	return Field{
		Key: key, Group: group, Kind: Whole, Least: float64(least), Most: float64(most),
		get: func(v *Values) string { return strconv.Itoa(*at(v)) },
		set: func(v *Values, typed string) error {
			n, err := strconv.Atoi(typed)
			if err != nil || n < least || n > most {
				return fmt.Errorf("%w: a whole number from %d to %d", ErrValue, least, most)
			}
			*at(v) = n
			return nil
		},
	}
}

func number(group, key string, least, most float64, at func(*Values) *float64) Field {
	return Field{
		Key: key, Group: group, Kind: Number, Least: least, Most: most,
		get: func(v *Values) string { return strconv.FormatFloat(*at(v), 'f', -1, 64) },
		set: func(v *Values, typed string) error {
			n, err := strconv.ParseFloat(typed, 64)
			if err != nil || !(n >= least && n <= most) { // a NaN is neither
				return fmt.Errorf("%w: a number from %v to %v", ErrValue, least, most)
			}
			*at(v) = n
			return nil
		},
	}
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func checkZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return fmt.Errorf("%w: this machine knows no time zone %.60q", ErrValue, name)
	}
	return nil
}

func checkWebhook(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%w: it is no http or https address", ErrValue)
	}
	return nil
}

// Hide leaves of an address what tells it from others, not what opens it.
func Hide(address string) string {
	if address == "" {
		return ""
	}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host + "/…"
	}
	return "…"
}

// Errors of this package.
var (
	ErrUnknown = errors.New("there is no such setting")
	// ErrValue: a value may not be so; the error says what may.
	ErrValue = errors.New("out of range")
	// ErrFixed: the config file or the environment says it.
	ErrFixed = errors.New("the config fixes this setting")
	// ErrChanged: somebody changed it since it was looked at.
	ErrChanged = errors.New("somebody else changed this setting meanwhile")
	// ErrNothing: there is no change that could be taken back.
	ErrNothing = errors.New("there is nothing to undo")
)
