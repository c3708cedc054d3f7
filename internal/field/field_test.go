package field

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"gourdian/internal/vision"
)

func TestSameSeedSameBytesAnotherSeedOthers(t *testing.T) {
	t.Parallel()
	take := func(seed uint64) *Picture {
		p, err := Photo(Spec{Seed: seed, Size: 96, Count: 2})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b, other := take(3), take(3), take(4)
	if !bytes.Equal(a.Image.Pix, b.Image.Pix) {
		t.Error("one seed gave two pictures")
	}
	if fmt.Sprint(a.Things) != fmt.Sprint(b.Things) {
		t.Errorf("one seed gave two truths: %v, %v", a.Things, b.Things)
	}
	if bytes.Equal(a.Image.Pix, other.Image.Pix) {
		t.Error("two seeds gave one picture")
	}
}

func TestPhotoRefusesWhatItCannotRender(t *testing.T) {
	t.Parallel()
	for _, spec := range []Spec{{Size: 63}, {Size: 4096}, {Size: 96, Count: -1}, {Size: 96, Count: 13}} {
		if _, err := Photo(spec); err == nil {
			t.Errorf("%+v was rendered", spec)
		}
	}
}

func TestBoxesLieInThePictureAndHoldTheThings(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		p, err := Photo(Spec{Seed: seed, Size: 96, Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, th := range p.Things {
			b := th.Box
			if b.X < 0 || b.Y < 0 || b.W < 4 || b.H < 4 || b.X+b.W > 96 || b.Y+b.H > 96 {
				t.Errorf("seed %d: box %+v of a %s", seed, b, th.Kind)
			}
		}
	}
}

// A person must see why a fruit has its grade: a sound one shows next to
// nothing, a bad one a good deal, and no sound or regular one anything severe.
func TestGradesShowTheirDefects(t *testing.T) {
	t.Parallel()
	tex := newNoise(source(realmTexture, 0))
	for _, class := range []Class{Good, Regular, Bad} {
		for i := range 12 {
			d := dice{source("test", 1, uint64(i))}
			v := Varieties()[i%len(Varieties())]
			sp := pumpkin(d, tex, v, class)
			light, severe := sp.model.(*fruit).measure(new(raster), tex, sp, sp.model.(*fruit).flaws)
			switch {
			case class == Good && light+severe > 0.03:
				t.Errorf("good %s %d shows %.3f light, %.3f severe", v, i, light, severe)
			case class == Regular && (light < 0.03 || severe > 0):
				t.Errorf("regular %s %d shows %.3f light, %.3f severe", v, i, light, severe)
			case class == Bad && severe < 0.07:
				t.Errorf("bad %s %d shows %.3f severe: %v", v, i, severe, sp.truth.Defects)
			}
			for _, def := range sp.truth.Defects {
				if def.Severe != def.Kind.Severe() || def.Severe && class != Bad || def.Share < 0 || def.Share > 1 {
					t.Errorf("%s %s: defect %+v", class, v, def)
				}
			}
		}
	}
}

func TestEveryLookalikeStandsInThePicture(t *testing.T) {
	t.Parallel()
	st := newStudio()
	for i, kind := range append(lookalikeKinds(), emptyPlace, leafPile) {
		p := portrait{class: NotPumpkin, kind: kind, thing: dice{source("test", 2, uint64(i))}, view: dice{source("test", 3, uint64(i))}}
		im, things := p.take(st, 96)
		body := kind != emptyPlace && kind != leafPile
		if body != (len(things) == 1) {
			t.Errorf("%s: %d things", kind, len(things))
		}
		if body && (things[0].Class != NotPumpkin || things[0].Box.W < 15) {
			t.Errorf("%s: %+v", kind, things[0])
		}
		if spread(im) < 10 {
			t.Errorf("%s: the picture is flat", kind)
		}
	}
}

// spread is the range of levels between the darkest and the brightest tenth.
func spread(im *vision.Image) int {
	pix := slices.Clone(im.Pix)
	slices.Sort(pix)
	return int(pix[len(pix)*9/10]) - int(pix[len(pix)/10])
}

// Training must never have seen a fruit that a scene shows.
func TestTrainingAndScenesDrawFromApartNumbers(t *testing.T) {
	t.Parallel()
	seen := make(map[uint64]string)
	for _, realm := range []string{realmTraining, realmScene, realmPhoto, realmTexture} {
		for seed := range uint64(8) {
			for path := range uint64(8) {
				first := source(realm, seed, path).Uint64()
				if other, twice := seen[first]; twice {
					t.Errorf("%s and %s meet", realm, other)
				}
				seen[first] = realm
			}
		}
	}
}
