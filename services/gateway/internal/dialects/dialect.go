package dialects

import (
	"context"
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

// Base is what the paths of all dialects begin with.
const Base = "/compat/"

// Dialect is one way in which clients speak.
type Dialect struct {
	Name   string
	Routes []Route
	// JSONAlone has bodies be JSON: the original knows no forms.
	JSONAlone bool
	// Refuse says in the dialect why a request is not followed: what is wrong with it, who
	// asks, or that a part of Slipway does not answer.
	Refuse func(*Problem) Reply
	// Credential finds the API token or JWT of a request; "" is none.
	Credential func(*http.Request) string
}

// Route is one request that a dialect knows.
type Route struct {
	Method, Path string            // below the base path of the dialect, as /deploy; a slash at its end is tolerated
	Needs        access.Permission // without which nothing is translated; natives look for themselves
	Action       string            // of the audit log, for requests of which no native operation tells
	Within       string            // project in which it needs that; "" is any
	AtRoot       bool              // it is served without the base path, too, for clients that resolve URLs of answers against the host
	Itself       bool              // it changes something beside what native operations do, which takes what it needs over all
	Handle       func(context.Context, *Request) (Reply, error)
}

// At is the whole path of the route.
func (r Route) At(d Dialect) string { return Base + d.Name + r.Path }

// Covers says whether a path lies where the dialect is served, whether it has a route there
// or not.
func (d Dialect) Covers(path string) bool {
	base := Base + d.Name
	if path == base || strings.HasPrefix(path, base+"/") {
		return true
	}
	for _, r := range d.Routes {
		if before, _, _ := strings.Cut(r.Path, ":"); r.AtRoot && strings.HasPrefix(path, before) {
			return true
		}
	}
	return false
}

// Request is one request in a dialect.
type Request struct {
	Native
	Said  *Said                    // query and body
	Param func(name string) string // of the path
	ID    string                   // of what an operation makes that says Made; also for a repeat of the request. Of a POST
}

// Reply is an answer in a dialect; the body is encoded as JSON.
type Reply struct {
	Status int
	Body   any
	Kept   any // the body for repeats of the request, where it holds what is not stored; nil: the same
	// Undone is why not all was done that the request asks for, where the body alone says so:
	// with a status from 500 on, that it could not be, else that nothing was. Nil: as Status says.
	Undone *Problem
	Stream *Stream // instead of a body
}

// Credential finds what a client sends as Authorization: Bearer, or as Basic, so that it
// can stand in a base URL (https://slipway:TOKEN@…) where a client has no other place for
// it.
func Credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}
