package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// kind is one message of the link as the tests see it.
type kind struct {
	golden any // what testdata/<name>-<version>.json must decode to
	decode func([]byte) (any, error)
	// version is the contract in which this form was new. A message that gains
	// fields is another kind: the old one stays, and is decoded for ever.
	version int
}

func kindOf[T any](golden T, decode func([]byte) (T, error)) kind {
	return kind{golden, func(data []byte) (any, error) { return decode(data) }, linkSince}
}

// since is a kind that a later contract brought.
func since[T any](version int, golden T, decode func([]byte) (T, error)) kind {
	k := kindOf(golden, decode)
	k.version = version
	return k
}

const goldenHash = "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"

func kinds() map[string]kind {
	at := time.Date(2026, 10, 4, 6, 31, 7, 250e6, time.UTC)
	return map[string]kind{
		"batch": kindOf(Batch{Contract: 2, Epoch: "9f1c2a7e5d3b4860", First: 4711, Oldest: 17,
			Records: []json.RawMessage{json.RawMessage(`{"seq":4711}`), json.RawMessage(`"poison"`)}}, DecodeBatch),
		"ack": kindOf(Ack{Contract: 2, Epoch: "9f1c2a7e5d3b4860", Through: 4712,
			Rejected: []Rejection{{Seq: 4712, Reason: "bad record", Do: Quarantine}}}, DecodeAck),
		"state":   kindOf(goldenState(at), DecodeState),
		"will":    kindOf(State{Contract: 2, Boot: "03a9e6f1c2d84b57"}, DecodeState),
		"desired": kindOf(Desired{Contract: 2, Version: 3, Name: "North field", Site: "Oak farm", Settings: map[string]any{"language": "es"}}, DecodeDesired),
		"summary": kindOf(Summary{Contract: 2, Epoch: "9f1c2a7e5d3b4860", Hour: at.Truncate(time.Hour),
			Cameras: map[string]Counts{"row-3": {Good: 4, Unsure: 1}, "row-4": {}}, NotKept: 2}, DecodeSummary),
		"summary-sketched": since(3, Summary{Contract: 3, Epoch: "9f1c2a7e5d3b4860", Hour: at.Truncate(time.Hour),
			Cameras: map[string]Counts{"row-3": {Good: 4}}, Sketches: []CameraSketch{{Camera: "row-3", Model: goldenHash, Variant: "int8", Data: []byte("sketch")}}}, DecodeSummary),
		"log":        kindOf(LogLines{Contract: 2, Lines: []LogLine{{At: at, Level: "WARN", Text: "a commit failed"}}, Dropped: 1}, DecodeLogLines),
		"want":       kindOf(Want{Contract: 2, Hash: goldenHash, Offset: 65536}, DecodeWant),
		"want-erase": since(4, Want{Contract: 4, Hash: goldenHash, Refuse: "deleted", Erase: true}, DecodeWant),
		"join-request": kindOf(JoinRequest{Contract: 2, Secret: "s3cret", Device: "b7q2m0x4", CSR: "-----BEGIN CERTIFICATE REQUEST-----\n",
			Name: "North field", Version: "1.2.3"}, DecodeJoinRequest),
		"join-answer": kindOf(JoinAnswer{Contract: 2, Certificate: "-----BEGIN CERTIFICATE-----\n", CA: "-----BEGIN CERTIFICATE-----\n",
			Broker: "hub.example:8883", Site: "Oak farm", Name: "North field", Hub: "1.2.3"}, DecodeJoinAnswer),
		"desired-model": since(3, Desired{Contract: 3, Version: 4, Name: "North field", Site: "Oak farm", Pause: true, Root: `{"signed":{}}`,
			Model: &DesiredModel{Bundle: goldenHash, Rollout: "5f0c", Reason: "the wet week"}}, DecodeDesired),
		"desired-release": since(3, Desired{Contract: 3, Version: 5, Model: &DesiredModel{Rollout: "5f0c-back", Release: true}}, DecodeDesired),
		"state-update":    since(3, updatingState(at), DecodeState),
		"join-answer-root": since(3, JoinAnswer{Contract: 3, Certificate: "-----BEGIN CERTIFICATE-----\n", CA: "-----BEGIN CERTIFICATE-----\n",
			Broker: "hub.example:8883", Site: "Oak farm", Name: "North field", Hub: "1.3.0", Root: `{"signed":{}}`}, DecodeJoinAnswer),
		"ask":            since(3, Ask{Contract: 3, Metadata: []string{"timestamp.json", "2.root.json"}, Chunks: []string{goldenHash}}, DecodeAsk),
		"chunk-metadata": since(3, ChunkHeader{Contract: 3, Metadata: "1763999999.targets.json", Total: 14}, decodeChunk([]byte("the last piece"))),
		"chunk-piece":    since(3, ChunkHeader{Contract: 3, Chunk: goldenHash, Offset: 65536, Total: 70000}, decodeChunk([]byte("the last piece"))),
		"chunk-missing":  since(3, ChunkHeader{Contract: 3, Chunk: goldenHash, Missing: true}, decodeChunk(nil)),
		"sample-offer": kindOf(SampleHeader{Contract: 2, Offer: &Sample{Hash: goldenHash, Bytes: 70000, Epoch: "9f1c2a7e5d3b4860", Seq: 4711,
			CapturedAt: at, Camera: "row-3", Zone: "left", Why: WhyCorrection, Worth: 0.75, Verdict: Good, Correction: Bad}}, decodeOffer),
		"sample-piece":  kindOf(SampleHeader{Contract: 2, Hash: goldenHash, Offset: 65536, Total: 70000}, decodePiece),
		"sample-erased": since(4, SampleHeader{Contract: 4, Hash: goldenHash, Erased: true}, decodeOffer),
	}
}

