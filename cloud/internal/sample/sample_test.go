package sample

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

func field() Board { return Board{"b1", "Oak farm"} }

func TestPiecesGoOnWhereTheLinkWasCut(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		const data = "noise 1 and a long tail of bytes"
		if want, err := r.Offer(t.Context(), field(), offerOf(data)); err != nil || want.Offset != 0 || want.Refuse != "" {
			t.Fatalf("%+v, %v", want, err)
		}
		if want := r.piece(t, field(), data, 0, 10); want.Offset != 10 {
			t.Errorf("after ten bytes: %+v", want)
		}
		if want := r.piece(t, field(), data, 20, 25); want.Offset != 10 {
			t.Errorf("after a gap: %+v", want)
		}
		if want, err := r.Offer(t.Context(), field(), offerOf(data)); err != nil || want.Offset != 10 {
			t.Errorf("offered again: %+v, %v", want, err)
		}
		if want := r.piece(t, field(), data, 5, len(data)); want.Offset != int64(len(data)) {
			t.Errorf("overlapping the rest: %+v", want)
		}
		if got, err := r.Picture(t.Context(), blob.Name([]byte(data))); err != nil || string(got) != data {
			t.Errorf("%q, %v", got, err)
		}
		if want := r.piece(t, field(), data, 0, 5); want.Offset != int64(len(data)) {
			t.Errorf("late repetition: %+v", want)
		}
		if err := r.CheckAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if one := r.line(t, data); one.State != Kept || !one.Checked || one.Fault != Sound || one.Width != 640 || one.Site != "Oak farm" {
			t.Errorf("%+v", one)
		}
	})
}

func TestDamagedPiecesStartAnew(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		const data = "noise 1"
		if _, err := r.Offer(t.Context(), field(), offerOf(data)); err != nil {
			t.Fatal(err)
		}
		h := wire.SampleHeader{Hash: blob.Name([]byte(data)), Total: int64(len(data))}
		if want, err := r.Piece(t.Context(), field(), h, []byte("noise 2")); err != nil || want.Offset != 0 || want.Refuse != "" {
			t.Fatalf("%+v, %v", want, err)
		}
		if want := r.piece(t, field(), data, 0, len(data)); want.Offset != int64(len(data)) {
			t.Errorf("%+v", want)
		}
	})
}

func TestBoardsCantSendForOthers(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		const data = "noise 1"
		if want := r.piece(t, field(), data, 0, 3); want.Refuse == "" {
			t.Error("a picture that was not offered was taken")
		}
		if _, err := r.Offer(t.Context(), field(), offerOf(data)); err != nil {
			t.Fatal(err)
		}
		if want := r.piece(t, Board{Device: "b2"}, data, 0, 3); want.Refuse == "" {
			t.Error("a piece of another board's picture was taken")
		}
		h := wire.SampleHeader{Hash: blob.Name([]byte(data)), Total: 1 << 20}
		if want, err := r.Piece(t.Context(), field(), h, []byte("x")); err != nil || want.Refuse == "" {
			t.Errorf("another size than offered: %+v, %v", want, err)
		}
	})
}

func TestQuotasRefuseOffers(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, func(c *Limits) { c.Quota, c.PerBoard = 30, 2 })
		r.bring(t, field(), "noise 1")
		r.bring(t, field(), "noise 2")
		if want, err := r.Offer(t.Context(), field(), offerOf("noise 3")); err != nil || want.Refuse == "" {
			t.Errorf("beyond the board's share: %+v, %v", want, err)
		}
		other := Board{Device: "b2"}
		r.bring(t, other, "noise 4")
		if want, err := r.Offer(t.Context(), other, offerOf("noise 5 with a tail")); err != nil || want.Refuse == "" {
			t.Errorf("beyond the hub's room: %+v, %v", want, err)
		}
	})
}

func TestDeletedPictureNeverComesBack(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		const data = "noise 1"
		r.bring(t, field(), data)
		hash := blob.Name([]byte(data))
		if err := r.Delete(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Picture(t.Context(), hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("its bytes: %v", err)
		}
		if one := r.line(t, data); one.State != Deleted || one.Device != "" || one.Site != "" {
			t.Errorf("its line: %+v", one)
		}
		if want, err := r.Offer(t.Context(), field(), offerOf(data)); err != nil || want.Refuse == "" {
			t.Errorf("offered again: %+v, %v", want, err)
		}
		if _, fault, err := r.Add(t.Context(), Given{Source: FromImport, Data: []byte(data)}); err != nil || fault != Duplicate {
			t.Errorf("imported again: %q, %v", fault, err)
		}
		if err := r.Delete(t.Context(), blob.Name([]byte("never seen"))); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleting nothing: %v", err)
		}
	})
}

