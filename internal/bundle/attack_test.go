package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is one of a container that an attacker writes as he likes.
type entry struct {
	header tar.Header
	data   []byte
}

// entries takes a bundle apart.
func entries(t *testing.T, data []byte) []entry {
	t.Helper()
	var out []entry
	for archive := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := archive.Next()
		if err != nil {
			return out
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(archive); err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{*header(h.Name, h.Size), body.Bytes()})
	}
}

// pack puts entries together again.
func pack(t *testing.T, list []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, e := range list {
		if err := archive.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func plain(name string, data []byte) entry {
	return entry{*header(name, int64(len(data))), data}
}

// links have no bytes.
func link(name string, kind byte, to string) entry {
	h := *header(name, 0)
	h.Typeflag, h.Linkname = kind, to
	return entry{header: h}
}

func TestTakenApartAndPutTogetherIsTheSame(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, _ := build(t, m, files)
	if !bytes.Equal(pack(t, entries(t, data)), data) {
		t.Error("the attacks below would be refused for their packing alone")
	}
}

// The container's entries are 0 manifest.json, 1 golden/0.rgb,
// 2 graphs/fp32.onnx, 3 graphs/int8.onnx, 4 and 5 references, 6 trained.sha256.
func TestHostileEntries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		attack func([]entry) []entry
		want   error
	}{
		{"graphs swapped under each other's names", func(l []entry) []entry {
			l[2].data, l[3].data = l[3].data, l[2].data
			l[2].header.Size, l[3].header.Size = l[3].header.Size, l[2].header.Size
			return l
		}, ErrFormat},
		{"graphs swapped in place", func(l []entry) []entry { l[2], l[3] = l[3], l[2]; return l }, ErrMissing},
		{"an entry left out", func(l []entry) []entry { return slices.Delete(l, 2, 3) }, ErrMissing},
		{"the last entry left out", func(l []entry) []entry { return l[:6] }, ErrMissing},
		{"an entry too many at the end", func(l []entry) []entry { return append(l, plain("zzz", nil)) }, ErrExtra},
		{"an entry too many between", func(l []entry) []entry { return slices.Insert(l, 2, plain("graphs/a", nil)) }, ErrMissing},
		{"a name twice", func(l []entry) []entry { return slices.Insert(l, 3, l[2]) }, ErrMissing},
		{"a last name twice", func(l []entry) []entry { return append(l, l[6]) }, ErrExtra},
		{"a second manifest", func(l []entry) []entry { return append(l, l[0]) }, ErrExtra},
		{"a second manifest first", func(l []entry) []entry { return slices.Insert(l, 1, l[0]) }, ErrMissing},
		{"manifest not first", func(l []entry) []entry { l[0], l[1] = l[1], l[0]; return l }, ErrFormat},
		{"a symlink out of the folder", func(l []entry) []entry { l[2] = link("graphs/fp32.onnx", tar.TypeSymlink, "/etc/passwd"); return l }, ErrFormat},
		{"a hard link", func(l []entry) []entry { l[2] = link("graphs/fp32.onnx", tar.TypeLink, "golden/0.rgb"); return l }, ErrFormat},
		{"a device", func(l []entry) []entry { l[2] = link("graphs/fp32.onnx", tar.TypeChar, ""); return l }, ErrFormat},
		{"a folder", func(l []entry) []entry { l[2] = link("graphs/", tar.TypeDir, ""); return l }, ErrFormat},
		{"the manifest as a symlink", func(l []entry) []entry { l[0] = link(manifestName, tar.TypeSymlink, "/dev/zero"); return l }, ErrFormat},
		{"a time", func(l []entry) []entry { l[2].header.ModTime = time.Unix(1, 0); return l }, ErrFormat},
		{"an owner", func(l []entry) []entry { l[2].header.Uid = 1; return l }, ErrFormat},
		{"another mode", func(l []entry) []entry { l[2].header.Mode = 0o4755; return l }, ErrFormat},
		{"extended headers", func(l []entry) []entry {
			l[2].header.Format, l[2].header.PAXRecords = tar.FormatPAX, map[string]string{"GOURDIAN.x": "y"}
			return l
		}, ErrFormat},
		{"GNU headers", func(l []entry) []entry { l[2].header.Format = tar.FormatGNU; return l }, ErrFormat},
		{"a path upwards", func(l []entry) []entry { return slices.Insert(l, 2, plain("../x", nil)) }, ErrMissing},
		{"one byte of a graph changed", func(l []entry) []entry { l[2].data[0]++; return l }, ErrHash},
		{"one byte of the trained hashes changed", func(l []entry) []entry { l[6].data[0]++; return l }, ErrHash},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, files := sample(t)
			data, _ := build(t, m, files)
			_, err := read(pack(t, c.attack(entries(t, data))))
			wantError(t, err, c.want)
		})
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		attack func([]byte) []byte
		want   error
	}{
		{"empty", func([]byte) []byte { return nil }, ErrFormat},
		{"a picture", func([]byte) []byte { return bytes.Repeat([]byte{0xff, 0xd8, 0xff, 0xe0}, 1000) }, ErrFormat},
		{"only zeros", func([]byte) []byte { return make([]byte, 1<<16) }, ErrFormat},
		{"only a header", func(b []byte) []byte { return b[:blockSize] }, ErrFormat},
		{"cut off in the manifest", func(b []byte) []byte { return b[:blockSize+100] }, ErrFormat},
		{"cut off before the trailer", func(b []byte) []byte { return b[:len(b)-trailerSize] }, ErrFormat},
		{"cut off in the trailer", func(b []byte) []byte { return b[:len(b)-1] }, ErrFormat},
		{"cut off in a file", func(b []byte) []byte { return b[:len(b)/2] }, ErrFormat},
		{"bytes after the trailer", func(b []byte) []byte { return append(b, 0) }, ErrExtra},
		{"a second archive after it", func(b []byte) []byte { return append(b, b...) }, ErrExtra},
		{"bytes in the trailer", func(b []byte) []byte { b[len(b)-1] = 1; return b }, ErrExtra},
		{"bytes hidden in the padding", func(b []byte) []byte { b[bytes.Index(b, []byte("a graph"))+7] = 1; return b }, ErrExtra},
		{"a changed header", func(b []byte) []byte { b[bytes.Index(b, []byte("golden/0.rgb\x00"))]++; return b }, ErrFormat},
		{"manifest of claimed 8 GiB", func(b []byte) []byte { return withManifestSize(t, b, 8<<30-1) }, ErrTooLarge},
		{"manifest of one byte too many", func(b []byte) []byte { return withManifestSize(t, b, MaxManifest+1) }, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, files := sample(t)
			data, _ := build(t, m, files)
			_, err := read(c.attack(data))
			wantError(t, err, c.want)
		})
	}
}

