package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gourdian/internal/configfile"
)

// defaults are those of a folder that is no checkout.
func defaults(t *testing.T) Config {
	t.Helper()
	return Default(t.TempDir())
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return found
}

func TestGoodFiles(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, "good/*.yaml") {
		if _, err := Load(path, nil, defaults(t)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	got, err := Load("testdata/good/whole.yaml", nil, defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Data: "/tmp/board", Listen: "127.0.0.1:9090", Profile: "generic-x86-64", Log: "debug",
		Model:   Model{Bundle: "/models/grade.gourdian", Variant: "fp32", Provider: "xnnpack,cpu", Require: "cpu", OnnxRuntime: "/opt/libonnxruntime.so"},
		Update:  Update{Frames: 40, Shadow: 60, Soak: 30},
		Workers: Workers{Camera: "/opt/gourdian-camera", Infer: "/opt/gourdian-infer"},
		Cameras: []Camera{
			{ID: "barn", Name: "Puerta del granero, 40 letras con eñes ñ", Source: "rtsp://viewer:secret@192.168.1.20/stream1?token=secret", FPS: 2.5},
			{ID: "row-3", Source: "device:/dev/video0?height=480&width=640"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Each bad file says in its first line what the error must hold.
func TestBadFilesAreRefusedWithThePath(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, "bad/*.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(data), "\n")
		want, found := strings.CutPrefix(first, "# want: ")
		if !found {
			t.Fatalf("%s says not what is wrong with it", path)
		}
		if _, err := Load(path, nil, defaults(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestAllProblemsAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	c := Config{Listen: "x", Log: "loud", Profile: "toaster", Model: Model{Provider: "gpu", Require: "npu"}, Cameras: []Camera{{ID: "A", Source: "?", FPS: -1}}}
	err := c.Validate()
	for _, want := range []string{"data:", "listen:", "log:", "profile:", "model.provider:", "model.require:", "id:", "source:", "fps:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestFileThatCanNotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, bytes.Repeat([]byte("# sand\n"), configfile.MaxFile/7+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "absent.yaml"): "no such file",
		dir:                               "is a directory",
		large:                             "is larger than",
	} {
		if _, err := Load(path, nil, defaults(t)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestBundleLiesInTheDataFolderWhereNoneIsNamed(t *testing.T) {
	t.Parallel()
	c, err := Load("", []string{"GOURDIAN_AGENT_DATA=/srv/board"}, defaults(t))
	if err != nil || c.Model.Bundle != "/srv/board/model.gourdian" {
		t.Errorf("bundle = %q, %v", c.Model.Bundle, err)
	}
	if c, err := Load("", nil, defaults(t)); err != nil || c.Data != InstalledData {
		t.Errorf("data = %q, %v", c.Data, err)
	}
	checkout := t.TempDir()
	if err := os.WriteFile(filepath.Join(checkout, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := Default(checkout); c.Data != filepath.Join(checkout, ".cache", "agent") {
		t.Errorf("a checkout's data are at %q", c.Data)
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	t.Parallel()
	// In no order: a list grows by its next index however these are sorted.
	environ := []string{
		"PATH=/bin", "GOURDIAN_ONNXRUNTIME=/elsewhere",
		"GOURDIAN_AGENT_CAMERAS_2_SOURCE=folder:/photos?loop=1&fps=2", "GOURDIAN_AGENT_CAMERAS_2_ID=photos",
		"GOURDIAN_AGENT_CAMERAS_10_ID=k", "GOURDIAN_AGENT_CAMERAS_10_SOURCE=field:",
		"GOURDIAN_AGENT_CAMERAS_0_FPS=7.5", "GOURDIAN_AGENT_LISTEN=:1234", "GOURDIAN_AGENT_MODEL_BUNDLE=a=b.gourdian",
	}
	for _, i := range []string{"9", "8", "7", "6", "5", "4", "3"} {
		environ = append(environ, "GOURDIAN_AGENT_CAMERAS_"+i+"_ID=c"+i, "GOURDIAN_AGENT_CAMERAS_"+i+"_SOURCE=field:")
	}
	c, err := Load("testdata/good/whole.yaml", environ, defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Cameras) != 11 || c.Cameras[0].FPS != 7.5 || c.Cameras[0].ID != "barn" || c.Cameras[1].ID != "row-3" ||
		c.Cameras[2].Source != "folder:/photos?loop=1&fps=2" || c.Cameras[10].ID != "k" {
		t.Errorf("cameras = %+v", c.Cameras)
	}
	if c.Listen != ":1234" || c.Model.Bundle != "a=b.gourdian" || c.Model.Variant != "fp32" {
		t.Errorf("config = %+v", c)
	}
}

func TestMisspeltEnvironmentIsRefused(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]string{
		"GOURDIAN_AGENT_LISTNE=:1":           "listne",
		"GOURDIAN_AGENT_MODEL_BUNDEL=x":      "bundel",
		"GOURDIAN_AGENT_CAMERAS_0_FPS=quick": "cameras[0].fps",
		"GOURDIAN_AGENT_CAMERAS_5_ID=x":      "GOURDIAN_AGENT_CAMERAS_5_ID",
		"GOURDIAN_AGENT_CAMERAS_0=field:":    "GOURDIAN_AGENT_CAMERAS_0",
		"GOURDIAN_AGENT_CAMERAS_-1_ID=x":     "GOURDIAN_AGENT_CAMERAS_-1_ID",
		"GOURDIAN_AGENT_CAMERAS=field:":      "cameras",
		"GOURDIAN_AGENT_=x":                  "invalid keys",
	} {
		if _, err := Load("", []string{variable}, defaults(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", variable, err, want)
		}
	}
}

func TestPrintedConfigHoldsEverythingButPasswords(t *testing.T) {
	t.Parallel()
	c, err := Load("testdata/good/whole.yaml", nil, defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("a password is printed:\n%s", &out)
	}
	printed := filepath.Join(t.TempDir(), "printed.yaml")
	if err := os.WriteFile(printed, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Load(printed, nil, Config{})
	if err != nil {
		t.Fatalf("what is printed is no config: %v\n%s", err, &out)
	}
	again.Cameras[0].Source = c.Cameras[0].Source
	if !reflect.DeepEqual(again, c) {
		t.Errorf("printed and read again\n%+v\nwant\n%+v", again, c)
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, pattern := range []string{"good", "bad"} {
		found, err := filepath.Glob(filepath.Join("testdata", pattern, "*.yaml"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil, Config{Data: "/d", Listen: ":1", Log: "info"})
		if err != nil {
			return
		}
		if err := c.Print(&bytes.Buffer{}); err != nil {
			t.Errorf("a good config can't be printed: %v", err)
		}
	})
}
