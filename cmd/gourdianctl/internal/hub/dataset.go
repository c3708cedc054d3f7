package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Dataset is a data set of a hub.
type Dataset struct {
	Number   int64     `json:"number"`
	Manifest string    `json:"manifest"`
	AsOf     time.Time `json:"as_of"`
	MadeAt   time.Time `json:"made_at"`
	MadeBy   string    `json:"made_by"`
	Counts   struct {
		Pictures int            `json:"pictures"`
		Groups   int            `json:"groups"`
		LeftOut  map[string]int `json:"left_out"`
	} `json:"counts"`
	Created bool `json:"created,omitempty"` // of one that was just ordered: false = it was there
}

// Datasets returns all data sets, the newest first.
func (c *Client) Datasets(ctx context.Context) ([]Dataset, error) {
	all, cursor := []Dataset{}, ""
	for {
		var answer struct {
			Datasets []Dataset `json:"datasets"`
			Next     string    `json:"next"`
		}
		path := "/api/v1/datasets?limit=100"
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		if err := c.call(ctx, http.MethodGet, path, "", nil, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Datasets...)
		if cursor = answer.Next; cursor == "" || len(answer.Datasets) == 0 {
			return all, nil
		}
	}
}

// MakeDataset has a data set made of the labels as they were known at a moment,
// zero = now.
func (c *Client) MakeDataset(ctx context.Context, asOf time.Time) (Dataset, error) {
	order := map[string]any{}
	if !asOf.IsZero() {
		order["as_of"] = asOf
	}
	var made Dataset
	return made, c.send(ctx, "/api/v1/datasets", order, &made)
}

// Task says what data a hub has now and what is missing to train.
type Task struct {
	Enough bool     `json:"enough"`
	Words  []string `json:"words"` // what is missing
}

// Task asks whether the labels suffice to train.
func (c *Client) Task(ctx context.Context) (Task, error) {
	var now Task
	return now, c.call(ctx, http.MethodGet, "/api/v1/task", "", nil, &now)
}

// ExportDataset writes the archive of a data set, with its pictures.
func (c *Client) ExportDataset(ctx context.Context, number int64, to io.Writer) error {
	path := "/api/v1/datasets/" + strconv.FormatInt(number, 10) + "/archive.zip"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the hub: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	if answer.StatusCode != http.StatusOK {
		data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("read the hub's answer: %w", err)
		}
		return refused(answer, data)
	}
	if _, err := io.Copy(to, answer.Body); err != nil {
		return fmt.Errorf("read the archive of the hub: %w", err)
	}
	return nil
}