func withManifestSize(t *testing.T, data []byte, size int64) []byte {
	block, err := headerBlock(manifestName, size)
	if err != nil {
		t.Error(err)
	}
	return append(block, data[blockSize:]...)
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, _ := build(t, m, files)
	for size := 0; size < len(data); size += 251 {
		if _, err := read(data[:size]); !errors.Is(err, ErrBundle) {
			t.Fatalf("cut off after %d bytes: %v", size, err)
		}
	}
}

func TestContainerLargerThanAllowed(t *testing.T) {
	t.Parallel()
	_, err := Read(bytes.NewReader(nil), MaxSize+1)
	wantError(t, err, ErrTooLarge)
}

func TestContainerShorterThanItsCallerSays(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, _ := build(t, m, files)
	_, err := Read(bytes.NewReader(data[:len(data)/2]), int64(len(data)))
	wantError(t, err, ErrFormat)
}

func TestHostileManifestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		attack func(string) string
		want   error
		words  string
	}{
		{"a newer format", replace(`"format":1`, `"format":2`), ErrVersion, "update this program"},
		{"a newer format with fields of its own", func(string) string { return `{"format":7,"signature":"x"}` }, ErrVersion, "update this program"},
		{"format 0", replace(`"format":1`, `"format":0`), ErrVersion, ""},
		{"no format", replace(`"format":1,`, ``), ErrVersion, ""},
		{"format as text", replace(`"format":1`, `"format":"1"`), ErrManifest, ""},
		{"no JSON", func(string) string { return "PK" }, ErrManifest, ""},
		{"no object", func(string) string { return "[1]" }, ErrManifest, ""},
		{"empty", func(string) string { return "" }, ErrManifest, ""},
		{"null", func(string) string { return "null" }, ErrVersion, ""},
		{"an unknown field", replace(`"format":1`, `"format":1,"grace":true`), ErrManifest, "unknown field"},
		{"an unknown field inside", replace(`"kind":`, `"extra":1,"kind":`), ErrManifest, "unknown field"},
		{"a key twice", replace(`"format":1`, `"format":1,"format":1`), ErrManifest, "canonical"},
		{"a key in other letters", replace(`"format":1`, `"Format":1`), ErrManifest, "canonical"},
		{"space", replace(`,"format"`, `, "format"`), ErrManifest, "canonical"},
		{"a line feed at the end", func(s string) string { return s + "\n" }, ErrManifest, "canonical"},
		{"a second value", func(s string) string { return s + "{}" }, ErrManifest, ""},
		{"a number written otherwise", replace(`1.25`, `1.250`), ErrManifest, "canonical"},
		{"a huge number", replace(`1.25`, `1e999`), ErrManifest, ""},
		{"JSON 200,000 deep", func(string) string { return strings.Repeat("[", 2e5) + strings.Repeat("]", 2e5) }, ErrManifest, ""},
		{"deep JSON in an unknown field", replace(`"format":1`, `"format":1,"x":`+strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}", 9000)), ErrManifest, ""},
		{"a string of a mebibyte", replace(`"backbone":"tiny 1"`, `"backbone":"`+strings.Repeat("a", 900<<10)+`"`), ErrManifest, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, files := sample(t)
			data, _ := build(t, m, files)
			list := entries(t, data)
			text := c.attack(string(list[0].data))
			if text == string(list[0].data) {
				t.Fatal("the attack changes nothing")
			}
			list[0] = plain(manifestName, []byte(text))
			_, err := read(pack(t, list))
			wantError(t, err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.words) {
				t.Errorf("%q does not say %q", err, c.words)
			}
		})
	}
}

