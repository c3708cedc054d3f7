package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"gourdian/internal/bundle"
	"gourdian/internal/vision"
)

// versionReport is what version prints with --json.
type versionReport struct {
	Version      string `json:"version"`
	Go           string `json:"go"`
	Platform     string `json:"platform"`
	BundleFormat int    `json:"bundle_format"`
	Preprocess   string `json:"preprocess"`
}

func newVersionCommand(s *streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which gourdianctl this is and which models it can use",
		Args:  checkArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			report := versionReport{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, bundle.Format, vision.PreprocessID()}
			if asJSON {
				return s.printJSON(report)
			}
			fmt.Fprintf(s.out, "gourdianctl %s (%s, %s)\nbundle format %d, preprocessing %s\n",
				report.Version, report.Go, report.Platform, report.BundleFormat, report.Preprocess)
			return nil
		},
	}
	jsonFlag(c, &asJSON)
	return c
}
