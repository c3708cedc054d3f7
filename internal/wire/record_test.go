package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recordForm is the newest contract that has a golden file of a record; a
// record that gains fields needs one of the contract that brings them.
const recordForm = 2

// goldenRecord is what every testdata/record-N.json must decode to, as far as
// version N had its fields.
func goldenRecord() Record {
	return Record{
		Device:        "b7q2m0x4",
		Epoch:         "9f1c2a7e5d3b4860",
		Seq:           4711,
		Boot:          "03a9e6f1c2d84b57",
		CapturedAt:    time.Date(2026, 10, 4, 6, 31, 7, 250e6, time.UTC),
		WallAt:        time.Date(2026, 10, 4, 6, 31, 9, 125e6, time.UTC),
		Clock:         ClockEstimated,
		Camera:        "row-3",
		Zone:          "left",
		Frames:        17,
		Seconds:       8.5,
		Model:         "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
		Preprocess:    "square-triangle-224/1-0efaccc78223",
		Variant:       "fp32",
		Probabilities: map[string]float64{"good": 0.25, "regular": 0.5625, "bad": 0.0625, "not_pumpkin": 0.125},
		Novelty:       0.1875,
		Verdict:       Unsure,
		Reason:        ReasonLowConfidence,
		Image:         "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
	}
}

func goldenFile(t testing.TB, version int) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("record-%d.json", version)))
	if err != nil {
		t.Fatalf("every contract version needs its golden file: %v", err)
	}
	return data
}

func TestGoldenFilesOfEveryVersionAreDecoded(t *testing.T) {
	t.Parallel()
	for version := 1; version <= recordForm; version++ {
		got, err := DecodeRecord(goldenFile(t, version))
		if err != nil {
			t.Errorf("version %d: %v", version, err)
		}
		if want := goldenRecord(); !reflect.DeepEqual(got, want) {
			t.Errorf("version %d:\n got %+v\nwant %+v", version, got, want)
		}
	}
}

