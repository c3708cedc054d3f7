package capture

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"gourdian/internal/quality"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// LumaShorter is the shorter side of a Frame's grey picture, in pixels.
const LumaShorter = 120

// longestWaitForPicture bounds how long one request may wait in the worker.
const longestWaitForPicture = 5 * time.Second

// CameraHandler serves the frames of a Feed in a worker process.
type CameraHandler struct {
	feed    *Feed
	codec   Codec
	resizer vision.Resizer
	tensors []vision.Tensor // reused
}

// NewCameraHandler returns a handler over feed, which somebody else runs. codec
// is its own: the feed's goroutine must not use it too.
func NewCameraHandler(feed *Feed, codec Codec) *CameraHandler {
	return &CameraHandler{feed: feed, codec: codec}
}

// Handle implements worker.Handler.
func (h *CameraHandler) Handle(ctx context.Context, req *worker.Request) (worker.Response, error) {
	if req.Op != OpNext {
		return worker.Response{}, badCall("this worker holds a camera; it can't %q", req.Op)
	}
	var params nextParams
	if err := json.Unmarshal(req.Params, &params); err != nil {
		return worker.Response{}, badCall("next: %v", err)
	}
	if len(params.Zones) > maxZones {
		return worker.Response{}, badCall("next: %d zones, at most %d", len(params.Zones), maxZones)
	}
	ctx, cancel := context.WithTimeout(ctx, min(params.Wait, longestWaitForPicture))
	defer cancel()
	shot, err := h.feed.Take(ctx, params.From)
	switch {
	case errors.Is(err, io.EOF):
		return worker.Response{}, &worker.Error{Code: codeEnd, Message: "the source is over"}
	case errors.Is(err, ErrNotOpen):
		return worker.Response{}, &worker.Error{Code: codeNotOpen, Message: h.feed.Trouble()}
	case err != nil:
		return worker.Response{}, &worker.Error{Code: codeNoPicture, Message: h.feed.Trouble()}
	}
	return h.frame(shot, orCentred(params.Zones))
}

// frame turns a picture into what is sent of it.
func (h *CameraHandler) frame(shot *Shot, zones []vision.Zone) (worker.Response, error) {
	result := nextResult{
		Seq: shot.Seq, Dropped: shot.Dropped, Unreadable: shot.Unreadable,
		CapturedAt: shot.CapturedAt, WallAt: shot.WallAt,
		W: shot.Image.W, H: shot.Image.H, Name: shot.Name,
	}
	h.tensors = enough(h.tensors, len(zones))
	tensors, lumas := make([][]byte, len(zones)), make([][]byte, len(zones))
	for i, zone := range zones {
		tensor := h.tensors[i]
		if err := h.resizer.Prepare(tensor, shot.Image, zone); err != nil {
			return worker.Response{}, err
		}
		tensors[i], lumas[i] = tensor, tensor.Grey().Half().Pix
		result.Sharpness = append(result.Sharpness, quality.Sharpness(tensor))
	}
	luma := vision.ToLuma(shot.Image, LumaShorter)
	result.LumaW, result.LumaH = luma.W, luma.H
	jpeg, err := h.jpeg(shot)
	if err != nil {
		return worker.Response{}, err
	}
	result.JPEG = len(jpeg)
	return respond(result, append(append(tensors, lumas...), luma.Pix, jpeg)...)
}

// jpeg is the original where that is a JPEG; its EXIF turn stays in it.
func (h *CameraHandler) jpeg(shot *Shot) ([]byte, error) {
	if info, err := Inspect(shot.File); err == nil && info.Format == "jpeg" {
		return shot.File, nil
	}
	return h.codec.Encode(shot.Image, JPEGQuality)
}