func TestPoorAndRepeatedPicturesAreTold(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		r.look.down = true
		for _, data := range []string{"noise 1", "noise 1 again", "noise 2", "dark 3", "tiny 4", "scribble"} {
			r.bring(t, field(), data)
		}
		if err := r.CheckAll(t.Context()); err == nil {
			t.Error("checked without a worker")
		}
		r.look.down = false
		if err := r.CheckAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, b := r.line(t, "noise 1"), r.line(t, "noise 1 again"); (a.DuplicateOf == "") == (b.DuplicateOf == "") {
			t.Errorf("of two pictures of a scene: %q, %q", a.DuplicateOf, b.DuplicateOf)
		}
		if one := r.line(t, "noise 2"); one.DuplicateOf != "" || one.Fault != Sound {
			t.Errorf("another scene: %+v", one)
		}
		if one := r.line(t, "dark 3"); one.Fault != Dark || one.State != Kept {
			t.Errorf("dark: %+v", one)
		}
		for _, data := range []string{"tiny 4", "scribble"} {
			if one := r.line(t, data); one.State != Refused || one.Fault == Sound {
				t.Errorf("%s: %+v", data, one)
			}
			if _, err := r.Picture(t.Context(), blob.Name([]byte(data))); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s is still there: %v", data, err)
			}
		}
	})
}

func TestOldPicturesGoAndLabelledOnesStay(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, func(c *Limits) { c.KeepDays, c.VisitorsDays = 30, 10 })
		r.bring(t, field(), "noise 1")
		r.bring(t, field(), "noise 2")
		hash, _, err := r.Add(t.Context(), Given{Source: FromVisitor, Data: []byte("noise 3")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write().NewRaw("INSERT INTO labels (hash, label, version, labelled_by, labelled_at) VALUES (?, 'good', 1, 'ana', 1)",
			blob.Name([]byte("noise 2"))).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for days, left := range map[int]int{5: 3} {
			if _, err := r.Retain(t.Context(), time.Now().AddDate(0, 0, days), func(int, int) {}); err != nil {
				t.Fatal(err)
			}
			if n, err := r.Count(t.Context(), Filter{}); err != nil || n != left {
				t.Fatalf("after %d days %d are left, %v", days, n, err)
			}
		}
		if _, err := r.Retain(t.Context(), time.Now().AddDate(0, 0, 31), func(int, int) {}); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Count(t.Context(), Filter{Label: AnyLabel}); err != nil || n != 1 {
			t.Errorf("%d labelled ones are left, %v", n, err)
		}
		if n, err := r.Count(t.Context(), Filter{}); err != nil || n != 1 {
			t.Errorf("%d are left, %v", n, err)
		}
		if _, err := r.Picture(t.Context(), hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("the visitor's: %v", err)
		}
	})
}

// TestPictureThatIsPromisedAndNeverComes must not take room for ever.
func TestPictureThatIsPromisedAndNeverComes(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, func(c *Limits) { c.PerBoard = 1 })
		if _, err := r.Offer(t.Context(), field(), offerOf("noise 1")); err != nil {
			t.Fatal(err)
		}
		if want, err := r.Offer(t.Context(), field(), offerOf("noise 2")); err != nil || want.Refuse == "" {
			t.Fatalf("%+v, %v", want, err)
		}
		for days, refused := range []bool{true, false} {
			if _, err := r.Retain(t.Context(), time.Now().Add(time.Duration(days)*stale), func(int, int) {}); err != nil {
				t.Fatal(err)
			}
			want, err := r.Offer(t.Context(), field(), offerOf("noise 2"))
			if err != nil || (want.Refuse != "") != refused {
				t.Errorf("after %d times the pause: %+v, %v", days, want, err)
			}
		}
	})
}

