package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Speaker says texts, numbers and times in one language. It may be used from
// many goroutines.
type Speaker struct {
	lang  Lang
	texts map[string]string
}

// Lang is the language spoken.
func (s *Speaker) Lang() Lang { return s.lang }

// Has reports whether the catalogue holds key.
func (s *Speaker) Has(key string) bool {
	_, ok := s.texts[key]
	return ok
}

// Say returns the text of key with its {name} placeholders filled in. args are
// pairs of name and value; values are written as fmt.Sprint does, so numbers
// that people read go through Number first. A key that is missing comes back
// in brackets, where a reader and a test will see it.
func (s *Speaker) Say(key string, args ...any) string {
	text, ok := s.texts[key]
	if !ok {
		return "[" + key + "]"
	}
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Count says key+".one" or key+".other", whichever n asks for, with {n} filled
// in. English and Spanish both have the singular for exactly 1.
func (s *Speaker) Count(key string, n int, args ...any) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return s.Say(key+form, append([]any{"n", s.Whole(n)}, args...)...)
}

// Whole writes a whole number with its thousands apart: 12,345 in English,
// 12.345 in Spanish, which leaves four digits together.
func (s *Speaker) Whole(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	separator, least := ",", 4
	if s.lang == Spanish {
		separator, least = ".", 5
	}
	if len(digits) < least {
		return sign + digits
	}
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// Decimal writes v with the given number of decimals; -1 = as many as it has.
func (s *Speaker) Decimal(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if s.lang == Spanish {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// Percent writes a share of 0..1 as whole per cent. Only a share of exactly 1
// is "100 %": nothing less than certain is rounded up to it.
func (s *Speaker) Percent(share float64) string {
	value := math.Round(share * 100)
	if share < 1 {
		value = min(value, 99)
	}
	if s.lang == Spanish {
		return strconv.Itoa(int(value)) + " %"
	}
	return strconv.Itoa(int(value)) + "%"
}

// Bytes writes a size in the unit that people compare disks in: powers of 1000.
func (s *Speaker) Bytes(n int64) string {
	switch {
	case n >= 1e9:
		return s.Decimal(float64(n)/1e9, 1) + " GB"
	case n >= 1e6:
		return s.Decimal(float64(n)/1e6, 0) + " MB"
	default:
		return s.Decimal(float64(n)/1e3, 0) + " kB"
	}
}

// Confidence says a probability of 0..1 as people say it.
func (s *Speaker) Confidence(p float64) string {
	switch {
	case p >= 0.95:
		return s.Say("confidence.very")
	case p >= 0.8:
		return s.Say("confidence.quite")
	case p >= 0.6:
		return s.Say("confidence.fairly")
	default:
		return s.Say("confidence.hardly")
	}
}

// Ago says how long ago something was: "just now", "40 s ago", "4 min ago",
// "2 h ago", "3 days ago". What lies ahead (clocks differ) is "just now" too.
// Seconds go in steps of ten, so that a page does not flicker.
func (s *Speaker) Ago(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return s.Say("time.now")
	case d < time.Minute:
		return s.Say("time.seconds_ago", "n", int(d.Seconds())/10*10)
	case d < time.Hour:
		return s.Say("time.minutes_ago", "n", int(d.Minutes()))
	case d < 24*time.Hour:
		return s.Say("time.hours_ago", "n", int(d.Hours()))
	default:
		return s.Count("time.days_ago", int(d.Hours()/24))
	}
}

// Lasting says a length of time: "40 s", "4 min", "2 h 5 min", "3 days".
func (s *Speaker) Lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return s.Say("time.seconds", "n", int(d.Seconds()))
	case d < time.Hour:
		return s.Say("time.minutes", "n", int(d.Minutes()))
	case d < 24*time.Hour:
		return s.Say("time.hours", "n", int(d.Hours()), "m", int(d.Minutes())%60)
	default:
		return s.Count("time.days", int(d.Hours()/24))
	}
}

// Clock writes the time of day, as both languages do: 14:05.
func (s *Speaker) Clock(t time.Time) string { return t.Format("15:04") }

// Date writes a day: "Tuesday 24 November 2026", "martes 24 de noviembre de 2026".
func (s *Speaker) Date(t time.Time) string { return s.withWeekday(t, s.withYear(t)) }

// ShortDate writes a day without its year: "Tuesday 24 November".
func (s *Speaker) ShortDate(t time.Time) string { return s.withWeekday(t, s.dayMonth(t)) }

// Exact writes a moment to the second with its day.
func (s *Speaker) Exact(t time.Time) string { return s.withYear(t) + ", " + t.Format("15:04:05") }

func (s *Speaker) dayMonth(t time.Time) string {
	return s.Say("date.day", "day", t.Day(), "month", s.Say("month."+strconv.Itoa(int(t.Month()))))
}

func (s *Speaker) withYear(t time.Time) string {
	return s.Say("date.year", "date", s.dayMonth(t), "year", t.Year())
}

func (s *Speaker) withWeekday(t time.Time, date string) string {
	return s.Say("date.weekday", "weekday", s.Say("weekday."+strconv.Itoa(int(t.Weekday()))), "date", date)
}

// Moment is a time as a page shows it: said the way people do, exact for the
// <time> element's datetime and title.
type Moment struct {
	Text    string // "4 min ago"
	Exact   string // "24 November 2026, 14:05:09"
	Machine string // RFC 3339
}

// Moment says t as seen at now. It is the zero Moment when t is zero.
func (s *Speaker) Moment(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	return Moment{Text: s.Ago(now.Sub(t)), Exact: s.Exact(t), Machine: t.Format(time.RFC3339)}
}
