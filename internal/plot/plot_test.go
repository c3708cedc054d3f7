package plot

import (
	"encoding/xml"
	"html/template"
	"io"
	"math"
	"strings"
	"testing"
)

// wellFormed fails unless the drawing is XML with nothing inline that a strict
// content policy forbids.
func wellFormed(t *testing.T, drawing template.HTML) string {
	t.Helper()
	text := string(drawing)
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Value, "NaN") {
					t.Fatalf("attribute %v in %s", a, text)
				}
			}
		}
	}
	return text
}

func TestNamesFromOutsideAreNoMarkup(t *testing.T) {
	t.Parallel()
	const attack = `"><script>alert(1)</script>`
	matrix := wellFormed(t, Matrix{Label: attack, Is: attack, Called: attack, Names: []string{attack, "b"}, Counts: [][]int{{1, 2}, {0, 0}}}.Draw())
	chart := wellFormed(t, Chart{Label: attack, X: Axis{Title: attack}, Y: Axis{Title: attack, Ticks: func(float64) string { return attack }},
		Marks: []Mark{{1, attack}}, Lines: []Line{{Name: attack, Points: []Point{{1, 2, 2, 2}, {2, 3, 3, 3}}}}}.Draw())
	for _, text := range []string{matrix, chart} {
		if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
			t.Fatal(text)
		}
	}
}

func TestMatrixShowsEveryCountAndTheShareOfItsRow(t *testing.T) {
	t.Parallel()
	text := wellFormed(t, Matrix{Label: "most are right", Names: []string{"good", "bad"}, Counts: [][]int{{30, 10}, {0, 7}}}.Draw())
	for _, want := range []string{">30<", ">10<", ">0<", ">7<", ">75%<", ">25%<", ">100%<", `aria-label="most are right"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestEmptyDataIsAnEmptyDrawing(t *testing.T) {
	t.Parallel()
	wellFormed(t, Matrix{}.Draw())
	wellFormed(t, Matrix{Names: []string{"a"}, Counts: [][]int{{0}}}.Draw())
	wellFormed(t, Chart{}.Draw())
	wellFormed(t, Chart{Lines: []Line{{}, {Points: []Point{{0, 0, 0, 0}}}}}.Draw())
}

func TestHolesInALineBreakItInsteadOfDrawingZero(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	text := wellFormed(t, Chart{X: Axis{Max: 4}, Y: Axis{Max: 1}, Lines: []Line{{Dots: true, Points: []Point{{0, .5, .5, .5}, {1, nan, nan, nan}, {2, .5, .5, .5}, {3, .7, .7, .7}}}}}.Draw())
	if strings.Count(text, "M") != 2 || strings.Count(text, "<circle") != 3 {
		t.Fatal(text)
	}
}

func TestTicksAreRoundNumbersWithinTheAxis(t *testing.T) {
	t.Parallel()
	for _, a := range []Axis{{Min: 0, Max: 1}, {Min: 3, Max: 3.02}, {Min: -5, Max: 1234}, {Min: 1e-9, Max: 2e-9}, {Min: 0, Max: 7e12}} {
		ticks := a.ticks()
		if len(ticks) < 2 || len(ticks) > ticksWanted+2 {
			t.Errorf("%v: %d ticks", a, len(ticks))
		}
		for _, v := range ticks {
			if v < a.Min-1e-6*(a.Max-a.Min) || v > a.Max+1e-6*(a.Max-a.Min) {
				t.Errorf("%v: tick %v", a, v)
			}
		}
	}
}
