package fold

import (
	"context"
	"time"

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
	// PutBuckets writes buckets; ErrConflict where one was not as it was read,
	// ErrRefused where one can never be written. So do all that put documents.
	PutBuckets(ctx context.Context, changes []Change[deploy.Bucket]) error
	// Hosts returns which hosts the targets of those of the named buckets are that are
	// planned.
	Hosts(ctx context.Context, keys []BucketKey) (map[BucketKey]deploy.Hosts, error)
	// PutHosts writes them; ErrConflict where one was not as it was read.
	PutHosts(ctx context.Context, changes []Change[deploy.Hosts]) error
	// Outputs returns those of the named outputs that are stored, by the piece of targets
	// whose they are.
	Outputs(ctx context.Context, keys []BucketKey) (map[BucketKey]deploy.Output, error)
	// Pages returns those of the named pages that are stored.
	Pages(ctx context.Context, keys []PageKey) (map[PageKey]deploy.Page, error)
	// PutOutputs writes outputs; ErrConflict where one was not as it was read.
	PutOutputs(ctx context.Context, changes []Change[deploy.Output]) error
	// PutPages writes pages; ErrConflict where one was not as it was read.
	PutPages(ctx context.Context, changes []Change[deploy.Page]) error
	Shared
	// Checkpoint returns how far the documents are known to go; the zero
	// Checkpoint where that was never noted.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// PutCheckpoint replaces the checkpoint that was read; ErrConflict where
	// another one stands there.
	PutCheckpoint(ctx context.Context, next, read Checkpoint) error
	// Archived returns what is noted of those of the named deployments that went to the
	// archive.
	Archived(ctx context.Context, deployments []string) (map[string]Archived, error)
	// SetAside keeps a message that cannot be folded. Repeats change nothing.
	SetAside(ctx context.Context, r Rejected) error
}

// Shared is the documents that the events of several deployments share.
type Shared interface {
	Statistics(ctx context.Context, keys []StatisticsKey) (map[StatisticsKey]deploy.Statistics, error)
	PutStatistics(ctx context.Context, changes []Change[deploy.Statistics]) error
	Placements(ctx context.Context, keys []PartKey) (map[PartKey]deploy.Placements, error)
	PutPlacements(ctx context.Context, changes []Change[deploy.Placements]) error
	Departures(ctx context.Context, keys []DepartureKey) (map[DepartureKey]deploy.Departures, error)
	PutDepartures(ctx context.Context, changes []Change[deploy.Departures]) error
}

// StatisticsKey names the statistics of an application, or of all, on a day, or
// ever.
type StatisticsKey struct{ Application, Day string }

// PartKey names what runs of an application on the hosts of a part.
type PartKey struct {
	Application string
	Part        int
}

// DepartureKey names one document of what stopped running there on a day.
type DepartureKey struct {
	PartKey
	Day    string
	Number int
}

// BucketKey names one bucket of targets.
type BucketKey struct {
	Deployment string
	Index      int
}

// PageKey names one page of the output of a piece of targets.
type PageKey struct {
	Deployment string
	Index      int // of the piece
	Number     int
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
	Holder       string // the replica that folds; "": none
	Beat         uint64 // rises whenever the holder shows that it is there
}

// older says whether c, read from the store, goes back behind what was known.
func (c Checkpoint) older(known Checkpoint) bool {
	if known.Installation == "" {
		return false
	}
	return c.Installation != known.Installation || c.Seq < known.Seq
}

// Rejected is a message of EV that cannot be folded.
type Rejected struct {
	Seq     uint64
	Subject string
	Reason  string
	At      time.Time // when EV stored it
	Data    []byte
}
