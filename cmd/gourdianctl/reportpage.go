package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gourdian/internal/bundle"
	"gourdian/internal/web"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
	"gourdian/models/report"
	"gourdian/models/train"
)

// pageFlags say where a report for people goes, as one HTML page.
type pageFlags struct{ file, language string }

func (p *pageFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&p.file, "report", "", "HTML page to write, with plots and pictures in it")
	c.Flags().StringVar(&p.language, "language", string(web.English), "language of that page: en or es")
}

func (p *pageFlags) check() error {
	if p.language != string(web.English) && p.language != string(web.Spanish) {
		return wrongUse("--language %s: choose en or es", p.language)
	}
	if p.file == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(p.file)); err != nil || !info.IsDir() {
		return wrongUse("--report %s: there is no folder %s", p.file, filepath.Dir(p.file))
	}
	return nil
}

// write writes the page, whole or not at all; nothing where none was asked for.
func (p *pageFlags) write(s *streams, body func(out io.Writer, words *web.Speaker) error) error {
	if p.file == "" {
		return nil
	}
	words, err := report.Speaker(web.Lang(p.language))
	if err != nil {
		return err
	}
	if err := writeFile(p.file, func(out io.Writer) error { return body(out, words) }); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "report: %s\n", p.file)
	return nil
}

// evaluation writes the page of model eval.
func (p *pageFlags) evaluation(ctx context.Context, s *streams, r *evaluate.Report, classes []bundle.Class, pictures *report.Pictures) error {
	return p.write(s, func(out io.Writer, words *web.Speaker) error {
		return report.Evaluation(ctx, out, words, r, classes, pictures)
	})
}

// training writes the page of model train. It opens the data again.
func (p *pageFlags) training(ctx context.Context, s *streams, config train.Config, r *train.Report, classes []bundle.Class) error {
	return p.write(s, func(out io.Writer, words *web.Speaker) error {
		set, err := dataset.Open(config.Data, config.Renames)
		if err != nil {
			return err
		}
		defer set.Close()
		decoder, err := embed.NewWorkerDecoder(ctx, config.Camera)
		if err != nil {
			return err
		}
		defer decoder.Close()
		return report.Training(ctx, out, words, r, classes, &report.Pictures{
			Set: set, Importer: embed.Importer{Decoder: decoder, KeepBars: config.KeepBars},
		})
	})
}
