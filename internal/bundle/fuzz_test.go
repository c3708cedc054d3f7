package bundle

import (
	"bytes"
	"errors"
	"testing"
)

// What is accepted has one way to be written: building it from its parts must
// give the same bytes.
func FuzzRead(f *testing.F) {
	m, files := sample(f)
	data, _ := build(f, m, files)
	f.Add(data)
	f.Add(data[:2*blockSize])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := read(data)
		if err != nil {
			if !errors.Is(err, ErrBundle) {
				t.Fatalf("not of the family: %v", err)
			}
			return
		}
		files := map[string][]byte{}
		for _, file := range b.Manifest.Files {
			if files[file.Name], err = b.File(file.Name); err != nil {
				t.Fatal(err)
			}
		}
		again, id := build(t, b.Manifest, files)
		if !bytes.Equal(again, data) || id != b.ID {
			t.Fatal("two ways to write the same bundle")
		}
	})
}

func FuzzManifest(f *testing.F) {
	m, files := sample(f)
	data, _ := build(f, m, files)
	b, err := read(data)
	if err != nil {
		f.Fatal(err)
	}
	text, err := b.Manifest.canonical()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":1,"files":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err == nil {
			err = m.validate()
		}
		if err != nil && !errors.Is(err, ErrBundle) {
			t.Fatalf("not of the family: %v", err)
		}
	})
}

func FuzzDecodeReferences(f *testing.F) {
	_, files := sample(f)
	valid := files["references/fp32.bin"]
	f.Add(valid, 2)
	f.Add(valid[:len(valid)-1], 2)
	f.Add([]byte("GREF\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), 1)
	f.Add([]byte("GREF\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0)
	f.Fuzz(func(t *testing.T, data []byte, k int) {
		r, err := DecodeReferences(data, k)
		if err != nil {
			if !errors.Is(err, ErrContent) {
				t.Fatalf("not of the family: %v", err)
			}
			return
		}
		if !bytes.Equal(EncodeReferences(r), data) {
			t.Fatal("two ways to write the same references")
		}
	})
}

func FuzzDecodeHashes(f *testing.F) {
	_, files := sample(f)
	f.Add(files["trained.sha256"])
	f.Add([]byte{1})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := DecodeHashes(data)
		if err != nil {
			if !errors.Is(err, ErrContent) {
				t.Fatalf("not of the family: %v", err)
			}
			return
		}
		if !bytes.Equal(EncodeHashes(set.sorted), data) {
			t.Fatal("two ways to write the same set")
		}
	})
}
