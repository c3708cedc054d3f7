package sample

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"testing"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

func TestExportsHoldEveryLabelAndNoFormula(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		evil := Board{Device: "b1", Site: "=cmd|' /C calc'!A0"}
		for _, data := range []string{"noise 1", "noise 2", "noise 3"} {
			r.bring(t, evil, data)
		}
		if err := r.CheckAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		for data, label := range map[string]wire.Verdict{"noise 1": wire.Good, "noise 2": wire.Bad} {
			if _, err := d.Write().NewRaw("INSERT INTO labels (hash, label, version, labelled_by, labelled_at) VALUES (?, ?, 1, 'ana', 1)",
				blob.Name([]byte(data)), string(label)).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		if err := r.WriteCSV(t.Context(), Filter{}, &out); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		labels := map[string]string{}
		for _, row := range rows[1:] {
			labels[row[0]] = row[1]
			if row[4][0] != '\'' {
				t.Errorf("a formula: %q", row[4])
			}
		}
		if labels[blob.Name([]byte("noise 1"))+".jpg"] != "good" || labels[blob.Name([]byte("noise 3"))+".jpg"] != "" {
			t.Errorf("labels %v", labels)
		}
		out.Reset()
		if err := r.WriteCOCO(t.Context(), Filter{}, &out); err != nil {
			t.Fatal(err)
		}
		var set coco
		if err := json.Unmarshal(out.Bytes(), &set); err != nil || len(set.Images) != 2 || len(set.Categories) != 2 || set.Annotations[0].BBox != [4]int{0, 0, 640, 480} {
			t.Errorf("%+v, %v", set, err)
		}
	})
}
