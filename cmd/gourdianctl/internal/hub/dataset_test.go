package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestArchiveThatTheHubBreaksOffIsAnError(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("picture "), 40_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/datasets/1/archive.zip":
			_, _ = w.Write(whole)
		case "/api/v1/datasets/2/archive.zip":
			_, _ = w.Write(whole[:100_000])
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"error":{"code":"no_such_dataset","message":"There is no such data set."}}`)
		}
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "gdn_x", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var out bytes.Buffer
	if err := c.ExportDataset(t.Context(), 1, &out); err != nil || !bytes.Equal(out.Bytes(), whole) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	if err := c.ExportDataset(t.Context(), 2, &out); err == nil {
		t.Error("half an archive looks like a whole one")
	}
	var said *Error
	if err := c.ExportDataset(t.Context(), 3, &out); !errors.As(err, &said) || said.Code != "no_such_dataset" {
		t.Error(err)
	}
}

func TestAllPagesOfDataSetsAreRead(t *testing.T) {
	t.Parallel()
	var orders []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			var order map[string]any
			if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
				t.Error(err)
			}
			orders = append(orders, order)
			_, _ = fmt.Fprint(w, `{"number":4,"created":true}`)
			return
		}
		if r.URL.Query().Get("cursor") == "" {
			_, _ = fmt.Fprint(w, `{"datasets":[{"number":3},{"number":2}],"next":"2"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"datasets":[{"number":1,"counts":{"pictures":7,"groups":2,"left_out":{"disputed":1}}}]}`)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	all, err := c.Datasets(t.Context())
	if err != nil || len(all) != 3 || all[2].Counts.Pictures != 7 || all[2].Counts.LeftOut["disputed"] != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	for _, asOf := range []time.Time{{}, at} {
		if made, err := c.MakeDataset(t.Context(), asOf); err != nil || made.Number != 4 || !made.Created {
			t.Errorf("%+v, %v", made, err)
		}
	}
	if len(orders) != 2 || len(orders[0]) != 0 || orders[1]["as_of"] != "2026-11-25T08:00:00Z" {
		t.Errorf("ordered were %v", orders)
	}
}
