package api

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// longAgo is a deadline that has passed: what is read by it is what has come already.
var longAgo = time.Unix(1, 0)

// sentBody is the body of a request, and knows whether all of it was read.
type sentBody struct {
	io.ReadCloser
	ended bool
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err == io.EOF // readers return it as it is
	return n, err
}

// watchBody has the request know of its body what leaveBody asks.
func watchBody(c echo.Context) *sentBody {
	b := &sentBody{ReadCloser: c.Request().Body}
	req := c.Request().WithContext(c.Request().Context()) // net/http looks for its own body in its own request
	req.Body = b
	c.SetRequest(req)
	return b
}

// leaveBody has an answer leave that does not care for the rest of the body. net/http would read up to 256 KB of it before
// it sends anything, however long that takes to come, so that the connection can be used again. Here that is tried with what
// has come already. Else the answer leaves at once and is the last one; net/http reads on after it, since a client that still
// sends may miss the answer where the connection is cut, and that has an end.
func (a *API) leaveBody(c echo.Context, b *sentBody) {
	req := c.Request()
	if b.ended || req.ProtoMajor > 1 { // HTTP/2 gives up the one stream
		return
	}
	control := http.NewResponseController(c.Response())
	if req.ContentLength > 0 && req.Header.Get("Expect") == "" { // to read asks for a body that was announced; one in chunks cannot be read on
		_ = control.SetReadDeadline(longAgo)
		if _, _ = io.Copy(io.Discard, b); b.ended {
			return
		}
	}
	c.Response().Header().Set(echo.HeaderConnection, "close")
	_ = control.SetReadDeadline(time.Now().Add(a.Limits.Read))
}

// boundAnswer has every answer be taken by its client in time, from when it begins to leave.
func (a *API) boundAnswer(c echo.Context) {
	control := http.NewResponseController(c.Response())
	if c.Request().ProtoMajor > 1 {
		_ = control.SetWriteDeadline(time.Time{}) // the server's: over HTTP/2 it ends what takes long before it answers, too
	}
	c.Response().Before(func() { _ = control.SetWriteDeadline(time.Now().Add(a.Limits.Write)) })
}

// outlet is where an answer leaves that comes in parts, of which each must be taken in time.
type outlet struct {
	to      *echo.Response
	control *http.ResponseController
	limit   time.Duration // for the client to take a part
	streams bool          // the connection has several streams
}

func (a *API) outlet(c echo.Context) outlet {
	return outlet{c.Response(), http.NewResponseController(c.Response()), a.Limits.Write, c.Request().ProtoMajor > 1}
}

// send sends a part at once.
func (o outlet) send(part io.WriterTo) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(o.limit))
	if _, err := part.WriteTo(o.to); err != nil {
		return err
	}
	if err := o.control.Flush(); err != nil {
		return err
	}
	if o.streams { // a deadline ends a stream of which nothing is to be sent for now, too
		_ = o.control.SetWriteDeadline(time.Time{})
	}
	return nil
}
