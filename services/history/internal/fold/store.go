package fold

import (
	"context"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Store keeps the documents. Calls that change several documents are no
// transaction: after an error, ErrConflict included, some may have been written.
// Any error that is none of this package's means that the store is away; it is
// asked again later.
type Store interface {
	// Prepare makes what the store needs before it is used. It may be repeated.
	Prepare(ctx context.Context) error
	// Headers returns those of the named deployments that are stored.
	Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error)
	// Buckets returns those of the named buckets that are stored.
	Buckets(ctx context.Context, keys []BucketKey) (map[BucketKey]deploy.Bucket, error)
	// PutHeaders writes headers; ErrConflict where one was not as it was read.
	PutHeaders(ctx context.Context, changes []Change[deploy.Header]) error
	// PutBuckets writes buckets; ErrConflict where one was not as it was read.
	PutBuckets(ctx context.Context, changes []Change[deploy.Bucket]) error
	// Checkpoint returns how far the documents are known to go; the zero
	// Checkpoint where that was never noted.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// PutCheckpoint replaces the checkpoint that was read; ErrConflict where
	// another one stands there.
	PutCheckpoint(ctx context.Context, next, read Checkpoint) error
	// SetAside keeps a message that cannot be folded. Repeats change nothing.
	SetAside(ctx context.Context, r Rejected) error
}

// BucketKey names one bucket of targets.
type BucketKey struct {
	Deployment string
	Index      int
}

// Change is a document to write in place of the one that was read.
type Change[T any] struct {
	Doc  T
	Read uint64 // sequence of the document that was read; 0: there was none
}

// Checkpoint says that the documents hold every event up to Seq of the event
// stream of this installation. Sequences of different installations have
// nothing to do with each other.
type Checkpoint struct {
	Seq          uint64
	Installation string
}

// older says whether c, read from the store, goes back behind what was known.
func (c Checkpoint) older(known Checkpoint) bool {
	if known == (Checkpoint{}) {
		return false
	}
	return c.Installation != known.Installation || c.Seq < known.Seq
}

// Rejected is a message of EV that cannot be folded.
type Rejected struct {
	Seq     uint64
	Subject string
	Reason  string
	Data    []byte
}
