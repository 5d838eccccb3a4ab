package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

const (
	mediaJSON   = "application/json"
	mediaPatch  = "application/merge-patch+json"
	mediaUpload = "application/octet-stream"
)

// call is one request as handlers see it.
type call struct {
	http    echo.Context
	ctx     context.Context
	token   tokens.Token
	secret  string               // the token itself
	attempt *idempotency.Attempt // of a POST
	media   string               // of the body
	body    []byte               // where it is JSON
	errs    field.Errors         // what is wrong with it, so far
}

// answer is what a handler says. A body is encoded as JSON; nil is none.
type answer struct {
	status int
	header map[string]string
	body   any
}

func ok(body any) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }

// brief is the call's context with the bound of one request to the broker, for
// handlers that have more time than that on the whole.
func (a *API) brief(c *call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.ctx, a.Limits.Broker)
}

// id is the id in the path.
func (c *call) id() string { return c.http.Param("id") }

// name is the name in the path under this parameter. The router leaves it as it
// was sent where it holds what a path cannot, such as a slash.
func (c *call) name(parameter string) string {
	value := c.http.Param(parameter)
	if c.http.Request().URL.RawPath == "" {
		return value
	}
	if clear, err := url.PathUnescape(value); err == nil {
		return clear
	}
	return value
}

// object parses the JSON body. Fields are taken from it, and what is wrong ends
// up in c.errs. A body that may be left out counts as {}.
func (c *call) object() (*field.Object, error) {
	if len(c.body) == 0 && c.media == "" {
		return field.Parse([]byte("{}"), &c.errs)
	}
	return field.Parse(c.body, &c.errs)
}

// query parses the query, likewise.
func (c *call) query() (*field.Query, error) {
	return field.ParseQuery(c.http.Request().URL.RawQuery, &c.errs)
}

// noQuery refuses a query where there is nothing to ask.
func (c *call) noQuery() error {
	q, err := c.query()
	if err != nil {
		return err
	}
	q.End()
	return c.errs.Err()
}

// readBody checks the body's type and reads it, unless it is an upload.
func (a *API) readBody(c *call, want content) error {
	req := c.http.Request()
	if want == noBody {
		return nil
	}
	if want == jsonOrNone && req.ContentLength == 0 && req.Header.Get(echo.HeaderContentType) == "" {
		return nil
	}
	c.media, _, _ = mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	allowed := map[content][]string{
		jsonBody: {mediaJSON}, jsonOrNone: {mediaJSON},
		patchBody: {mediaJSON, mediaPatch}, uploadBody: {mediaUpload, mediaJSON},
	}[want]
	if !slices.Contains(allowed, c.media) {
		return problemf(codeMedia, "the Content-Type must be %s", join(allowed))
	}
	if c.media == mediaUpload {
		return nil
	}
	if req.ContentLength > a.Limits.JSON {
		return problemf(codeTooLarge, "a JSON body may have at most %d bytes", a.Limits.JSON)
	}
	control := http.NewResponseController(c.http.Response())
	_ = control.SetReadDeadline(time.Now().Add(a.Limits.Read))
	body, err := io.ReadAll(http.MaxBytesReader(c.http.Response(), req.Body, a.Limits.JSON))
	_ = control.SetReadDeadline(time.Time{}) // what watches for a closed connection reads too
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problemf(codeTooLarge, "a JSON body may have at most %d bytes", a.Limits.JSON)
	case err != nil:
		return problemf(codeTimeout, "the body did not arrive whole in time")
	}
	c.body = body
	return nil
}

func join(media []string) string {
	if len(media) == 1 {
		return media[0]
	}
	return media[0] + " or " + media[1]
}