func TestPagesMeetEveryPictureOnce(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		for _, n := range strings.Fields("1 2 3 4 5 6 7") {
			r.bring(t, field(), "noise "+n)
		}
		met := map[string]int{}
		var after Cursor
		for more := true; more; {
			page, next, ok, err := r.List(t.Context(), Filter{Source: FromBoard, Site: "Oak farm", Label: NoLabel}, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range page {
				met[one.Hash]++
			}
			after, more = next, ok
		}
		if len(met) != 7 {
			t.Errorf("%d pictures", len(met))
		}
		for hash, n := range met {
			if n != 1 {
				t.Errorf("%s came %d times", hash, n)
			}
		}
		if n, err := r.Count(t.Context(), Filter{Site: "elsewhere"}); err != nil || n != 0 {
			t.Errorf("of another site: %d, %v", n, err)
		}
	})
}

// archive packs files; a name that ends in "@" becomes a link to its content.
func archive(t testing.TB, files [][2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: strings.TrimSuffix(f[0], "@"), Method: zip.Deflate}
		header.SetMode(0o644)
		if strings.HasSuffix(f[0], "@") {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileArchiveCostsItselfOnly(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		data := archive(t, [][2]string{
			{"set/good/1.jpg", "noise 1"}, {"set/bad/2.JPG", "noise 2"}, {"set/other/3.png", "noise 3"},
			{"set/good/1copy.jpg", "noise 1"}, {"set/good/1near.jpg", "noise 1 tail"}, {"dark.jpg", "dark 9"}, {"tiny.jpg", "tiny 9"}, {"broken.jpg", "?"},
			{"../../etc/cron.d/x.jpg", "noise 5"}, {"/etc/x.jpg", "noise 6"}, {"link.jpg@", "/etc/passwd"}, {"readme.txt", "hello"},
			{"bomb.jpg", strings.Repeat("\x00", maxBytes+1)},
		})
		labelled := map[string]string{}
		report, err := r.ImportZip(t.Context(), bytes.NewReader(data), int64(len(data)), Import{Name: "set.zip", Site: "north",
			Label: func(_ context.Context, hash, folder string) (bool, error) {
				labelled[hash] = folder
				return folder == "good" || folder == "bad", nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		if report.Seen != 13 || report.Taken != 3 || report.Labelled != 2 {
			t.Errorf("%+v", report)
		}
		for fault, n := range map[Fault]int{Duplicate: 2, Dark: 1, Tiny: 1, Broken: 1, NotFile: 3, NotPicture: 1, TooLarge: 1} {
			if report.Refused[fault] != n {
				t.Errorf("%s: %d, expected %d", fault, report.Refused[fault], n)
			}
		}
		if one := r.line(t, "noise 2"); one.Site != "north" || one.Origin != "set.zip/set/bad/2.JPG" {
			t.Errorf("kept as %+v", one)
		}
		if labelled[blob.Name([]byte("noise 2"))] != "bad" {
			t.Errorf("folders %v", labelled)
		}
		if _, err := r.ImportZip(t.Context(), strings.NewReader("no archive"), 10, Import{}); !errors.Is(err, ErrArchive) {
			t.Errorf("no archive: %v", err)
		}
	})
}

func TestFarmersCorrectionReachesAKeptPicture(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		r.bring(t, field(), "noise 1")
		again := offerOf("noise 1")
		again.Why, again.Correction, again.Worth = wire.WhyCorrection, wire.Bad, 1
		if _, err := r.Offer(t.Context(), Board{Device: "b2"}, again); err != nil {
			t.Fatal(err)
		}
		if one := r.line(t, "noise 1"); one.Correction != "" {
			t.Errorf("another board corrected it: %+v", one)
		}
		if _, err := r.Offer(t.Context(), field(), again); err != nil {
			t.Fatal(err)
		}
		corrected := func(when string) {
			t.Helper()
			if one := r.line(t, "noise 1"); one.Correction != wire.Bad || one.Why != wire.WhyCorrection {
				t.Errorf("%s: %+v", when, one)
			}
		}
		corrected("at once")
		other := offerOf("noise 1") // another record shows the same picture
		other.Seq++
		if _, err := r.Offer(t.Context(), field(), other); err != nil {
			t.Fatal(err)
		}
		corrected("after another record of it")
		undone := offerOf("noise 1")
		undone.Why = wire.WhyCorrection
		if _, err := r.Offer(t.Context(), field(), undone); err != nil {
			t.Fatal(err)
		}
		if one := r.line(t, "noise 1"); one.Correction != "" {
			t.Errorf("a correction that was taken back stays: %+v", one)
		}
	})
}
