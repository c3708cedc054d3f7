package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/hub"
)

// newSamplesCommand holds the commands about a hub's pictures.
func newSamplesCommand(s *streams) *cobra.Command {
	samples := newGroup("samples", "Pictures to learn from on a hub", `A sample is a picture on a hub that somebody labels, or has labelled.`)
	samples.AddCommand(newImportCommand(s))
	return samples
}

func newImportCommand(s *streams) *cobra.Command {
	var f struct {
		hub    hubFlags
		how    hub.Import
		asJSON bool
	}
	c := &cobra.Command{
		Use:   "import DIR|FILE.zip --hub URL",
		Short: "Send the photos of a folder or an archive to a hub",
		Long: `import sends photos in portions and says which ones the hub refused and why:
broken, tiny, dark, blurred, too large, probably not a pumpkin (where the hub has a
model to ask, and no label says what it is), or there already. Cut off, it can be run
again: what the hub has is refused as a duplicate. Links are not followed.

With --labels the name of the folder that a photo stands in is its label (good,
regular, bad, not_pumpkin, cant_tell); other folders mean nothing.`,
		Example: `  GOURDIAN_TOKEN=gdn_... gourdianctl samples import photos --hub https://hub.example:8443 --site north --labels`,
		Args:    oneArg("DIR or FILE.zip"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := f.hub.client(1)
			if err != nil {
				return err
			}
			defer client.Close()
			from, done, err := openPhotos(args[0])
			if err != nil {
				return err
			}
			defer done()
			if f.how.Name == "" {
				f.how.Name = filepath.Base(filepath.Clean(args[0]))
			}
			var p *progress
			f.how.Step = func(done, of int) {
				if p == nil {
					p = s.startProgress("import", of)
				}
				p.set(done)
			}
			report, err := client.Import(c.Context(), from, f.how)
			if p != nil {
				p.finish()
			}
			if err != nil && report.Taken > 0 {
				s.notef("%d photos were taken before that", report.Taken)
			}
			if err != nil {
				return err
			}
			if f.asJSON {
				return s.printJSON(report)
			}
			return printImport(s, report)
		},
	}
	f.hub.register(c)
	flags := c.Flags()
	flags.StringVar(&f.how.Name, "name", "", "name of the import (default: that of DIR or FILE)")
	flags.StringVar(&f.how.Site, "site", "", "site where the photos were taken")
	flags.BoolVar(&f.how.Labels, "labels", false, "folders are named by the label of their photos")
	flags.BoolVar(&f.how.Doubtful, "take-doubtful", false, "take what is probably not a pumpkin too: it waits for a label")
	flags.BoolVar(&f.how.KeepPoor, "keep-poor", false, "keep dark, bright and blurred photos too")
	jsonFlag(c, &f.asJSON)
	return c
}

// openPhotos opens a folder or an archive; done lets go of it.
func openPhotos(path string) (from fs.FS, done func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open photos: %w", err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, nil, fmt.Errorf("open photos: %w", err)
		}
		return root.FS(), func() { _ = root.Close() }, nil // only read
	}
	archive, err := zip.OpenReader(path)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are cleaned, and are never paths
		return nil, nil, fmt.Errorf("open photos: %s: %w", path, err)
	}
	return archive, func() { _ = archive.Close() }, nil
}

func printImport(s *streams, r hub.ImportReport) error {
	out := newReportWriter(s.out)
	fmt.Fprintf(out.w, "%d files: %d photos taken, %d of them labelled\n", r.Seen, r.Taken, r.Labelled)
	if r.Doubtful > 0 {
		fmt.Fprintf(out.w, "taken all the same: %d that are probably not pumpkins; they wait for a label\n", r.Doubtful)
	}
	if r.Unasked > 0 {
		fmt.Fprintf(out.w, "not asked whether they are pumpkins: %d, the hub has no model that answers\n", r.Unasked)
	}
	for _, fault := range slices.Sorted(maps.Keys(r.Refused)) {
		out.row(fmt.Sprintf("refused, %s: %d", fault, r.Refused[fault]))
	}
	for _, one := range r.Files {
		out.row(one.Fault, one.File)
	}
	return out.flush()
}
