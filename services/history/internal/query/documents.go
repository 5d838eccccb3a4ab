package query

import (
	"context"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Documents are what queries are answered from.
type Documents interface {
	// Headers returns those of the named deployments that are stored.
	Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error)
	// List returns the headers that the page asks for, newest first. A header
	// whose deployment's beginning is not known is not among them.
	List(ctx context.Context, page Page) ([]deploy.Header, error)
	// Buckets returns those of the named buckets that are stored.
	Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error)
}

// Page says which deployments a list shows.
type Page struct {
	Before      string // ids below it alone; empty: from the newest on
	Application string // of this application alone; empty: of all
	State       deploy.State
	Limit       int
}
