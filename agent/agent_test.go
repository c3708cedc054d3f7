package agent

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A limit that nobody reads is no limit.
func TestEveryFieldOfAProfileIsRead(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	found, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	parts := reflect.TypeFor[profiles.Profile]()
	checked := 0
	for i := range parts.NumField() {
		part := parts.Field(i)
		if part.Type.Kind() != reflect.Struct {
			continue // its name and what it is for: read where it is chosen
		}
		for j := range part.Type.NumField() {
			field := part.Type.Field(j).Name
			whole := "profile." + part.Name + "." + field
			handed := part.Name == "Camera" && strings.Contains(source.String(), "p."+field) // sized gets the part
			if !strings.Contains(source.String(), whole) && !handed {
				t.Errorf("%s is read by nobody", whole)
			}
			checked++
		}
	}
	if checked < 15 {
		t.Errorf("only %d fields were looked for", checked)
	}
}

func TestDevicesAreAskedForTheProfilesSize(t *testing.T) {
	t.Parallel()
	p := profiles.Camera{Width: 1280, Height: 720}
	for source, want := range map[string]string{
		"device:/dev/video0":                      "device:/dev/video0?width=1280&height=720",
		"device:/dev/video0?fps=15":               "device:/dev/video0?fps=15&width=1280&height=720",
		"device:/dev/video0?width=640&height=480": "device:/dev/video0?width=640&height=480",
		"device:/dev/video0?height=480":           "device:/dev/video0?height=480",
		"rtsp://host/stream":                      "rtsp://host/stream",
		"folder:/photos":                          "folder:/photos",
	} {
		a, err := capture.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		got := sized(source, a, p)
		if _, err := capture.Parse(got); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestProfileIsChosenByNameOrByTheMachine(t *testing.T) {
	t.Parallel()
	if p, err := chooseProfile("generic-arm64"); err != nil || p.Name != "generic-arm64" {
		t.Errorf("by name: %v, %v", p.Name, err)
	}
	if _, err := chooseProfile("toaster"); err == nil {
		t.Error("an unknown profile is taken")
	}
	if p, err := chooseProfile(""); err != nil || p.Memory.AgentMB == 0 {
		t.Errorf("of this machine: %+v, %v", p, err)
	}
}
