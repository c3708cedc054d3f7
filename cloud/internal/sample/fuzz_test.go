package sample

import (
	"bytes"
	"errors"
	"testing"

	"gourdian/cloud/internal/db/dbtest"
)

// FuzzImport: an archive, however it is broken, costs itself alone: it is refused
// as one, or every file of it is counted, taken or refused with a reason.
func FuzzImport(f *testing.F) {
	r := newRig(f, dbtest.SQLite(f), nil)
	whole := archive(f, [][2]string{{"set/good/1.jpg", "noise 1"}, {"../x.jpg", "noise 2"}, {"link.jpg@", "/etc/passwd"}, {"readme.txt", "hello"}})
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(whole[len(whole)/3:])
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := r.ImportZip(t.Context(), bytes.NewReader(data), int64(len(data)), Import{Name: "fuzz.zip"})
		if err != nil {
			if !errors.Is(err, ErrArchive) {
				t.Errorf("a broken archive is the hub's fault: %v", err)
			}
			return
		}
		refused := 0
		for _, n := range report.Refused {
			refused += n
		}
		if report.Taken+refused != report.Seen || len(report.Files) > refused {
			t.Errorf("%+v", report)
		}
	})
}
