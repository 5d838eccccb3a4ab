package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is a problem document (RFC 9457): why the gateway did not do what was asked.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Code      string       `json:"code"`
	Hint      string       `json:"hint,omitempty"` // what helps
	Instance  string       `json:"instance"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty"`

	Permission string    `json:"permission,omitempty"` // that is missing
	Missing    []Missing `json:"missing,omitempty"`    // parts of Slipway that are not there

	retryAfter time.Duration // from the Retry-After header, 0 without one
}

// FieldError is one field that is wrong.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Codes of problems that the command line acts upon.
const (
	codeInProgress = "idempotency_in_progress"
	codeTimeout    = "timeout"
	codeBusy       = "too_many_deployments" // a refusal that was asked for, and not one to sit out
	codeLockedOut  = "locked_out"           // by credentials that nobody has: to go on sending them helps nobody
)

// Error has the detail, or the title where there is none. The fields stand in Errors.
func (p *Problem) Error() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case p.Title != "":
		return p.Title
	default:
		return fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status))
	}
}

// Unwrap returns the class of the problem: ErrUnreachable, ErrDenied or ErrRejected.
func (p *Problem) Unwrap() error {
	switch {
	case p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden || p.Code == codeLockedOut:
		return ErrDenied
	case p.Code == codeBusy:
		return ErrRejected
	case p.Status >= 500 || p.Status == http.StatusTooManyRequests || p.Status == http.StatusRequestTimeout:
		return ErrUnreachable
	case p.Status >= 400:
		return ErrRejected
	default:
		return ErrUnreachable
	}
}

// passing says whether the same request may be answered otherwise a moment later.
func (p *Problem) passing() bool {
	if p.Code == codeBusy {
		return false
	}
	switch p.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusTooManyRequests, http.StatusRequestTimeout:
		return true
	default:
		return p.Code == codeInProgress || p.Code == codeTimeout
	}
}

// problemLimit bounds how much of an error's body is read, in bytes.
const problemLimit = 1 << 20

// readProblem makes a problem of an answer that is no success. An answer that is no problem document, from a proxy for
// instance, becomes one that says so.
func readProblem(resp *http.Response) *Problem {
	p := &Problem{}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(resp.Body, problemLimit))
	if kind != "application/problem+json" || err != nil || json.Unmarshal(body, p) != nil {
		p = &Problem{Title: fmt.Sprintf("the answer was %s, without a reason", strings.TrimSpace(resp.Status))}
		if resp.StatusCode < 400 {
			p.Title = fmt.Sprintf("the answer was %s: this is not the address of a Slipway server", strings.TrimSpace(resp.Status))
		}
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		p.retryAfter = time.Duration(min(s, 3600)) * time.Second
	}
	return p
}

// Missing is a part of Slipway that is not there.
type Missing struct {
	Part   string `json:"part"`
	Reason string `json:"reason"`
}