func goldenState(at time.Time) State {
	return State{
		Contract: 2, Online: true, Boot: "03a9e6f1c2d84b57", At: at, Started: at.Add(-time.Hour), Clock: ClockSynced,
		Epoch: "9f1c2a7e5d3b4860", LastSeq: 4712, Unsent: 3,
		Versions: Versions{Agent: "1.2.3", OnnxRuntime: "1.32.0", Preprocess: "square-triangle-224/1-0efaccc78223"},
		Board:    BoardState{Arch: "arm64", Profile: "pi-4", Temperature: 51.5, FreeDisk: 1 << 33, Memory: 1 << 26},
		Model: &ModelState{Bundle: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d", Name: "patch", Variant: "int8",
			Provider: "cpu", InferMillis: 21.5, TrainedOn: "rendered"},
		Cameras:    []CameraState{{ID: "row-3", Name: "Row 3", Source: "rtsp", FrameAt: &at, FPS: 5, Scored: 9000, Dropped: 2}},
		Conditions: []ConditionState{{Code: "disk_low", Severity: "warning", Args: map[string]string{"free_mb": "300"}, Since: at}},
		Store:      StoreState{Records: 4700, Pictures: 900, PictureBytes: 1 << 30, PictureQuota: 2e9, NotKept: 2},
		Settings:   map[string]any{"language": "es"},
		Desired:    DesiredState{Version: 3, Error: "cameras[0].id: the board has no such camera"},
		BytesUp:    123456, BytesDown: 7890,
	}
}

// updatingState is of a board that was not convinced by a model.
func updatingState(at time.Time) State {
	s := goldenState(at)
	s.Contract = 3
	s.Update = &UpdateState{Bundle: goldenHash, Rollout: "5f0c", Stage: StageRefused, Step: StepShadow, Why: "31 of 40 frames agree", DoneBytes: 70000,
		TotalBytes: 90000, ReusedBytes: 20000, Shadow: &ShadowState{Frames: 40, Agree: 31, Seconds: 12.5}, At: at}
	return s
}

// decodeChunk reads a header before that body.
func decodeChunk(body []byte) func(header []byte) (ChunkHeader, error) {
	return func(header []byte) (ChunkHeader, error) {
		frame, err := EncodeFrame(json.RawMessage(header), body)
		if err != nil {
			return ChunkHeader{}, fmt.Errorf("%w: %w", ErrMessage, err)
		}
		h, got, err := DecodeChunk(frame)
		if err == nil && !bytes.Equal(got, body) {
			return ChunkHeader{}, errors.New("another body came back")
		}
		return h, err
	}
}

