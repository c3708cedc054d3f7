package hub

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"time"
)

// Bounds of one archive that is sent. They are far below the hub's own: what
// was sent when a line breaks is little, and progress is seen.
const (
	portionBytes = 32 << 20
	portionFiles = 200
	maxFile      = 32 << 20 // beyond it the hub takes nothing, so it is not sent
	maxFiles     = 1_000_000
	maxNamed     = 1000 // refused files that a report names
)

// Refusal is one file that was not taken, and why in one word.
type Refusal struct {
	File  string `json:"file"`
	Fault string `json:"fault"`
}

// ImportReport says what became of an import.
type ImportReport struct {
	Seen     int            `json:"seen"`
	Taken    int            `json:"taken"`
	Labelled int            `json:"labelled"`
	Refused  map[string]int `json:"refused"`
	Files    []Refusal      `json:"files"` // the first of the refused ones
	Doubtful int            `json:"doubtful"`
	Unasked  int            `json:"unasked"` // no model could say whether they are pumpkins
}

func (r *ImportReport) refuse(file, fault string) {
	r.Seen++
	r.Refused[fault]++
	if len(r.Files) < maxNamed {
		r.Files = append(r.Files, Refusal{file, fault})
	}
}

func (r *ImportReport) add(more ImportReport) {
	r.Seen += more.Seen
	r.Taken += more.Taken
	r.Labelled += more.Labelled
	r.Doubtful += more.Doubtful
	r.Unasked += more.Unasked
	for fault, n := range more.Refused {
		r.Refused[fault] += n
	}
	r.Files = append(r.Files, more.Files[:min(len(more.Files), maxNamed-len(r.Files))]...)
}

// Import says what an import does.
type Import struct {
	Name     string // by which its pictures are known later
	Site     string // where they were taken, "" = nobody says
	Labels   bool   // the name of a picture's folder is its label
	KeepPoor bool   // dark, bright and blurred ones too
	Doubtful bool   // what is probably no pumpkin too
	Step     func(done, of int)
}

// Import sends the pictures of a folder or an archive to the hub, in portions,
// and returns what became of them, also of those before an error. Links are not
// followed. Sent again, what is there already is a duplicate.
func (c *Client) Import(ctx context.Context, from fs.FS, how Import) (ImportReport, error) {
	report := ImportReport{Refused: map[string]int{}, Files: []Refusal{}}
	names, err := list(from, &report)
	if err != nil {
		return report, fmt.Errorf("read pictures: %w", err)
	}
	total := len(names)
	for len(names) > 0 {
		archive, n, err := pack(from, names, &report)
		if err != nil {
			return report, fmt.Errorf("read pictures: %w", err)
		}
		names = names[n:]
		if len(archive) > 0 {
			answer, err := c.sendArchive(ctx, archive, how)
			if err != nil {
				return report, err
			}
			report.add(answer)
		}
		how.Step(total-len(names), total)
	}
	return report, nil
}

// list returns the plain files, and refuses what is none.
func list(from fs.FS, report *ImportReport) ([]string, error) {
	var names []string
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			report.refuse(name, "not_file")
			return nil
		case len(names) == maxFiles:
			return fmt.Errorf("more than %d files: import parts of them", maxFiles)
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// pack puts the first files into an archive and says how many they were. An
// archive of none is empty.
func pack(from fs.FS, names []string, report *ImportReport) (archive []byte, n int, err error) {
	var out bytes.Buffer
	w, packed := zip.NewWriter(&out), 0
	for n < len(names) && n < portionFiles && out.Len() < portionBytes {
		name := names[n]
		n++
		data, err := readFile(from, name)
		if errors.Is(err, errTooLarge) {
			report.refuse(name, "too_large")
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		// Photos are compressed already.
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = part.Write(data)
		}
		if err == nil {
			err = w.Flush() // out knows its length then
		}
		if err != nil {
			return nil, 0, err
		}
		packed++
	}
	if err := w.Close(); err != nil || packed == 0 {
		return nil, n, err
	}
	return out.Bytes(), n, nil
}

var errTooLarge = errors.New("too large to be a photo")

func readFile(from fs.FS, name string) ([]byte, error) {
	f, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errTooLarge
	}
	return data, err
}

// sendArchive sends one archive, again where the hub is busy with another.
func (c *Client) sendArchive(ctx context.Context, archive []byte, how Import) (ImportReport, error) {
	query := url.Values{"name": {how.Name}}
	for key, value := range map[string]string{"site": how.Site, "folders": yes(how.Labels, "labels"), "poor": yes(how.KeepPoor, "keep"), "doubtful": yes(how.Doubtful, "take")} {
		if value != "" {
			query.Set(key, value)
		}
	}
	for {
		var report ImportReport
		err := c.call(ctx, http.MethodPost, "/api/v1/import?"+query.Encode(), "application/zip", bytes.NewReader(archive), &report)
		pause, again := Wait(err)
		if !again {
			return report, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return report, context.Cause(ctx)
		}
	}
}

func yes(on bool, word string) string {
	if on {
		return word
	}
	return ""
}
