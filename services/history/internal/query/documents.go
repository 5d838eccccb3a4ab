package query

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Documents are what queries are answered from.
type Documents interface {
	// Headers returns those of the named deployments that are stored.
	Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error)
	// List returns the headers that the page asks for. A header whose deployment's
	// beginning is not known is not among them.
	List(ctx context.Context, page Page) ([]deploy.Header, error)
	// Buckets returns those of the named buckets that are stored.
	Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error)
	// Outputs returns those of the named outputs that are stored.
	Outputs(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Output, error)
	// Pages returns those of the named pages that are stored.
	Pages(ctx context.Context, keys []fold.PageKey) (map[fold.PageKey]deploy.Page, error)
	// Running returns documents of what runs where, by application and part.
	Running(ctx context.Context, page RunningPage) ([]deploy.Placements, error)
	// Departed calls each with what stopped running there, day by day from this day
	// on, until it returns false.
	Departed(ctx context.Context, key fold.PartKey, day string, each func(deploy.Departures) bool) error
	// Statistics returns those of the named statistics that are stored.
	Statistics(ctx context.Context, keys []fold.StatisticsKey) (map[fold.StatisticsKey]deploy.Statistics, error)
	// StatisticsOfDays returns those of days from the first to the last: of one
	// application, of all together ("") or, with each set, of each application.
	StatisticsOfDays(ctx context.Context, first, last, application string, each bool) ([]deploy.Statistics, error)
	// Archived returns what is noted of those of the named deployments that went to the
	// archive.
	Archived(ctx context.Context, deployments []string) (map[string]fold.Archived, error)
	// Checkpoint returns how far the documents are known to go.
	Checkpoint(ctx context.Context) (fold.Checkpoint, error)
	// Aside returns how many messages could not be folded, and the newest of them.
	Aside(ctx context.Context, limit int) (int64, []fold.Rejected, error)
}

// RunningPage says which documents of what runs where are asked for. What is zero
// restricts nothing.
type RunningPage struct {
	From        fold.PartKey // this one, and what comes after it
	Application string
	Server      string // something runs there
	Limit       int    // documents
}

// Page says which deployments a list shows. What is zero restricts nothing.
type Page struct {
	After       Place // what comes after it alone
	OldestFirst bool
	Application string
	Project     string
	State       deploy.State
	Actor       string
	Batch       string
	Stage       string
	Template    string
	Metadata    []deploy.Note // all of which it has
	Server      string        // that was among its targets
	Words       []string      // lower-case beginnings of words that its names have
	From        time.Time     // accepted then or later
	To          time.Time     // accepted before
	Limit       int
}

// Place is where a deployment stands in a list: by when it was accepted, in
// milliseconds, and by id.
type Place struct {
	AcceptedAt time.Time
	ID         string
}

// PlaceOf is where a deployment stands.
func PlaceOf(h deploy.Header) Place {
	return Place{AcceptedAt: h.AcceptedAt.Truncate(time.Millisecond), ID: h.ID}
}

// Compare orders places, oldest first.
func (p Place) Compare(other Place) int {
	return cmp.Or(p.AcceptedAt.Compare(other.AcceptedAt), cmp.Compare(p.ID, other.ID))
}

// Shows says whether the page, were it long enough, has this deployment. It does
// not look at Server, of which a header says nothing.
func (p Page) Shows(h deploy.Header) bool {
	at := PlaceOf(h)
	if h.AcceptedAt.IsZero() || at.AcceptedAt.Before(p.From) || !p.To.IsZero() && !at.AcceptedAt.Before(p.To) {
		return false
	}
	if side := at.Compare(p.After); p.After != (Place{}) && (side == 0 || side > 0 != p.OldestFirst) {
		return false
	}
	if !may(p.Application, h.Application) || !may(p.Project, h.Project) || !may(p.Actor, h.Actor) || !may(p.Batch, h.Batch) ||
		!may(p.Stage, h.Stage) || !may(p.Template, h.Template) || !may(p.State, h.State) {
		return false
	}
	for _, n := range p.Metadata {
		if !slices.Contains(h.Metadata, n) {
			return false
		}
	}
	return len(p.Words) == 0 || p.found(WordsOf(h))
}

// found says whether each of the page's words is the beginning of one of these.
func (p Page) found(words []string) bool {
	for _, word := range p.Words {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) }) {
			return false
		}
	}
	return true
}

// may says whether a restriction, if it is one, allows a value.
func may[T ~string](want, have T) bool { return want == "" || want == have }

// Words returns the words of names, in lower case, each once and in order. What is
// no letter and no digit parts them.
func Words(names ...string) []string {
	var words []string
	for _, name := range names {
		words = append(words, strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// WordsOf returns the words by which a deployment is found.
func WordsOf(h deploy.Header) []string { return Words(h.Application, h.Project, h.Version) }
