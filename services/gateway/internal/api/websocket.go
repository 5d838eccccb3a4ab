package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
)

// farewell is how long a client has to take leave of a gateway that has stopped.
const farewell = time.Second

// socket shows each event as a message of text.
type socket struct {
	ctx   context.Context //nolint:containedctx // of the connection
	conn  *websocket.Conn
	limit time.Duration // for the client to take what it is sent
}

// showOverWebSocket shows events until there are no more. A page of an origin that is
// neither the API's nor configured is refused.
func (a *API) showOverWebSocket(c *call, w *live.Watch) {
	h := &handshake{ResponseWriter: c.http.Response()}
	conn, err := websocket.Accept(h, c.http.Request(), &websocket.AcceptOptions{OriginPatterns: a.Edge.Origins})
	if err != nil {
		h.Header().Del(echo.HeaderContentType) // of the plain text
		a.refuseCall(c, h.problem(err))
		return
	}
	defer func() { _ = conn.CloseNow() }()
	// The connection ends with the context that it is read with. When requests are cut off, the client is told first.
	open, end := context.WithCancel(context.WithoutCancel(c.ctx))
	defer end()
	s := &socket{ctx: conn.CloseRead(open), conn: conn, limit: a.Limits.Write} // nothing is expected from the client
	watching, cut := context.WithCancel(s.ctx)
	defer context.AfterFunc(c.ctx, func() {
		cut()
		time.AfterFunc(farewell, end)
	})()
	switch err := a.pump(watching, c, w, s); {
	case errors.Is(err, live.ErrOver):
		_ = conn.Close(websocket.StatusNormalClosure, err.Error())
	case errors.Is(err, live.ErrClosed), c.ctx.Err() != nil:
		_ = conn.Close(websocket.StatusGoingAway, live.ErrClosed.Error())
	case errors.Is(err, live.ErrSlow):
		_ = conn.Close(websocket.StatusPolicyViolation, err.Error())
	default:
		_ = conn.Close(websocket.StatusTryAgainLater, "")
	}
}

func (s *socket) show(events []*live.Event) error {
	for _, e := range events {
		if err := s.within(func(ctx context.Context) error { return s.conn.Write(ctx, websocket.MessageText, e.JSON) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *socket) beat() error { return s.within(s.conn.Ping) }

func (s *socket) within(do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.limit)
	defer cancel()
	return do(ctx)
}

// handshake answers the request for a WebSocket where it becomes one. What is wrong with
// it else would be said as plain text: it is kept, to be said as a problem.
type handshake struct {
	http.ResponseWriter
	refused int
}

// WriteHeader implements http.ResponseWriter.
func (h *handshake) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		h.ResponseWriter.WriteHeader(status)
		return
	}
	h.refused = status
}

// Write implements http.ResponseWriter.
func (h *handshake) Write(text []byte) (int, error) { return len(text), nil }

// Unwrap is for what has to be the connection's own.
func (h *handshake) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *handshake) problem(err error) error {
	switch {
	case h.refused == http.StatusForbidden:
		return problemf(codeForbidden, "a page of another origin must not watch")
	case h.refused != 0 && h.refused < http.StatusInternalServerError:
		return problemf(codeMalformed, "the request cannot become a WebSocket: %s", errors.Unwrap(err))
	default:
		return err
	}
}
