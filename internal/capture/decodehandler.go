package capture

import (
	"context"
	"encoding/json"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// DecodeHandler serves decode, encode and prepare in a worker process.
type DecodeHandler struct {
	codec   Codec
	resizer vision.Resizer
	picture vision.Image    // reused
	tensors []vision.Tensor // reused
}

// NewDecodeHandler returns a handler over codec.
func NewDecodeHandler(codec Codec) *DecodeHandler {
	return &DecodeHandler{codec: codec}
}

// Handle implements worker.Handler.
func (h *DecodeHandler) Handle(_ context.Context, req *worker.Request) (worker.Response, error) {
	switch req.Op {
	case OpDecode:
		return h.decode(req.Body)
	case OpEncode:
		return h.encode(req)
	case OpPrepare:
		return h.prepare(req)
	}
	return worker.Response{}, badCall("this worker decodes only; it can't %q", req.Op)
}

func (h *DecodeHandler) decode(file []byte) (worker.Response, error) {
	if err := h.codec.Decode(file, &h.picture); err != nil {
		return worker.Response{}, coded(err)
	}
	return respond(sizeResult{h.picture.W, h.picture.H}, h.picture.Pix)
}

func (h *DecodeHandler) encode(req *worker.Request) (worker.Response, error) {
	var params encodeParams
	if err := json.Unmarshal(req.Params, &params); err != nil {
		return worker.Response{}, badCall("encode: %v", err)
	}
	img := vision.Image{W: params.W, H: params.H, Pix: req.Body}
	if params.Quality < 1 || params.Quality > 100 || params.W > worker.MaxBody || params.H > worker.MaxBody || img.Check() != nil {
		return worker.Response{}, badCall("encode: %dx%d pixels at quality %d in %d bytes", params.W, params.H, params.Quality, len(req.Body))
	}
	jpeg, err := h.codec.Encode(img, params.Quality)
	if err != nil {
		return worker.Response{}, coded(err)
	}
	return worker.Response{Body: [][]byte{jpeg}}, nil
}

func (h *DecodeHandler) prepare(req *worker.Request) (worker.Response, error) {
	var params prepareParams
	if len(req.Params) > 0 {
		if err := json.Unmarshal(req.Params, &params); err != nil {
			return worker.Response{}, badCall("prepare: %v", err)
		}
	}
	if len(params.Zones) > maxZones {
		return worker.Response{}, badCall("prepare: %d zones, at most %d", len(params.Zones), maxZones)
	}
	if err := h.codec.Decode(req.Body, &h.picture); err != nil {
		return worker.Response{}, coded(err)
	}
	var body [][]byte
	for i, zone := range orCentred(params.Zones) {
		h.tensors = enough(h.tensors, i+1)
		if err := h.resizer.Prepare(h.tensors[i], h.picture, zone); err != nil {
			return worker.Response{}, err
		}
		body = append(body, h.tensors[i])
	}
	return respond(sizeResult{h.picture.W, h.picture.H}, body...)
}

// enough returns tensors with at least n of them.
func enough(tensors []vision.Tensor, n int) []vision.Tensor {
	for len(tensors) < n {
		tensors = append(tensors, make(vision.Tensor, vision.TensorLen))
	}
	return tensors
}

func respond(result any, body ...[]byte) (worker.Response, error) {
	raw, err := json.Marshal(result)
	return worker.Response{Result: raw, Body: body}, err
}
