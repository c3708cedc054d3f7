package doctor

import (
	"fmt"
	"math"
	"strings"
	"time"

	"gourdian/internal/web"
)

// Words says a result in one sentence, and what to do; "" where nothing is to
// be done.
func Words(s *web.Speaker, r Result) (text, remedy string) {
	args := make([]any, 0, 2*len(r.Args))
	for name, value := range r.Args {
		args = append(args, name, said(s, value))
	}
	key := "doctor." + string(r.Code)
	if v := r.Verdict(); v == Warning || v == Failed {
		remedy = s.Say(key+".do", args...)
	}
	return s.Say(key, args...), remedy
}

// Name says what a check looks at.
func Name(s *web.Speaker, check string) string { return s.Say("doctor.check_" + check) }

func said(s *web.Speaker, value any) string {
	switch v := value.(type) {
	case int:
		return s.Whole(v)
	case float64:
		return number(s, v)
	case Size:
		return s.Bytes(int64(v))
	case Span:
		if d := time.Duration(v); d < time.Second {
			return number(s, float64(d)/float64(time.Millisecond)) + " ms"
		}
		return number(s, time.Duration(v).Seconds()) + " s"
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(value)
}

// number writes three digits, or all before the point, and no zeros behind it.
func number(s *web.Speaker, v float64) string {
	decimals := 0
	switch size := math.Abs(v); {
	case v == math.Trunc(v):
	case size < 0.995:
		decimals = 2
	case size < 99.5:
		decimals = 1
	}
	return s.Decimal(v, decimals)
}
