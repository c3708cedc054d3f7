package authority

import (
	"testing"
	"time"
)

// FuzzReadRequest: a request that passes is for the board that asks, and its
// certificate lets nobody act as a server.
func FuzzReadRequest(f *testing.F) {
	a, err := Open(f.TempDir(), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	csr, _ := request(f, "b1", nil)
	f.Add(csr, "b1")
	f.Add(csr, "b2")
	f.Add(csr[:len(csr)/2], "b1")
	f.Add(csr+csr, "b1")
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "b1")
	f.Fuzz(func(t *testing.T, text, device string) {
		read, err := ReadRequest(text, device)
		if err != nil {
			return
		}
		if read.Device != device || read.KeyHash == "" {
			t.Fatalf("%+v for %q", read, device)
		}
		if _, err := a.Board(read); err != nil && device == "b1" {
			t.Error(err)
		}
	})
}
