package page

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"gourdian/agent/internal/doctor"
	"gourdian/internal/web"
)

const troubleshooting = "../../../docs/troubleshooting.md"

// quotes returns what the page about troubles quotes, by its marks: the words of
// the device page, and the codes of the doctor.
func quotes(t *testing.T) (words, codes []string) {
	t.Helper()
	text, err := os.ReadFile(troubleshooting)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "**Page:**"):
			for _, found := range regexp.MustCompile(`“([^”]*)”`).FindAllStringSubmatch(line, -1) {
				words = append(words, found[1])
			}
		case strings.HasPrefix(line, "**Doctor:**"):
			for _, found := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(line, -1) {
				codes = append(codes, found[1])
			}
		}
	}
	return words, codes
}

func TestTroublesAreCalledAsThePageCallsThem(t *testing.T) {
	t.Parallel()
	words, _ := quotes(t)
	if len(words) < 15 {
		t.Errorf("only %d words are quoted: the test looks in the wrong place", len(words))
	}
	c := catalogue(t)
	english := c.In(web.English)
	var said []string
	for _, key := range c.Keys(web.English) {
		said = append(said, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(english.Say(key), "…"))
	}
	all := strings.Join(said, "\n")
	for _, quoted := range words {
		if !strings.Contains(all, quoted) {
			t.Errorf("no page says %q", quoted)
		}
	}
}

func TestEveryTroubleThatTheDoctorFindsIsExplained(t *testing.T) {
	t.Parallel()
	_, codes := quotes(t)
	named := map[doctor.Code]bool{}
	for _, code := range codes {
		if _, known := doctor.Codes()[doctor.Code(code)]; !known {
			t.Errorf("the doctor finds no %s", code)
		}
		named[doctor.Code(code)] = true
	}
	for code, verdict := range doctor.Codes() {
		if (verdict == doctor.Failed || verdict == doctor.Warning) && !named[code] {
			t.Errorf("%s is explained nowhere", code)
		}
	}
}
