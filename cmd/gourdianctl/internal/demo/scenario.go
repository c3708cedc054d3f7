package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/vision"
	"gourdian/models"
)

const (
	// trainingCount is enough for every variety and condition to be there, and
	// renders and trains in a minute or two on two cores.
	trainingCount = 800
	trainingSeed  = 1
	// sceneQuery is a field that training never saw: its seeds live in a space
	// of their own (see package field). An hour of it passes in two minutes.
	sceneQuery = "seed=2027&speed=30"
	// onceField is how much field time a demo that goes through once watches.
	onceField = time.Hour
	// onceVideo is how long it watches a video.
	onceVideo = 20 * time.Second
)

// scenario is what the board looks at, and with which model.
type scenario struct {
	source string // camera address
	bundle string
	words  string
	kind   kind
}

type kind int

const (
	rendered kind = iota
	photos
	video
)

func (o *Options) scenario(ctx context.Context) (*scenario, error) {
	switch {
	case o.Photos != "":
		return o.photoScenario(ctx)
	case o.Video != "":
		path, err := filepath.Abs(o.Video)
		if err != nil {
			return nil, fmt.Errorf("find the video: %w", err)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("find the video: %w", err)
		}
		bundle, err := o.renderedModel(ctx)
		return &scenario{source: "file:" + path + "?loop=1", bundle: bundle, kind: video,
			words: "It watches your video, again and again, with a model that learnt from rendered pumpkins only: its verdicts are for trying out."}, err
	default:
		bundle, err := o.renderedModel(ctx)
		return &scenario{source: "field:" + sceneQuery, bundle: bundle, kind: rendered,
			words: "It watches a rendered field in which an hour takes two minutes, with a model that learnt from other rendered pumpkins. Nothing here says how it grades real ones."}, err
	}
}

// renderedModel makes the model of rendered pumpkins, or takes the one that an
// earlier demo of the same program made.
func (o *Options) renderedModel(ctx context.Context) (string, error) {
	key := hash(o.Version, field.SourceName, vision.PreprocessID(), fmt.Sprint(trainingCount, trainingSeed))
	bundle := filepath.Join(o.Dir, "rendered-"+key+".gourdian")
	if _, err := os.Stat(bundle); err == nil {
		o.Say("1. The model of rendered pumpkins is there from an earlier demo.")
		return bundle, nil
	}
	data := filepath.Join(o.Dir, "patch-"+key)
	if _, err := os.Stat(data); err != nil {
		o.Say("1. Rendering %d labelled pictures of pumpkins and look-alikes.", trainingCount)
		if err := o.Render(ctx, data, trainingCount, trainingSeed); err != nil {
			return "", err
		}
	}
	o.Say("2. Training a model on them.")
	return bundle, o.Train(ctx, data, models.TaskGrade, bundle)
}

// photoScenario trains on photos that are sorted into a folder per class, and
// grades others with the model of rendered pumpkins.
func (o *Options) photoScenario(ctx context.Context) (*scenario, error) {
	dir, err := filepath.Abs(o.Photos)
	if err != nil {
		return nil, fmt.Errorf("find the photos: %w", err)
	}
	classes, listing, err := classFolders(dir)
	if err != nil {
		return nil, fmt.Errorf("find the photos: %w", err)
	}
	s := &scenario{source: "folder:" + dir, kind: photos}
	if len(classes) < 2 {
		s.words = "It grades your photos with a model that learnt from rendered pumpkins only: its verdicts are for trying out."
		s.bundle, err = o.renderedModel(ctx)
		return s, err
	}
	task := models.TaskCustom
	if !slices.ContainsFunc(classes, func(c string) bool { return !slices.Contains(gradeClasses(), c) }) {
		task = models.TaskGrade
	}
	s.words = fmt.Sprintf("It looks at your photos with a model that it learnt from these same photos (%s): the page shows how it works, the training's report above how good it is.", strings.Join(classes, ", "))
	s.bundle = filepath.Join(o.Dir, "photos-"+hash(o.Version, vision.PreprocessID(), dir, listing)+".gourdian")
	if _, err := os.Stat(s.bundle); err == nil {
		o.Say("1. The model of these photos is there from an earlier demo.")
		return s, nil
	}
	o.Say("1. Training a model on your photos: %s.", strings.Join(classes, ", "))
	return s, o.Train(ctx, dir, task, s.bundle)
}

func gradeClasses() []string {
	var names []string
	for _, c := range field.Classes() {
		names = append(names, string(c))
	}
	return names
}

// classFolders returns the names of the folders in dir that hold files, and a
// listing that changes when any file does.
func classFolders(dir string) (classes []string, listing string, err error) {
	var b strings.Builder
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, rel, info.Size(), info.ModTime().UnixNano())
		if class, _, inside := strings.Cut(rel, string(filepath.Separator)); inside && !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
		return nil
	})
	slices.Sort(classes)
	return classes, b.String(), err
}

// hash is a short name for what made a file.
func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
