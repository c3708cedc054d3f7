// Command photos measures what training reaches on real photos and on rendered
// ones, and prints the tables of docs/training.md, section "What it reaches".
// The photos' licences keep them out of the repository, so their folder is
// named:
//
//	go run ./scripts/photos --data DIR [--work DIR] [--only oranges,pumpkins,...]
//
// DIR holds pumpkins/, produce/ and graded/{orange,banana,tomato}/, each with a
// manifest.csv. It is run in the root of the checkout after `make build`. What
// it prepares goes to the work folder, which is made anew.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of this command.
type bench struct {
	data, work string
	only       []string
	table      []string // lines of the first table
	unlike     []string // lines of the second one
	short      []string // figures that fall short of what was reached before
}

// step is a part of the run that may be asked for alone. Later steps may use
// models of earlier ones.
type step struct {
	name string
	run  func(ctx context.Context) error
}

func (b *bench) steps() []step {
	return []step{
		{"oranges", b.graded("orange", "fresh / rotten oranges", "given groups", 0.97)},
		{"bananas", b.graded("banana", "bananas in three grades, and none", "given groups", 0.93)},
		{"tomatoes", b.graded("tomato", "tomatoes by age", "given fruit", 0.74)},
		{"pumpkins", b.pumpkins},
		{"shrunk", b.shrunk},
		{"collections", b.collections},
		{"rendered", b.rendered},
		{"unlike", b.unlikeTables},
	}
}

func main() {
	b := &bench{}
	only := flag.String("only", "", "steps to run, separated by commas (default: all)")
	flag.StringVar(&b.data, "data", "", "folder of the photos")
	flag.StringVar(&b.work, "work", filepath.Join(".cache", "photos"), "folder to work in")
	flag.Parse()
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "photos:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(b.data, "pumpkins", manifest)); b.data == "" || err != nil {
		return fmt.Errorf("no %s in %q: name the folder of the photos with --data (make photos DATA=DIR)", filepath.Join("pumpkins", manifest), b.data)
	}
	if err := os.MkdirAll(b.work, 0o755); err != nil {
		return err
	}
	for _, s := range b.steps() {
		if b.only != nil && !slices.Contains(b.only, s.name) {
			continue
		}
		begin := time.Now()
		fmt.Fprintf(os.Stderr, "%s ...\n", s.name)
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", s.name, time.Since(begin).Seconds())
	}
	b.print()
	if len(b.short) > 0 {
		return fmt.Errorf("something is wrong: %s", strings.Join(b.short, "; "))
	}
	return nil
}

// reach notes a figure that falls short. A plain logistic head on embeddings of
// this backbone, made by others with other tools, reached the least ones.
func (b *bench) reach(what string, value, least float64) {
	if !(value >= least) { // also when it is not a number
		b.short = append(b.short, fmt.Sprintf("%s is %.3f, not %.2f", what, value, least))
	}
}

func (b *bench) print() {
	if len(b.table) > 0 {
		fmt.Println("| data | by | pictures, groups | figure |\n|---|---|---|---|")
		fmt.Println(strings.Join(b.table, "\n"))
	}
	if len(b.unlike) > 0 {
		fmt.Println("\n| photos that no class holds | model | pictures | called unlike | unsure for any reason |\n|---|---|---|---|---|")
		fmt.Println(strings.Join(b.unlike, "\n"))
	}
}

func (b *bench) row(cells ...string)    { b.table = append(b.table, line(cells)) }
func (b *bench) unsure(cells ...string) { b.unlike = append(b.unlike, line(cells)) }

func line(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
