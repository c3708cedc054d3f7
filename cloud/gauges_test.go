package cloud

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestStrangerAtTheBoardsDoorShowsInTheNumbers(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	client := setUp(t, h, out)
	// It speaks no TLS.
	if answer, err := http.Get("http://" + h.boards.broker.Addr().String()); err == nil {
		_ = answer.Body.Close()
		t.Error("the door for boards answers a browser")
	}
	failed := regexp.MustCompile(`(?m)^gourdian_hub_broker_handshakes_failed [1-9]`)
	until(t, "the failed handshake", func() bool {
		_, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/metrics", nil)
		return failed.MatchString(body)
	})
	page, err := os.ReadFile("../docs/hub-api.md")
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/metrics", nil)
	if status != http.StatusOK || !strings.Contains(body, "\ngourdian_hub_boards_online 0\n") {
		t.Errorf("%d\n%s", status, body)
	}
	for _, line := range strings.Split(body, "\n") {
		name, typed := strings.CutPrefix(line, "# TYPE gourdian_hub_")
		if name, _, _ = strings.Cut(name, " "); typed && !strings.Contains(string(page), "`gourdian_hub_"+name+"`") {
			t.Errorf("docs/hub-api.md does not name gourdian_hub_%s", name)
		}
	}
}
