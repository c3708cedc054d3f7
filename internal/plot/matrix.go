package plot

import (
	"html/template"
	"strconv"
)

// Matrix is a confusion matrix: rows are what a picture is, columns what it was
// called. Counts[row][column] has the size of Names.
type Matrix struct {
	Label  string   // read out instead of the drawing: its finding
	Is     string   // title of the rows
	Called string   // title of the columns
	Names  []string // of the classes
	Counts [][]int
}

// Draw draws it: the darker, the larger the share of its row.
func (m Matrix) Draw() template.HTML {
	const cell, left, top, right = 84.0, 130.0, 56.0, 8.0
	k := float64(len(m.Names))
	c := begin("matrix", int(left+k*cell+right), int(top+k*cell+8), m.Label)
	c.text("label", "middle", left+k*cell/2, 16, m.Called)
	c.turned(14, top+k*cell/2, m.Is)
	for i, name := range m.Names {
		at := float64(i)
		c.text("tick", "middle", left+(at+.5)*cell, top-10, name)
		c.text("tick", "end", left-8, top+(at+.5)*cell+4, name)
		row := 0
		for _, n := range m.Counts[i] {
			row += n
		}
		for j, n := range m.Counts[i] {
			share := 0.0
			if row > 0 {
				share = float64(n) / float64(row)
			}
			class := "cell wrong"
			if i == j {
				class = "cell right"
			}
			x, y := left+float64(j)*cell, top+at*cell
			c.rect(class, x+1, y+1, cell-2, cell-2, 0.06+0.39*share)
			c.text("count", "middle", x+cell/2, y+cell/2-1, strconv.Itoa(n))
			if row > 0 {
				c.text("share", "middle", x+cell/2, y+cell/2+17, strconv.Itoa(int(100*share+.5))+"%")
			}
		}
	}
	return c.end()
}
