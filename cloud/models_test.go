package cloud

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/rollout"
	"gourdian/internal/bundle"
	"gourdian/internal/keyring"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// model is a bundle whose graph is these bytes.
func model(t *testing.T, graph []byte) []byte {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: "m", Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5}, References: "references.bin",
			Neighbours: 1, Novelty: 1, Tolerance: map[string]float64{"any": 0.1}}},
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 1, Groups: 1, Classes: map[string]int{"good": 1}, Sources: []string{"field 1"}},
		Trained:    "trained.sha256",
	}
	var out bytes.Buffer
	if _, err := bundle.Build(&out, m, map[string][]byte{
		"graph.onnx": graph, "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// linked is a board on the hub's broker, which says and hears what a board does.
type linked struct {
	t       *testing.T
	device  string
	key     *ecdsa.PrivateKey
	answer  wire.JoinAnswer
	publish func(name string, payload []byte)
	desired wire.Desired
	parts   map[string][]byte
	missing map[string]bool
	hear    func(until func() bool)
}

// link joins a board and connects it.
func link(t *testing.T, h *Hub, device string) *linked {
	t.Helper()
	_, text, err := h.boards.fleet.NewToken(t.Context(), "ana", fleet.TokenRequest{Site: "oak", Uses: 1, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	b := &linked{t: t, device: device, parts: map[string][]byte{}, missing: map[string]bool{}}
	var csr string
	b.key, csr = brokertest.Request(t, device)
	b.answer, err = h.boards.fleet.Join(t.Context(), wire.JoinRequest{Contract: wire.Contract, Secret: token.Secret, Device: device, CSR: csr, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	b.connect(h)
	return b
}

func (b *linked) connect(h *Hub) {
	b.t.Helper()
	pair := brokertest.Pair(b.t, []byte(b.answer.Certificate), b.key)
	client, err := brokertest.Connect(b.t, brokertest.Client(h.boards.broker.Addr(), b.device, pair))
	if err != nil {
		b.t.Fatal(err)
	}
	heard := brokertest.Listen(b.t, client, b.device)
	b.publish = func(name string, payload []byte) {
		b.t.Helper()
		token := client.Publish(wire.Topic(b.device, name), 1, false, payload)
		if !token.WaitTimeout(brokertest.Patience) || token.Error() != nil {
			b.t.Fatalf("publish %s: %v", name, token.Error())
		}
	}
	b.hear = func(until func() bool) {
		b.t.Helper()
		for late := time.After(brokertest.Patience); !until(); {
			select {
			case m := <-heard:
				_, name, _, _ := wire.ParseTopic(m.Topic())
				b.take(name, m.Payload())
			case <-late:
				b.t.Fatalf("%s waited in vain; it has %d parts, desired is %+v", b.device, len(b.parts), b.desired)
			}
		}
	}
}

// take puts down what was heard.
func (b *linked) take(name string, payload []byte) {
	b.t.Helper()
	switch name {
	case wire.TopicDesired:
		d, err := wire.DecodeDesired(payload)
		if err != nil {
			b.t.Fatal(err)
		}
		b.desired = d
	case wire.TopicChunk:
		h, body, err := wire.DecodeChunk(payload)
		if err != nil {
			b.t.Fatal(err)
		}
		b.missing[h.Metadata+h.Chunk] = h.Missing
		if int64(len(b.parts[h.Metadata+h.Chunk])) == h.Offset {
			b.parts[h.Metadata+h.Chunk] = append(b.parts[h.Metadata+h.Chunk], body...)
		}
	}
}

// say reports the board's state.
func (b *linked) say(u *wire.UpdateState) {
	b.t.Helper()
	now := time.Now().UTC()
	data, err := json.Marshal(wire.State{
		Contract: wire.Contract, Online: true, Boot: "b1", At: now, Started: now, Clock: wire.ClockSynced, Epoch: "e1", Update: u,
		Desired: wire.DesiredState{Version: b.desired.Version}, Cameras: []wire.CameraState{}, Conditions: []wire.ConditionState{},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.publish(wire.TopicState, data)
}

// fetch asks for one name and returns what it has.
func (b *linked) fetch(ask wire.Ask) []byte {
	b.t.Helper()
	ask.Contract = wire.Contract
	name := ""
	for _, one := range append(ask.Metadata, ask.Chunks...) {
		name = one
	}
	delete(b.missing, name)
	delete(b.parts, name)
	data, err := json.Marshal(ask)
	if err != nil {
		b.t.Fatal(err)
	}
	b.publish(wire.TopicAsk, data)
	b.hear(func() bool { _, ok := b.missing[name]; return ok })
	return b.parts[name]
}

// signed reads one part of metadata.
func (b *linked) signed(name string, into any) {
	b.t.Helper()
	whole := struct {
		Signed any `json:"signed"`
	}{into}
	if err := json.Unmarshal(b.fetch(wire.Ask{Metadata: []string{name}}), &whole); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
}

func version(n int64, role string) string { return fmt.Sprintf("%d.%s.json", n, role) }

// index follows the signed lists to the pieces of a bundle, as the link's
// contract says. That their signatures hold is tested with package trust.
func (b *linked) index(bundle string) (files map[string][]string) {
	b.t.Helper()
	type meta struct {
		Meta map[string]struct{ Version int64 } `json:"meta"`
	}
	var stamp, snapshot meta
	b.signed("timestamp.json", &stamp)
	b.signed(version(stamp.Meta["snapshot.json"].Version, "snapshot"), &snapshot)
	var targets struct {
		Targets map[string]struct {
			Custom struct {
				Index string
				Gate  string
			}
		}
	}
	b.signed(version(snapshot.Meta["targets.json"].Version, "targets"), &targets)
	target, ok := targets.Targets["models/"+bundle+"/manifest.json"]
	if !ok || target.Custom.Gate == "" {
		b.t.Fatalf("the model is not signed, or for no reason: %+v", targets)
	}
	var list struct {
		Files []struct {
			Name   string
			Chunks []string
		}
	}
	body := b.fetch(wire.Ask{Chunks: []string{target.Custom.Index}})
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != target.Custom.Index {
		b.t.Fatal("the list of pieces is another one")
	}
	if err := json.Unmarshal(body, &list); err != nil {
		b.t.Fatal(err)
	}
	files = map[string][]string{}
	for _, f := range list.Files {
		files[f.Name] = f.Chunks
	}
	return files
}

// TestModelComesToABoardOverTheLink: promoted by an admin, rolled out, told,
// taken piece by piece, also over a restart of the hub, and reported.
func TestModelComesToABoardOverTheLink(t *testing.T) {
	t.Parallel()
	h, _, stop := start(t, testConfig(t.TempDir()))
	b := link(t, h, "north")
	if root, err := keyring.ParseRoot([]byte(b.answer.Root)); err != nil || root.Check() != nil {
		t.Fatalf("the root that it pins: %v", err)
	}
	b.say(nil)
	graph := bytes.Repeat([]byte("pumpkin "), 40_000)
	v, _, err := h.pictures.registry.Push(t.Context(), bytes.NewReader(model(t, graph)), "ana", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.pictures.registry.Move(t.Context(), v.Number, 0, "ana", "the first"); err != nil {
		t.Fatal(err)
	}
	one, err := h.models.rollouts.Start(t.Context(), "ana", rollout.Order{Version: v.Number, Reason: "to all"})
	if err != nil {
		t.Fatal(err)
	}
	b.hear(func() bool { return b.desired.Model != nil })
	if m := b.desired.Model; m.Bundle != v.Bundle || m.Rollout != one.ID || b.desired.Root == "" {
		t.Fatalf("it hears %+v", b.desired)
	}
	files := b.index(v.Bundle)
	manifest := b.fetch(wire.Ask{Chunks: files["manifest.json"]})
	if sum := sha256.Sum256(manifest); hex.EncodeToString(sum[:]) != v.Bundle {
		t.Error("the manifest is another one")
	}
	if err := h.pictures.registry.Delete(t.Context(), v.Number); err == nil {
		t.Error("a version under way was deleted")
	}
	stop()
	h, _, _ = start(t, h.config)
	b.connect(h)
	b.say(&wire.UpdateState{Bundle: v.Bundle, Rollout: one.ID, Stage: wire.StageDownloading, At: time.Now().UTC()})
	var got []byte
	for _, sum := range b.index(v.Bundle)["graph.onnx"] {
		until(t, "the hub to know its pieces", func() bool { piece := b.fetch(wire.Ask{Chunks: []string{sum}}); return len(piece) > 0 })
		got = append(got, b.parts[sum]...)
	}
	if !bytes.Equal(got, graph) {
		t.Errorf("%d bytes of a graph of %d came", len(got), len(graph))
	}
	b.say(&wire.UpdateState{Bundle: v.Bundle, Rollout: one.ID, Stage: wire.StageCommitted, At: time.Now().UTC()})
	until(t, "the rollout to be done", func() bool {
		now, err := h.models.rollouts.Rollout(t.Context(), one.ID)
		return err == nil && now.State == rollout.Done
	})
	b.fetch(wire.Ask{Metadata: []string{"99.root.json"}})
	if !b.missing["99.root.json"] {
		t.Error("a root that is not there is not said to be missing")
	}
}

// TestHubTellsOfItsRootKeyAndGoesOnWithoutIt: the key that should be away.
func TestHubTellsOfItsRootKeyAndGoesOnWithoutIt(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	h, out, stop := start(t, config)
	client := setUp(t, h, out)
	told := func() bool {
		_, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/api/v1/status", nil)
		return strings.Contains(body, "trust_root_here")
	}
	until(t, "the note of the root key", told)
	for _, name := range []string{"root.key", "targets.key", "override.key"} {
		if info, err := os.Stat(filepath.Join(config.Data, "keys", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	stop()
	if err := os.Remove(filepath.Join(config.Data, "keys", "root.key")); err != nil {
		t.Fatal(err)
	}
	h, _, _ = start(t, config)
	h.health.Look(t.Context())
	if s := h.models.repo.State(); s.Fault != nil || s.RootKeyHere {
		t.Errorf("%+v", s)
	}
}

// TestProgramStartsWatchesAndAbortsARollout: the addresses that gourdianctl asks.
func TestProgramStartsWatchesAndAbortsARollout(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	client := setUp(t, h, out)
	call := func(method, path, body string, want int) (said map[string]any) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, h.Plain()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != want {
			t.Fatalf("%s %s: %d, want %d: %v %v", method, path, answer.StatusCode, want, said, err)
		}
		return said
	}
	v, _, err := h.pictures.registry.Push(t.Context(), bytes.NewReader(model(t, []byte("graph"))), "ana", "")
	if err != nil {
		t.Fatal(err)
	}
	call(http.MethodPost, "/api/v1/rollouts", `{"version":1,"reason":"x"}`, http.StatusUnprocessableEntity) // nobody has joined
	link(t, h, "north")
	call(http.MethodPost, "/api/v1/rollouts", `{"version":1}`, http.StatusBadRequest)
	call(http.MethodPost, "/api/v1/rollouts", `{"version":7,"reason":"x"}`, http.StatusNotFound)
	call(http.MethodPost, "/api/v1/rollouts", `{"version":1,"reason":"x","plan":{"waves":["many"]}}`, http.StatusUnprocessableEntity)
	one := call(http.MethodPost, "/api/v1/rollouts", `{"version":1,"reason":"try it","plan":{"waves":["1"]}}`, http.StatusCreated)
	at := fmt.Sprintf("/api/v1/rollouts/%v", one["id"])
	if !h.models.repo.Signed(v.Bundle) {
		t.Error("the version is not signed")
	}
	if said := call(http.MethodPost, at+"/pause", "{}", http.StatusOK); said["state"] != "paused" {
		t.Errorf("paused: %v", said)
	}
	call(http.MethodPost, at+"/pause", "{}", http.StatusConflict)
	call(http.MethodPost, at+"/resume", "{}", http.StatusOK)
	call(http.MethodPost, at+"/abort", `{"revert":true}`, http.StatusBadRequest)
	if said := call(http.MethodPost, at+"/abort", `{"reason":"enough"}`, http.StatusOK); said["state"] != "aborted" || len(said["history"].([]any)) < 4 {
		t.Errorf("aborted: %v", said)
	}
	if list := call(http.MethodGet, "/api/v1/rollouts", "", http.StatusOK)["rollouts"].([]any); len(list) != 1 {
		t.Errorf("the list: %v", list)
	}
	call(http.MethodGet, "/api/v1/rollouts/none", "", http.StatusNotFound)
	root := call(http.MethodGet, "/api/v1/trust/root", "", http.StatusOK)
	again, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	call(http.MethodPost, "/api/v1/trust/root", string(again), http.StatusUnprocessableEntity) // it follows nothing
	rootKey, err := keyring.Read(filepath.Join(h.config.Data, "keys", "root.key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	next, err := h.models.repo.Root().Next("", nil, time.Now().Add(keyring.RootLife))
	if err == nil {
		next, err = next.Sign(rootKey)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := next.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if said := call(http.MethodPost, "/api/v1/trust/root", string(data), http.StatusOK); said["version"] != 2.0 {
		t.Errorf("the next root: %v", said)
	}
}