// Whoever adds, renames or reorders a field meets this test and reads the
// package doc.
func TestNewestVersionIsWrittenAsItsGoldenFile(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(goldenRecord(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(goldenFile(t, recordForm))); string(got) != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
}

func TestContractHistoryEndsWithTheContract(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("record.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^//\t(\d+)  \d{4}-\d{2}-\d{2}  \S`).FindAllSubmatch(source, -1)
	for i, line := range lines {
		if string(line[1]) != strconv.Itoa(i+1) {
			t.Errorf("line %d of the history is version %s", i+1, line[1])
		}
	}
	if len(lines) != Contract {
		t.Errorf("the history has %d versions, Contract is %d", len(lines), Contract)
	}
}

func TestFieldsOfANewerBoardAreIgnored(t *testing.T) {
	t.Parallel()
	newer := strings.Replace(string(goldenFile(t, recordForm)), "{", `{"weight_kg": {"low": 3}, `, 1)
	got, err := DecodeRecord([]byte(newer))
	if err != nil || !reflect.DeepEqual(got, goldenRecord()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRecordsOutsideTheLimitsAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxName+1)
	for name, spoil := range map[string]func(*Record){
		"device":        func(r *Record) { r.Device = "" },
		"device ":       func(r *Record) { r.Device = long },
		"device  ":      func(r *Record) { r.Device = "a/../b" },
		"device   ":     func(r *Record) { r.Device = ".hidden" },
		"epoch":         func(r *Record) { r.Epoch = "#" },
		"seq":           func(r *Record) { r.Seq = 0 },
		"boot":          func(r *Record) { r.Boot = "a b" },
		"captured_at":   func(r *Record) { r.CapturedAt = time.Time{} },
		"captured_at ":  func(r *Record) { r.CapturedAt = r.CapturedAt.In(time.FixedZone("CEST", 7200)) },
		"wall_at":       func(r *Record) { r.WallAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) },
		"clock":         func(r *Record) { r.Clock = "sundial" },
		"camera":        func(r *Record) { r.Camera = "+" },
		"zone":          func(r *Record) { r.Zone = "a/b" },
		"frames":        func(r *Record) { r.Frames = 0 },
		"frames ":       func(r *Record) { r.Frames = MaxFrames + 1 },
		"seconds":       func(r *Record) { r.Seconds = -1 },
		"seconds ":      func(r *Record) { r.Seconds = math.NaN() },
		"model":         func(r *Record) { r.Model = strings.ToUpper(r.Model) },
		"model ":        func(r *Record) { r.Model = r.Model[:62] },
		"preprocess":    func(r *Record) { r.Preprocess = "" },
		"variant":       func(r *Record) { r.Variant = "int8\n" },
		"probabilities": func(r *Record) { r.Probabilities = nil },
		"probabilities ": func(r *Record) {
			r.Probabilities = map[string]float64{"good": 0.5}
		},
		"probabilities  ": func(r *Record) {
			r.Probabilities = map[string]float64{"good": math.NaN(), "bad": 1}
		},
		"probabilities   ": func(r *Record) {
			r.Probabilities = map[string]float64{"good": 1.5, "bad": -0.5}
		},
		"probabilities    ": func(r *Record) {
			r.Probabilities = map[string]float64{"go\x00od": 1}
		},
		"probabilities     ": func(r *Record) {
			r.Probabilities = map[string]float64{}
			for i := range MaxClasses + 1 {
				r.Probabilities[strconv.Itoa(i)] = 0
			}
		},
		"novelty":   func(r *Record) { r.Novelty = math.Inf(1) },
		"verdict":   func(r *Record) { r.Verdict = "" },
		"verdict ":  func(r *Record) { r.Verdict = Verdict(long) },
		"verdict  ": func(r *Record) { r.Verdict = "\xff" },
		"reason":    func(r *Record) { r.Reason = "" },
		"reason ":   func(r *Record) { r.Verdict = Good },
		"reason  ":  func(r *Record) { r.Reason = "mood" },
		"image":     func(r *Record) { r.Image = "../../etc/passwd" },
	} {
		r := goldenRecord()
		spoil(&r)
		field := strings.TrimSpace(name)
		err := r.Validate()
		if !errors.Is(err, ErrRecord) || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("spoilt %s: %v", field, err)
		}
		if n := strings.Count(fmt.Sprint(err), "\n"); n > 0 {
			t.Errorf("spoilt %s alone, but %d faults: %v", field, n+1, err)
		}
	}
}

func TestRecordsWithinTheLimits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Record){
		"sure":               func(r *Record) { r.Verdict, r.Reason = Regular, "" },
		"custom class":       func(r *Record) { r.Verdict, r.Reason = "calabaza añeja", "" },
		"whole picture":      func(r *Record) { r.Zone = "" },
		"no picture":         func(r *Record) { r.Image = "" },
		"board without time": func(r *Record) { r.WallAt = time.Unix(0, 0).UTC() },
		"no network looked":  func(r *Record) { r.Reason, r.Probabilities = ReasonQuality, nil },
		"rounded":            func(r *Record) { r.Probabilities = map[string]float64{"good": 1.0000001, "bad": 0} },
	} {
		r := goldenRecord()
		change(&r)
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	err := new(Record).Validate()
	fields := reflect.TypeFor[Record]()
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		switch name {
		case "zone", "seconds", "novelty", "reason", "image": // may be empty
		default:
			if !strings.Contains(err.Error(), name+": ") {
				t.Errorf("an empty record is not blamed for %s", name)
			}
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for version := 1; version <= recordForm; version++ {
		f.Add(goldenFile(f, version))
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Add([]byte(strings.Repeat("[", MaxRecordBytes+1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeRecord(data)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("a valid record can't be written: %v", err)
		}
		twin, err := DecodeRecord(again)
		if err != nil && len(again) <= MaxRecordBytes {
			t.Fatalf("a written record is refused: %v", err)
		}
		if err == nil && (twin.Seq != r.Seq || !twin.CapturedAt.Equal(r.CapturedAt) || twin.Verdict != r.Verdict) {
			t.Fatalf("%+v came back as %+v", r, twin)
		}
	})
}
