package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	mediaProblem = "application/problem+json"
	retryAfter   = "2"  // seconds
	busyAfter    = "30" // seconds: deployments take longer than a service that starts again
	maxErrors    = 1000
)

// code is the stable name of a kind of problem.
type code string

// The codes, as openapi.yaml lists them.
const (
	codeMalformed     code = "malformed_request"
	codeUnauthorized  code = "unauthorized" //nolint:misspell // as HTTP spells it
	codeForbidden     code = "forbidden"
	codeRateLimited   code = "rate_limited"
	codeLockedOut     code = "locked_out"
	codeNotFound      code = "not_found"
	codeMethod        code = "method_not_allowed"
	codeConflict      code = "conflict"
	codeNameTaken     code = "name_taken"
	codeJumpHost      code = "jump_host_in_use"
	codeInUse         code = "in_use"
	codeVersion       code = "version_conflict"
	codeNotFinished   code = "not_finished"
	codeNotADeploy    code = "not_a_deploy"
	codeDeleted       code = "servers_deleted"
	codePackageGone   code = "package_deleted"
	codeNothing       code = "nothing_to_do"
	codeState         code = "state_conflict"
	codeBusy          code = "too_many_deployments"
	codeInProgress    code = "idempotency_in_progress"
	codeMismatch      code = "idempotency_mismatch"
	codePrecondition  code = "precondition_failed"
	codeEventsGone    code = "events_gone"
	codeArchived      code = "deployment_archived"
	codeTooLarge      code = "payload_too_large"
	codeMedia         code = "unsupported_media_type"
	codeInvalid       code = "invalid_request"
	codeDigest        code = "digest_mismatch"
	codeFetchRefused  code = "fetch_refused"
	codeFetchFailed   code = "fetch_failed"
	codeTimeout       code = "timeout"
	codeWebhooksOff   code = "webhooks_off"
	codeDialectOff    code = dialects.CodeOff
	codeInternal      code = "internal_error"
	codeUnavailable   code = "unavailable"
	problemTypePrefix      = "urn:slipway:problem:"
)

// kinds is the status and the title of every kind of problem.
var kinds = map[code]struct {
	status int
	title  string
}{
	codeMalformed:    {http.StatusBadRequest, "The request cannot be read"},
	codeUnauthorized: {http.StatusUnauthorized, "No valid credential"},
	codeForbidden:    {http.StatusForbidden, "Not permitted"},
	codeRateLimited:  {http.StatusTooManyRequests, "Too many requests"},
	codeLockedOut:    {http.StatusTooManyRequests, "Too many guesses"},
	codeNotFound:     {http.StatusNotFound, "Not found"},
	codeMethod:       {http.StatusMethodNotAllowed, "Method not allowed"},
	codeConflict:     {http.StatusConflict, "Another change came first"},
	codeNameTaken:    {http.StatusConflict, "The name is taken"},
	codeJumpHost:     {http.StatusConflict, "Other servers are reached through it"},
	codeInUse:        {http.StatusConflict, "Others refer to it"},
	codeVersion:      {http.StatusConflict, "The version has other content"},
	codeNotFinished:  {http.StatusConflict, "The deployment is not finished"},
	codeNotADeploy:   {http.StatusConflict, "A rollback cannot be rolled back"},
	codeDeleted:      {http.StatusConflict, "Servers of the deployment were deleted"},
	codePackageGone:  {http.StatusConflict, "The package of the deployment was deleted"},
	codeNothing:      {http.StatusConflict, "There is nothing to do"},
	codeState:        {http.StatusConflict, "It does not do that where it stands"},
	codeBusy:         {http.StatusTooManyRequests, "Too many deployments are under way"},
	codeInProgress:   {http.StatusConflict, "The same request is under way"},
	codeMismatch:     {http.StatusUnprocessableEntity, "The idempotency key belongs to another request"},
	codePrecondition: {http.StatusPreconditionFailed, "It was changed since"},
	codeEventsGone:   {http.StatusGone, "Events are not kept any more"},
	codeArchived:     {http.StatusGone, "The deployment was archived"},
	codeTooLarge:     {http.StatusRequestEntityTooLarge, "Too large"},
	codeMedia:        {http.StatusUnsupportedMediaType, "Unsupported content type"},
	codeInvalid:      {http.StatusUnprocessableEntity, "The request cannot be followed"},
	codeDigest:       {http.StatusUnprocessableEntity, "The content has another digest"},
	codeFetchRefused: {http.StatusUnprocessableEntity, "The URL must not be fetched"},
	codeFetchFailed:  {http.StatusUnprocessableEntity, "The URL cannot be fetched"},
	codeTimeout:      {http.StatusRequestTimeout, "The request took too long"},
	codeWebhooksOff:  {http.StatusConflict, "Webhooks are not set up"},
	codeDialectOff:   {http.StatusConflict, "The dialect is not set up"},
	codeInternal:     {http.StatusInternalServerError, "Something went wrong"},
	codeUnavailable:  {http.StatusServiceUnavailable, "Temporarily unavailable"},
}

