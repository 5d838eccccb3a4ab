package dialects

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// Native is what the gateway does for the caller of one request.
type Native interface {
	// Do has an operation done and decodes its answer, unless into is nil. A refusal is a
	// *Problem.
	Do(ctx context.Context, o Operation, into any) error
	// Ended returns once a deployment has ended, or with the error of ctx.
	Ended(ctx context.Context, deployment string) error
	// Numbers returns the whole numbers that stand for objects, by the ids that operations
	// told. An object keeps its number for all time.
	Numbers(ctx context.Context, kind numbers.Kind, ids ...string) (map[string]uint64, error)
	// Numbered returns the id of what has the number; whether the caller may see it is not
	// looked at. Where nothing has it, that is numbers.ErrNone, with which a request is
	// refused as not found.
	Numbered(ctx context.Context, kind numbers.Kind, number uint64) (string, error)
}

// Operation is one of openapi.yaml.
type Operation struct {
	Route  string   // as "POST /v1/deployments", with parameters as ":id"
	Params []string // of the path, in their order
	// As stands for the path where a repeat of the request may find another by what was done:
	// what the operation is about, so that it is done once all the same. "": the path does.
	As    string
	Query url.Values
	Body  any // encoded as JSON; nil: none
	// Content is the body of an upload, instead of Body.
	Content io.Reader
	// Made says that what it makes, a deployment, has the ID of the Request: what goes with
	// it can name it. One operation of a request may say so.
	Made bool
	// Short gives what is made an id that Short has made.
	Short bool
}

// Problem is why an operation, or a request, is refused.
type Problem struct {
	Status int    // of HTTP
	Code   string // one of openapi.yaml
	Detail string
	Fields []Wrong
}

// Invalid is why a Reply is Undone to a request that cannot be followed.
func Invalid() *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Code: "invalid_request"}
}

// CodeOff is the code of Off.
const CodeOff = "dialect_off"

// Off is why a request is refused in a dialect that is not set up: it is not followed however
// often it comes. The detail names the settings.
func Off(detail string) *Problem { return problem(http.StatusConflict, CodeOff, "%s", detail) }

// Unavailable is why a Reply is Undone where what it needs is not there.
func Unavailable() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "unavailable"}
}

// Wrong is what is wrong with one field.
type Wrong struct{ Field, Message string }

func problem(status int, code, format string, args ...any) *Problem {
	return &Problem{Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Told is the problem for people.
func (p *Problem) Told() string {
	why := p.Detail
	for _, w := range p.Fields {
		why += "; " + w.Field + ": " + w.Message
	}
	return why
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Server is a server of the inventory, as far as dialects look.
type Server struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Address string `json:"address"`
	Port    int    `json:"port"`
}

// Package is a package.
type Package struct {
	ID      string `json:"id"`
	Project string `json:"project"` // "": it belongs to none
}

// Deployment is a deployment.
type Deployment struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// Target is what became of a deployment on one server.
type Target struct {
	Server  string   `json:"server"` // id
	State   string   `json:"state"`
	Failure *Failure `json:"failure"`
}

// Failure is why something failed on a server; the codes are those of package contract.
type Failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Releases is what a server holds of an application.
type Releases struct {
	Server   string   `json:"server"`
	Current  string   `json:"current"`
	Failure  *Failure `json:"failure"`
	Releases []struct {
		Version string `json:"version"`
	} `json:"releases"`
}

// Log is the end of a file on a server.
type Log struct {
	Server  string   `json:"server"`
	Lines   []string `json:"lines"`
	Failure *Failure `json:"failure"`
}

// PageSize is the most that a page of a native list holds.
const PageSize = 500

// All reads every page of a list.
func All[T any](ctx context.Context, n Native, o Operation) ([]T, error) {
	var all []T
	return all, Each(ctx, n, o, func(one T) bool {
		all = append(all, one)
		return true
	})
}

// Each reads a list, page by page, as long as do says that there is to be more.
func Each[T any](ctx context.Context, n Native, o Operation, do func(T) (more bool)) error {
	query := url.Values{}
	for name, values := range o.Query {
		query[name] = values
	}
	query.Set("limit", strconv.Itoa(PageSize))
	o.Query = query
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		if err := n.Do(ctx, o, &page); err != nil {
			return err
		}
		for _, one := range page.Items {
			if !do(one) {
				return nil
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
}