func replace(old, by string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, by, 1) }
}

// contradiction is a change to the parts of a good bundle. Build and Open share
// the checks that find it.
type contradiction struct {
	name   string
	attack func(*Manifest, parts)
	want   error
}

type parts = map[string][]byte

func testContradictions(t *testing.T, list []contradiction) {
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, files := sample(t)
			c.attack(&m, files)
			var out bytes.Buffer
			_, err := Build(&out, m, files)
			wantError(t, err, c.want)
			if out.Len() > 0 {
				t.Error("Build wrote before it checked")
			}
		})
	}
}

func TestManifestThatContradictsItself(t *testing.T) {
	t.Parallel()
	testContradictions(t, []contradiction{
		{"unknown task", func(m *Manifest, _ parts) { m.Task = "sort" }, ErrManifest},
		{"no name", func(m *Manifest, _ parts) { m.Name = "" }, ErrManifest},
		{"a name that writes log lines", func(m *Manifest, _ parts) { m.Name = "a\nlevel=ERROR" }, ErrManifest},
		{"a name that turns text around", func(m *Manifest, _ parts) { m.Name = "a\u202eb" }, ErrManifest},
		{"a name that is no UTF-8", func(m *Manifest, _ parts) { m.Name = "\xff" }, ErrManifest},
		{"no preprocessing", func(m *Manifest, _ parts) { m.Preprocess = "" }, ErrManifest},
		{"no classes", func(m *Manifest, _ parts) { m.Classes = nil }, ErrManifest},
		{"too many classes", func(m *Manifest, _ parts) { m.Classes = make([]Class, maxClasses+1) }, ErrManifest},
		{"a class twice", func(m *Manifest, _ parts) { m.Classes[1] = m.Classes[0] }, ErrManifest},
		{"a class called unsure", func(m *Manifest, _ parts) { m.Task, m.Classes[1].Name = TaskCustom, "unsure" }, ErrManifest},
		{"a class that is no grade", func(m *Manifest, _ parts) { m.Classes[1].Name = "melon" }, ErrManifest},
		{"no Spanish", func(m *Manifest, _ parts) { delete(m.Classes[1].Labels, "es") }, ErrManifest},
		{"a third language", func(m *Manifest, _ parts) { m.Classes[1].Labels["fr"] = "mauvais" }, ErrManifest},
		{"no variants", func(m *Manifest, _ parts) { m.Variants = nil }, ErrManifest},
		{"a variant twice", func(m *Manifest, _ parts) { m.Variants[1].Name = m.Variants[0].Name }, ErrManifest},
		{"a variant with a path for a name", func(m *Manifest, _ parts) { m.Variants[0].Name = "../fp32" }, ErrManifest},
		{"temperature NaN", func(m *Manifest, _ parts) { m.Variants[0].Temperature = math.NaN() }, ErrVariant},
		{"temperature 0", func(m *Manifest, _ parts) { m.Variants[0].Temperature = 0 }, ErrVariant},
		{"temperature below 0", func(m *Manifest, _ parts) { m.Variants[0].Temperature = -2 }, ErrVariant},
		{"a threshold too many", func(m *Manifest, _ parts) { m.Variants[0].Thresholds = []float64{0.5, 0.5, 0.5} }, ErrVariant},
		{"no thresholds", func(m *Manifest, _ parts) { m.Variants[0].Thresholds = nil }, ErrVariant},
		{"a threshold above 1", func(m *Manifest, _ parts) { m.Variants[0].Thresholds[0] = 1.5 }, ErrVariant},
		{"novelty infinite", func(m *Manifest, _ parts) { m.Variants[0].Novelty = math.Inf(1) }, ErrVariant},
		{"no neighbours", func(m *Manifest, _ parts) { m.Variants[0].Neighbours = 0 }, ErrVariant},
		{"more neighbours than references", func(m *Manifest, _ parts) { m.Variants[0].Neighbours = 4 }, ErrContent},
		{"no tolerance for any CPU", func(m *Manifest, _ parts) { m.Variants[0].Tolerance = map[string]float64{"arm64": 1} }, ErrVariant},
		{"tolerance 0", func(m *Manifest, _ parts) { m.Variants[0].Tolerance[AnyCPU] = 0 }, ErrVariant},
		{"tolerance infinite", func(m *Manifest, _ parts) { m.Variants[0].Tolerance["arm64"] = math.Inf(1) }, ErrVariant},
		{"no golden frames", func(m *Manifest, _ parts) { m.Golden = nil }, ErrManifest},
		{"a golden frame that a variant need not pass", func(m *Manifest, _ parts) { delete(m.Golden[0].Expected, "int8") }, ErrManifest},
		{"a golden frame for a variant that is not there", func(m *Manifest, _ parts) { m.Golden[0].Expected["fp16"] = []float32{1, 2} }, ErrManifest},
		{"a golden logit too few", func(m *Manifest, _ parts) { m.Golden[0].Expected["fp32"] = []float32{1} }, ErrManifest},
		{"a golden logit NaN", func(m *Manifest, _ parts) { m.Golden[0].Expected["fp32"][0] = float32(math.NaN()) }, ErrManifest},
		{"provenance of unknown kind", func(m *Manifest, _ parts) { m.Provenance.Kind = "real" }, ErrManifest},
		{"trained on nothing", func(m *Manifest, _ parts) { m.Provenance.Images = 0 }, ErrManifest},
		{"more groups than pictures", func(m *Manifest, _ parts) { m.Provenance.Groups = 4 }, ErrManifest},
		{"trained on a class that it lacks", func(m *Manifest, _ parts) { m.Provenance.Classes["melon"] = 1 }, ErrManifest},
		{"sources not sorted", func(m *Manifest, _ parts) { m.Provenance.Sources = []string{"b", "a"} }, ErrManifest},
		{"too many sources", func(m *Manifest, _ parts) { m.Provenance.Sources = make([]string, maxSources+1) }, ErrManifest},
	})
}