// causes is which kind of problem an error is, the first that fits. The error's
// own message is the detail.
var causes = []struct {
	err  error
	code code
}{
	{field.ErrMalformed, codeMalformed},
	{inventory.ErrNotFound, codeNotFound},
	{packages.ErrNotFound, codeNotFound},
	{projects.ErrNotFound, codeNotFound},
	{projects.ErrNameTaken, codeNameTaken},
	{projects.ErrInUse, codeInUse},
	{deployments.ErrNotFound, codeNotFound},
	{webhooks.ErrNotFound, codeNotFound},
	{tokens.ErrNotFound, codeNotFound},
	{webhooks.ErrNoDelivery, codeNotFound},
	{webhooks.ErrState, codeState},
	{webhooks.ErrOff, codeWebhooksOff},
	{inventory.ErrNameTaken, codeNameTaken},
	{inventory.ErrJumpHost, codeJumpHost},
	{revision.ErrChanged, codePrecondition},
	{packages.ErrOtherContent, codeVersion},
	{packages.ErrTooLarge, codeTooLarge},
	{packages.ErrDigest, codeDigest},
	{packages.ErrRefused, codeFetchRefused},
	{packages.ErrFetch, codeFetchFailed},
	{packages.ErrBroken, codeTimeout},
	{deployments.ErrArchived, codeArchived},
	{deployments.ErrNotFinished, codeNotFinished},
	{deployments.ErrNotADeploy, codeNotADeploy},
	{deployments.ErrNothing, codeNothing},
	{deployments.ErrState, codeState},
	{deployments.ErrBusy, codeBusy},
	{deployments.ErrNotLocked, codeNotFound},
	{numbers.ErrNone, codeNotFound},
	{deployments.ErrOwner, codeConflict},
	{live.ErrGone, codeEventsGone},
	{idempotency.ErrMismatch, codeMismatch},
	{idempotency.ErrInProgress, codeInProgress},
	{bus.ErrConflict, codeConflict},
}

// unavailable is the errors whose messages are for the log alone.
var unavailable = []error{bus.ErrUnavailable, auditlog.ErrNotStored, identity.ErrNoKeys, deployments.ErrNoAnswer, context.DeadlineExceeded, context.Canceled}

// problem is an error as the client gets it.
type problem struct {
	code   code
	detail string
	errs   field.Errors

	permission access.Permission // that is missing
	missing    []lack            // what is not there
	wait       time.Duration     // after which it is worth trying again; 0: as the code says
}

func problemf(c code, format string, args ...any) *problem {
	return &problem{code: c, detail: fmt.Sprintf(format, args...)}
}

// with adds a bad field.
func (p *problem) with(name, message string) *problem {
	p.errs.Add(name, "%s", message)
	return p
}

// after says when it is worth trying again.
func (p *problem) after(wait time.Duration) *problem {
	p.wait = wait
	return p
}

// Error implements error.
func (p *problem) Error() string { return string(p.code) + ": " + p.detail }

func (p *problem) status() int { return kinds[p.code].status }

