package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
)

const (
	mediaJSON   = "application/json"
	mediaPatch  = "application/merge-patch+json"
	mediaUpload = "application/octet-stream"
)

// call is one request as handlers see it.
type call struct {
	http    echo.Context
	whole   context.Context    // of the call, however long it takes; with its span
	ctx     context.Context    // whole, within the time that it has now
	stop    context.CancelFunc // ends ctx
	dialect *dialects.Dialect  // in which it is; nil: none
	lingers bool               // the client stays as long as it likes, which says nothing of how long an answer takes
	passed  bool               // what it changes is told of by calls of its own
	caller  access.Caller
	secret  string               // what the caller is known by
	needs   access.Permission    // of the route
	looked  bool                 // what it is about was held to the caller's grants
	attempt *idempotency.Attempt // of a POST
	short   bool                 // what it makes gets a short id
	batch   string               // id of the batch that it is a part of; "": none
	media   string               // of the body
	body    []byte               // where it is JSON
	errs    field.Errors         // what is wrong with it, so far
	digest  string               // of what is asked, once it is read
	asked   string               // what repeats of it have in common, where that is not the digest
	content string               // sha256 of what was uploaded, once all of it has come
	code    code                 // of the problem that was answered
	undone  int                  // status of HTTP that says what became of it, where that which was sent does not; 0: it does
	ticket  *auditlog.Ticket     // that this is about to change something; nil: it is not, or not yet
	record  deployments.Record   // has the audit log say that it is
	say     saying               // how it is shown events; nil: as they are
}

// answer is what a handler says. A body is encoded as JSON; nil is none. A stream
// writes all of the answer by itself, as long as that takes.
type answer struct {
	status int
	header map[string]string
	body   any
	stream func(*call)
	partly bool // a repeat of the request is to go on with what was not done
	kept   any  // the body for repeats of the request, where it holds what is shown once; nil: the same
	undone undone
}

// undone is why not all was done of what is answered with a status that does not say so.
type undone struct {
	status int // that would; 0: all was done
	code   code
}

func (u undone) refused() bool { return u.status != 0 && !u.failed() }

func (u undone) failed() bool { return u.status >= http.StatusInternalServerError }

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

// wrong is what is wrong with fields of which one took its time to look at: or that
// this ended before it was seen.
func (c *call) wrong() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.errs.Err()
}

// readBody checks the body's type and reads it, unless it is an upload.
func (a *API) readBody(c *call, want content) error {
	req := c.http.Request()
	if want == noBody {
		return nil
	}
	if want == jsonOrNone {
		if none, err := a.nothingSent(c); none || err != nil {
			return err
		}
	}
	c.media, _, _ = mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	allowed := map[content][]string{
		jsonBody: {mediaJSON}, jsonOrNone: {mediaJSON},
		patchBody: {mediaJSON, mediaPatch}, uploadBody: {mediaUpload, mediaJSON},
	}[want]
	if want != anyBody && !slices.Contains(allowed, c.media) {
		return problemf(codeMedia, "the Content-Type must be %s", join(allowed))
	}
	if c.media == mediaUpload {
		return nil
	}
	if req.ContentLength > a.Limits.JSON {
		return problemf(codeTooLarge, "a JSON body may have at most %d bytes", a.Limits.JSON)
	}
	err := a.inTime(c, func() (err error) {
		c.body, err = io.ReadAll(http.MaxBytesReader(c.http.Response(), req.Body, a.Limits.JSON))
		return err
	})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problemf(codeTooLarge, "a JSON body may have at most %d bytes", a.Limits.JSON)
	case err != nil:
		return errNotWhole
	}
	return nil
}

// nothingSent says whether there is no body, whatever type was given for it. Of one in chunks
// that shows when the first has come, which is there to be read all the same.
func (a *API) nothingSent(c *call) (none bool, err error) {
	req := c.http.Request()
	if req.ContentLength >= 0 {
		return req.ContentLength == 0, nil
	}
	body := bufio.NewReader(req.Body)
	err = a.inTime(c, func() error {
		_, err := body.Peek(1)
		if none = errors.Is(err, io.EOF); none {
			return nil
		}
		return err
	})
	if err != nil {
		return false, errNotWhole
	}
	req.Body = struct {
		io.Reader
		io.Closer
	}{body, req.Body}
	return none, nil
}

var errNotWhole = problemf(codeTimeout, "the body did not arrive whole in time")

// inTime reads of the body what may take as long as all of it.
func (a *API) inTime(c *call, read func() error) error {
	control := http.NewResponseController(c.http.Response())
	_ = control.SetReadDeadline(time.Now().Add(a.Limits.Read))
	err := read()
	if err == nil {
		_ = control.SetReadDeadline(time.Time{}) // what watches for a closed connection reads too
	}
	return err
}

func join(media []string) string {
	if len(media) == 1 {
		return media[0]
	}
	return media[0] + " or " + media[1]
}