func TestFilesThatContradictTheManifest(t *testing.T) {
	t.Parallel()
	testContradictions(t, []contradiction{
		{"a golden tensor that is missing", func(_ *Manifest, f parts) { delete(f, "golden/0.rgb") }, ErrMissing},
		{"a golden tensor of another size", func(_ *Manifest, f parts) { f["golden/0.rgb"] = f["golden/0.rgb"][1:] }, ErrContent},
		{"a graph that is missing", func(_ *Manifest, f parts) { delete(f, "graphs/fp32.onnx") }, ErrMissing},
		{"references that are missing", func(_ *Manifest, f parts) { delete(f, "references/fp32.bin") }, ErrMissing},
		{"references that are none", func(_ *Manifest, f parts) { f["references/fp32.bin"] = []byte("GREF") }, ErrContent},
		{"trained hashes that are missing", func(_ *Manifest, f parts) { delete(f, "trained.sha256") }, ErrMissing},
		{"trained hashes cut off", func(_ *Manifest, f parts) { f["trained.sha256"] = f["trained.sha256"][1:] }, ErrContent},
		{"trained hashes out of order", func(_ *Manifest, f parts) {
			h := f["trained.sha256"]
			f["trained.sha256"] = slices.Concat(h[32:], h[:32])
		}, ErrContent},
		{"a stowaway file", func(_ *Manifest, f parts) { f["install.sh"] = []byte("rm") }, ErrExtra},
		{"a file that leaves the folder", func(_ *Manifest, f parts) { f["../etc"] = nil }, ErrManifest},
		{"a file with a whole path", func(_ *Manifest, f parts) { f["/etc/passwd"] = nil }, ErrManifest},
		{"a file with a backslash", func(_ *Manifest, f parts) { f[`a\b`] = nil }, ErrManifest},
		{"a hidden file", func(_ *Manifest, f parts) { f["golden/.x"] = nil }, ErrManifest},
		{"a file in a folder in a folder", func(_ *Manifest, f parts) { f["a/b/c"] = nil }, ErrManifest},
		{"a file without a name", func(_ *Manifest, f parts) { f[""] = nil }, ErrManifest},
		{"a name of two cases", func(_ *Manifest, f parts) { f["GRAPHS/fp32.onnx"] = nil }, ErrManifest},
		{"a name longer than a header holds", func(_ *Manifest, f parts) { f[strings.Repeat("a", maxName+1)] = nil }, ErrManifest},
		{"a file called as the manifest", func(_ *Manifest, f parts) { f[manifestName] = nil }, ErrManifest},
	})
}