// decodeOffer and decodePiece read a header alone: as a frame, with a body
// where there must be one.
func decodeOffer(header []byte) (SampleHeader, error) { return decodeHeader(header, nil) }

func decodePiece(header []byte) (SampleHeader, error) {
	return decodeHeader(header, []byte("the last piece"))
}

func decodeHeader(header, body []byte) (SampleHeader, error) {
	frame, err := EncodeFrame(json.RawMessage(header), body)
	if err != nil {
		return SampleHeader{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	h, got, err := DecodeSample(frame)
	if err == nil && !bytes.Equal(got, body) {
		return SampleHeader{}, errors.New("another body came back")
	}
	return h, err
}

func goldenMessage(t testing.TB, name string, version int) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%s-%d.json", name, version)))
	if err != nil {
		t.Fatalf("every contract version needs its golden file: %v", err)
	}
	return data
}

func TestGoldenMessagesOfEveryVersionAreDecoded(t *testing.T) {
	t.Parallel()
	newest := linkSince
	for name, k := range kinds() {
		newest = max(newest, k.version)
		got, err := k.decode(goldenMessage(t, name, k.version))
		if err != nil || !reflect.DeepEqual(compacted(got), compacted(k.golden)) {
			t.Errorf("%s, version %d: %v\n got %+v\nwant %+v", name, k.version, err, got, k.golden)
		}
	}
	if newest != Contract {
		t.Errorf("the newest form is of version %d, Contract is %d", newest, Contract)
	}
}

// compacted gives raw records the form that Marshal gives them.
func compacted(v any) any {
	b, ok := v.(Batch)
	if !ok {
		return v
	}
	for i, raw := range b.Records {
		var out bytes.Buffer
		if json.Compact(&out, raw) == nil {
			b.Records[i] = out.Bytes()
		}
	}
	return b
}

func TestNewestMessagesAreWrittenAsTheirGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		got, err := json.MarshalIndent(k.golden, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(goldenMessage(t, name, k.version))); string(got) != want {
			t.Errorf("%s is written:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestMessagesOfANewerProgramAreRead(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		newer := strings.Replace(string(goldenMessage(t, name, k.version)), `"contract": `, `"weight_kg": {"low": [3]}, "contract": 1`, 1)
		if _, err := k.decode([]byte(newer)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessagesOutsideTheLimitsAreRefused(t *testing.T) {
	t.Parallel()
	long, many := strings.Repeat("x", MaxText+1), strings.Repeat(`{},`, 1000)
	for name, spoils := range map[string][][2]string{
		"batch": {{`"first": 4711`, `"first": 0`}, {`"first": 4711`, `"first": 9223372036854775807`}, {`"oldest": 17`, `"oldest": 4712`},
			{`"epoch": "9f1c2a7e5d3b4860"`, `"epoch": "../x"`}, {`"poison"`, `null`}, {`"poison"`, many + `{}`}, {`"contract": 2`, `"contract": 1`}},
		"ack": {{`"through": 4712`, `"through": -1`}, {`"through": 4712`, `"through": 9223372036854775807`}, {`"quarantine"`, `"burn"`},
			{`bad record`, long}, {`bad record`, `a\nb`}},
		"state": {{`"clock": "synced"`, `"clock": "sundial"`}, {`"unsent": 3`, `"unsent": 4713`}, {`2026-10-04T06:31:07.25Z`, `1969-10-04T06:31:07.25Z`},
			{`"row-3"`, `"#"`}, {`"severity": "warning"`, `"severity": "fatal"`}, {`"infer_ms": 21.5`, `"infer_ms": -1`}, {`"boot": "03a9e6f1c2d84b57"`, `"boot": ""`},
			{`"temperature_c": 51.5`, `"temperature_c": 1e300`}, {`"free_mb": "300"`, `"free_mb": "` + long + `"`}},
		"will":    {{`"boot": "03a9e6f1c2d84b57"`, `"boot": "a/b"`}},
		"desired": {{`North field`, long}, {`North field`, `\u0000`}, {`"version": 3`, `"version": -3`}},
		"summary": {{`06:00:00Z`, `06:00:01Z`}, {`"row-4"`, `"+"`}, {`"good": 4`, `"": 4`}, {`"good": 4`, `"good": -4`}},
		"summary-sketched": {{`"camera": "row-3"`, `"camera": "a/b"`}, {goldenHash, "x"}, {`"int8"`, `""`}, {`"data": "c2tldGNo"`, `"data": ""`},
			{`c2tldGNo`, strings.Repeat("AAAA", MaxSketch/3+1)}, {`"sketches": [`, `"sketches": [` + many}},
		"desired-model":    {{goldenHash, "x"}, {`"rollout": "5f0c"`, `"rollout": "a/b"`}, {`the wet week`, long}, {`"root": "{`, `"root": "x{`}},
		"desired-release":  {{`"release": true`, `"release": false`}},
		"state-update":     {{`"stage": "refused"`, `"stage": ""`}, {`"agree": 31`, `"agree": 41`}, {`"done_bytes": 70000`, `"done_bytes": -1`}, {`31 of 40`, `31\n40`}},
		"join-answer-root": {{`"root": "{`, `"root": "x{`}},
		"ask":              {{goldenHash, "x"}, {`2.root.json`, `../root.json`}, {`"chunks": [`, `"chunks": [` + strings.Repeat(`"`+goldenHash+`",`, MaxAsk)}},
		"chunk-metadata":   {{`1763999999.targets.json`, `targets.json`}, {`"total": 14`, `"total": 13`}},
		"chunk-piece":      {{`"total": 70000`, `"total": 65536`}, {`"offset": 65536`, `"offset": -1`}, {`"chunk": "`, `"metadata": "timestamp.json", "chunk": "`}},
		"chunk-missing":    {{`"missing": true`, `"missing": false`}},
		"log":              {{`a commit failed`, long}, {`"WARN"`, `"W ARN"`}, {`"lines": [`, `"lines": [` + many}},
		"want":             {{goldenHash, "x"}, {`65536`, `-1`}, {`65536`, `8388609`}},
		"join-request":     {{`"csr": "-----BEGIN CERTIFICATE REQUEST-----\n"`, `"csr": ""`}, {`"device": "b7q2m0x4"`, `"device": "a/b"`}, {`s3cret`, `s3 cret`}},
		"join-answer":      {{`hub.example:8883`, `hub.example`}, {`hub.example:8883`, `:8883`}, {`hub.example:8883`, `hub.example:0`}, {`"ca": "-----BEGIN CERTIFICATE-----\n"`, `"ca": ""`}},
		"sample-offer":     {{`"bytes": 70000`, `"bytes": 8388609`}, {`"why": "correction"`, `"why": "mood"`}, {`"worth": 0.75`, `"worth": 2`}, {`"seq": 4711`, `"seq": 0`}},
		"sample-piece":     {{`"total": 70000`, `"total": 65536`}, {`"offset": 65536`, `"offset": -1`}, {`"offset": 65536`, `"offset": 9223372036854775807`}},
		"want-erase":       {{goldenHash, "x"}, {`"refuse": "deleted"`, `"refuse": ""`}},
		"sample-erased":    {{goldenHash, "x"}, {`"erased": true`, `"erased": true, "total": 3`}, {`"erased": true`, `"erased": false`}},
	} {
		for _, spoil := range spoils {
			golden := string(goldenMessage(t, name, kinds()[name].version))
			spoilt := strings.Replace(golden, spoil[0], spoil[1], 1)
			if spoilt == golden {
				t.Errorf("%s has no %s to spoil", name, spoil[0])
			}
			if _, err := kinds()[name].decode([]byte(spoilt)); !errors.Is(err, ErrMessage) {
				t.Errorf("%s with %.60s: %v", name, spoil[1], err)
			}
		}
	}
}

func TestMessagesBeyondAPacketAreRefusedUnread(t *testing.T) {
	t.Parallel()
	huge := []byte(`{"contract":2,"boot":"a","x":"` + strings.Repeat("x", MaxPacket) + `"}`)
	if _, err := DecodeState(huge); !errors.Is(err, ErrMessage) || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}

func TestTextMakesAnythingFit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"año": "año", "a\nb\x00": "a b ", "\xff": " ", "ñññ": "ññ", "": ""} {
		got := Text(in, 4)
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if err := checkText("", got, 4); err != nil {
			t.Error(err)
		}
	}
}

func TestContractsSayHowTheyFit(t *testing.T) {
	t.Parallel()
	for contract, want := range map[int]Fit{0: TooOld, linkSince - 1: TooOld, linkSince: Older, Contract - 1: Older, Contract: Fits, Contract + 1: Newer} {
		if got := FitOf(contract); got != want {
			t.Errorf("contract %d: %q, want %q", contract, got, want)
		}
	}
	tooOld := []byte(strings.Replace(string(goldenMessage(t, "state", 2)), `"contract": 2`, `"contract": 1`, 1))
	if _, err := DecodeState(tooOld); !errors.Is(err, ErrContract) || !errors.Is(err, ErrMessage) {
		t.Errorf("too old: %v", err)
	}
	frame, err := EncodeFrame(SampleHeader{Contract: 9}, []byte("piece"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{string(tooOld): 1, `{"contract":7,"boot":3}`: 7, string(frame): 9, `{"contract":"x"}`: -1, `{}`: -1, "": -1, `{"contract":-4}`: -1} {
		got, ok := ContractOf([]byte(text))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%.30q names contract %d, want %d", text, got, want)
		}
	}
}

func FuzzDecodeMessages(f *testing.F) {
	for name, k := range kinds() {
		f.Add(goldenMessage(f, name, k.version))
	}
	f.Add([]byte(`null`))
	f.Add([]byte(strings.Repeat("[", 20_000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, k := range kinds() {
			v, err := k.decode(data)
			if err != nil {
				if !errors.Is(err, ErrMessage) {
					t.Fatal(name, err)
				}
				continue
			}
			again, err := json.Marshal(v)
			if err != nil {
				t.Fatalf("a valid %s can't be written: %v", name, err)
			}
			if _, err := k.decode(again); err != nil && len(again) <= MaxJoinBytes {
				t.Fatalf("a written %s is refused: %v\n%s", name, err, again)
			}
		}
	})
}

func FuzzDecodeSample(f *testing.F) {
	for _, name := range []string{"sample-offer", "sample-piece"} {
		frame, err := EncodeFrame(json.RawMessage(goldenMessage(f, name, linkSince)), []byte("piece"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := DecodeSample(frame)
		switch {
		case err != nil && !errors.Is(err, ErrMessage):
			t.Fatal(err)
		case err == nil && h.Offer == nil && (h.Offset < 0 || h.Offset+int64(len(body)) > MaxSampleBytes):
			t.Fatalf("a piece outside its picture: %+v, %d bytes", h, len(body))
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	for _, name := range []string{"chunk-metadata", "chunk-piece", "chunk-missing"} {
		frame, err := EncodeFrame(json.RawMessage(goldenMessage(f, name, 3)), []byte("piece"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := DecodeChunk(frame)
		switch {
		case err != nil && !errors.Is(err, ErrMessage):
			t.Fatal(err)
		case err == nil && (h.Offset < 0 || h.Offset+int64(len(body)) > max(h.Total, 0)):
			t.Fatalf("a piece outside its whole: %+v, %d bytes", h, len(body))
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(Token{Hub: "https://hub.example:8443", Site: "Oak farm", CA: goldenHash, Secret: "s3cret"}.String())
	f.Add("gourdian1.e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Fatal(err)
			}
			return
		}
		if again, err := ParseToken(token.String()); err != nil || again != token {
			t.Fatalf("%+v came back as %+v, %v", token, again, err)
		}
	})
}

func FuzzParseTopic(f *testing.F) {
	f.Add("g/1/b7q2m0x4/up/records")
	f.Add("g/1/b7q2m0x4/down/+")
	f.Add("g/1/../up/records")
	f.Fuzz(func(t *testing.T, topic string) {
		device, name, _, ok := ParseTopic(topic)
		if ok && Topic(device, name) != topic {
			t.Fatalf("%q is %q of %q", topic, name, device)
		}
	})
}