// problemOf returns the problem that an error is; what is not known is an
// internal error, and keeps its message to itself.
func problemOf(err error) *problem {
	var (
		p    *problem
		errs field.Errors
	)
	var told *dialects.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &told): // it was one here, or a dialect found it
		p = problemf(code(told.Code), "%s", told.Detail)
		for _, w := range told.Fields {
			p.errs.Add(w.Field, "%s", w.Message)
		}
		return p
	case errors.As(err, &errs):
		return &problem{code: codeInvalid, detail: count(len(errs)), errs: errs[:min(len(errs), maxErrors)]}
	}
	for _, gone := range unavailable {
		if errors.Is(err, gone) {
			return problemf(codeUnavailable, "a part of Slipway does not answer; try again")
		}
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			p := problemf(c.code, "%s", err)
			if c.code == codeNameTaken {
				return p.with("name", "is taken by another one")
			}
			return p
		}
	}
	return problemf(codeInternal, "")
}

func count(n int) string {
	if n == 1 {
		return "1 field is not valid"
	}
	return fmt.Sprintf("%d fields are not valid", n)
}

// document is a problem as it is sent.
type document struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Code      code         `json:"code"`
	Hint      string       `json:"hint,omitempty"`
	Instance  string       `json:"instance"`
	RequestID string       `json:"request_id"`
	Errors    field.Errors `json:"errors,omitempty"`

	Permission access.Permission `json:"permission,omitempty"`
	Missing    []lack            `json:"missing,omitempty"`
}

// refuse answers with the problem that err is, and returns the status.
func (a *API) refuse(c echo.Context, err error) int {
	p := problemOf(err)
	a.logFailure(c, p, err)
	if c.Response().Committed {
		return c.Response().Status
	}
	p.announce(c.Response().Header())
	body, _ := json.Marshal(p.document(c))
	_ = c.Blob(p.status(), mediaProblem, body)
	return p.status()
}

// document is the problem as it is sent in answer to this request.
func (p *problem) document(c echo.Context) document {
	return document{
		Type: problemTypePrefix + string(p.code), Title: kinds[p.code].title, Status: p.status(), Detail: p.detail,
		Code: p.code, Hint: hints[p.code], Instance: c.Request().URL.EscapedPath(), RequestID: requestIDOf(c), Errors: p.errs, Permission: p.permission, Missing: p.missing,
	}
}

// announce puts into the header of an answer what goes with the problem.
func (p *problem) announce(h http.Header) {
	switch p.code {
	case codeUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="slipway"`)
	case codeInProgress, codeUnavailable:
		h.Set(echo.HeaderRetryAfter, retryAfter)
	case codeBusy:
		h.Set(echo.HeaderRetryAfter, busyAfter)
	}
	if p.wait > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.FormatInt(int64((p.wait+time.Second-1)/time.Second), 10))
	}
}

// logFailure logs what the client is not told.
func (a *API) logFailure(c echo.Context, p *problem, err error) {
	var (
		told   *problem
		passed *dialects.Problem
	)
	if errors.As(err, &told) || errors.As(err, &passed) || errors.Is(err, context.Canceled) { // the client went away
		return
	}
	switch p.code {
	case codeInternal:
		said(a.Log.Error(), c).Err(err).Msg("a request failed")
	case codeUnavailable:
		said(a.Log.Warn(), c).Err(err).Msg("a request could not be served")
	}
}

// routerError answers what no route is for: in a dialect, where it lies in one.
func (a *API) routerError(err error, c echo.Context) {
	var he *echo.HTTPError
	switch {
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		err = problemf(codeMethod, "this resource does not have the method %s", c.Request().Method)
	case errors.As(err, &he) && he.Code == http.StatusNotFound:
		err = problemf(codeNotFound, "there is no such resource")
	}
	if limited := a.admitAddress(c.Request(), false); limited != nil {
		err = limited
	}
	a.count(c.Request().Method, nowhere, a.refuseCall(&call{http: c, dialect: a.dialectAt(c.Request().URL.Path)}, err))
}
