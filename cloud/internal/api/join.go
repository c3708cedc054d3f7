package api

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

// joinsByMinute bounds what one address may try: guessing a secret is hopeless
// anyway, but each try costs a signature.
const joinsByMinute = 60

// Members lets boards in and renews their certificates; *fleet.Fleet is one.
type Members interface {
	Join(ctx context.Context, r wire.JoinRequest) (wire.JoinAnswer, error)
	Renew(ctx context.Context, had *x509.Certificate, r wire.JoinRequest) (wire.JoinAnswer, error)
}

// Join are the addresses of boards without a valid certificate.
type Join struct {
	members Members
	log     *slog.Logger
}

// NewJoin returns the addresses.
func NewJoin(members Members, log *slog.Logger) *Join { return &Join{members, log} }

// Routes are the addresses. Both are open: the token, or the key of the old
// certificate, is what lets in.
func (j *Join) Routes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: wire.JoinPath, Least: Open, Limit: wire.MaxJoinBytes, PerMinute: joinsByMinute, Handler: j.join},
		{Method: http.MethodPost, Path: wire.RenewPath, Least: Open, Limit: wire.MaxJoinBytes, PerMinute: joinsByMinute, Handler: j.renew},
	}
}

func (j *Join) join(c *gin.Context) {
	request, ok := readJoin(c)
	if !ok {
		return
	}
	answer, err := j.members.Join(c.Request.Context(), request)
	j.answer(c, request.Device, answer, err)
}

func (j *Join) renew(c *gin.Context) {
	request, ok := readJoin(c)
	if !ok {
		return
	}
	if c.Request.TLS == nil || len(c.Request.TLS.PeerCertificates) == 0 {
		Fail(c, http.StatusUnauthorized, "certificate_needed", "A certificate is renewed over TLS with the old one.", "Connect with the board's certificate, also when it has ended.")
		return
	}
	answer, err := j.members.Renew(c.Request.Context(), c.Request.TLS.PeerCertificates[0], request)
	j.answer(c, request.Device, answer, err)
}

func readJoin(c *gin.Context) (wire.JoinRequest, bool) {
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		Fail(c, http.StatusBadRequest, "body", "The request could not be read.", "Send it again.")
		return wire.JoinRequest{}, false
	}
	request, err := wire.DecodeJoinRequest(body)
	if errors.Is(err, wire.ErrContract) {
		Fail(c, http.StatusBadRequest, "contract", "This board's program is too old for this hub.", "Update gourdian-agent on the board, then join again: the same token still works.")
		return wire.JoinRequest{}, false
	}
	if err != nil {
		Fail(c, http.StatusBadRequest, "request", wire.Text(err.Error(), wire.MaxText), "Agent and hub may be of very different versions.")
		return wire.JoinRequest{}, false
	}
	return request, true
}

func (j *Join) answer(c *gin.Context, device string, answer wire.JoinAnswer, err error) {
	switch {
	case err == nil:
		j.log.Info("a board has a certificate", "device", device, "path", c.FullPath(), "site", answer.Site)
		c.JSON(http.StatusCreated, answer)
		return
	case errors.Is(err, authority.ErrRequest):
		Fail(c, http.StatusBadRequest, "certificate_request", wire.Text(err.Error(), wire.MaxText), "The agent makes the request; is it of another version?")
	case errors.Is(err, fleet.ErrSecret):
		Fail(c, http.StatusForbidden, "token", "The join token is unknown, used up, revoked or out of date.", "Ask for a new one: the hub's fleet page makes them.")
	case errors.Is(err, fleet.ErrAlready):
		Fail(c, http.StatusConflict, "already_joined", "A board of this name has joined before, with another key.", "An admin can make a token that lets boards join again.")
	case errors.Is(err, fleet.ErrRevoked):
		Fail(c, http.StatusForbidden, "revoked", "This board may no longer connect to this hub.", "An admin can make a token that lets boards join again.")
	default:
		j.log.Error("a board could not join", "device", device, "path", c.FullPath(), "error", err)
		Fail(c, http.StatusServiceUnavailable, "database", "The hub could not keep it.", "Try again in a while; the hub's log says more.")
		return
	}
	j.log.Info("a board was refused", "device", device, "path", c.FullPath(), "error", err)
}