// The claims of a manifest that Build fills in itself.
func TestManifestWithFalseClaims(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		attack func(*Manifest)
		want   error
	}{
		{"a file of 100 GiB", func(m *Manifest) { m.Files[1].Size = 100 << 30 }, ErrTooLarge},
		{"files that only together are too large", func(m *Manifest) { m.Files[0].Size, m.Files[1].Size = MaxSize/2, MaxSize/2 }, ErrTooLarge},
		{"sizes that overflow together", func(m *Manifest) { m.Files[0].Size, m.Files[1].Size = math.MaxInt64, math.MaxInt64 }, ErrTooLarge},
		{"a size below 0", func(m *Manifest) { m.Files[1].Size = -1 }, ErrTooLarge},
		{"a size that is not the header's", func(m *Manifest) { m.Files[1].Size++ }, ErrFormat},
		{"a hash that is not the file's", func(m *Manifest) { m.Files[1].SHA256 = hashOf(nil) }, ErrHash},
		{"a hash in capitals", func(m *Manifest) { m.Files[1].SHA256 = strings.ToUpper(m.Files[1].SHA256) }, ErrManifest},
		{"a hash too short", func(m *Manifest) { m.Files[1].SHA256 = "ab" }, ErrManifest},
		{"files not sorted", func(m *Manifest) { slices.Reverse(m.Files) }, ErrManifest},
		{"variants not sorted", func(m *Manifest) { slices.Reverse(m.Variants) }, ErrManifest},
		{"a file twice", func(m *Manifest) { m.Files = slices.Insert(m.Files, 1, m.Files[0]) }, ErrManifest},
		{"too many files", func(m *Manifest) { m.Files = make([]File, MaxFiles+1) }, ErrTooLarge},
		{"no files", func(m *Manifest) { m.Files = nil }, ErrMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sampled, files := sample(t)
			data, _ := build(t, sampled, files)
			list := entries(t, data)
			m, err := parseManifest(list[0].data)
			if err != nil {
				t.Fatal(err)
			}
			c.attack(m)
			text, err := m.canonical()
			if err != nil {
				t.Fatal(err)
			}
			list[0] = plain(manifestName, text)
			_, err = read(pack(t, list))
			wantError(t, err, c.want)
		})
	}
}
