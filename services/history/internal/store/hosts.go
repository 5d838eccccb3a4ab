package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// hostsDoc is small, and written once: lists by server read nothing of how targets stand.
type hostsDoc struct {
	ID         string    `bson:"_id"` // bucketID
	Seq        int64     `bson:"seq"`
	Deployment string    `bson:"deployment"`
	Index      int       `bson:"index"`
	AcceptedAt time.Time `bson:"accepted_at,omitempty"`
	Hosts      []string  `bson:"hosts"`
}

func hostsToDoc(h deploy.Hosts) hostsDoc {
	return hostsDoc{
		ID: bucketID(fold.BucketKey{Deployment: h.Deployment, Index: h.Index}), Seq: int64(h.Seq),
		Deployment: h.Deployment, Index: h.Index, AcceptedAt: h.AcceptedAt, Hosts: h.IDs,
	}
}

func (d hostsDoc) toHosts() deploy.Hosts {
	return deploy.Hosts{Deployment: d.Deployment, Index: d.Index, Seq: uint64(d.Seq), AcceptedAt: d.AcceptedAt, IDs: d.Hosts}
}

// Hosts implements fold.Store and listing.Source.
func (s *Store) Hosts(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Hosts, error) {
	return byKey(ctx, s, hosts, keys, bucketID, func(d hostsDoc) (fold.BucketKey, deploy.Hosts) {
		return fold.BucketKey{Deployment: d.Deployment, Index: d.Index}, d.toHosts()
	})
}

// PutHosts implements fold.Store.
func (s *Store) PutHosts(ctx context.Context, changes []fold.Change[deploy.Hosts]) error {
	err := putAll(ctx, s, hosts, changes, func(h deploy.Hosts) (string, any) {
		d := hostsToDoc(h)
		return d.ID, d
	})
	if s.listing == nil {
		return err
	}
	for _, c := range changes {
		if err != nil {
			s.listing.DoubtHosts(c.Doc.Deployment)
		} else {
			s.listing.PutHosts(c.Doc)
		}
	}
	return err
}

// EachHosts implements listing.Source.
func (s *Store) EachHosts(ctx context.Context, do func(deploy.Hosts) error) error {
	return each(ctx, s, hosts, func(d hostsDoc) error { return do(d.toHosts()) })
}

// FillHosts implements listing.Source: it notes the hosts of deployments that were planned
// before these were noted, as their targets have them. They count as older than the plan,
// which takes their place should it be folded again.
func (s *Store) FillHosts(ctx context.Context, headers []deploy.Header) error {
	accepted := map[string]time.Time{}
	var keys []fold.BucketKey
	for _, h := range headers {
		accepted[h.ID] = h.AcceptedAt
		for i := range h.Pieces() {
			keys = append(keys, fold.BucketKey{Deployment: h.ID, Index: i})
		}
	}
	for some := range slices.Chunk(keys, bulkSize) {
		found, err := s.Buckets(ctx, some)
		if err != nil {
			return err
		}
		var changes []fold.Change[deploy.Hosts]
		for _, b := range found {
			h := deploy.Hosts{Deployment: b.Deployment, Index: b.Index, Seq: 1, AcceptedAt: accepted[b.Deployment], IDs: []string{}}
			for _, t := range b.Targets {
				h.IDs = append(h.IDs, t.Host)
			}
			changes = append(changes, fold.Change[deploy.Hosts]{Doc: h})
		}
		if err := s.PutHosts(ctx, changes); err != nil && !errors.Is(err, fold.ErrConflict) { // what is there is right
			return err
		}
	}
	return nil
}

// FillHostsOf is FillHosts of one deployment, whose header is this.
func (s *Store) FillHostsOf(ctx context.Context, header Document) error {
	var d headerDoc
	if err := bson.Unmarshal(header.Raw, &d); err != nil {
		return fmt.Errorf("read %s from %s: %w", header.ID, deployments, err)
	}
	return s.FillHosts(ctx, []deploy.Header{d.toHeader()})
}

// fillAllHosts is FillHosts of all deployments whose beginning is known.
func (s *Store) fillAllHosts(ctx context.Context) error {
	var some []deploy.Header
	err := s.EachHeader(ctx, func(h deploy.Header) error {
		if h.AcceptedAt.IsZero() {
			return nil
		}
		if some = append(some, h); len(some) < readTogether {
			return nil
		}
		err := s.FillHosts(ctx, some)
		some = some[:0]
		return err
	})
	if err == nil {
		err = s.FillHosts(ctx, some)
	}
	return err
}

// listOn returns the headers of a page of what was deployed to a server. Of what the page
// asks for beside that, the headers alone know: it reads on, so many together, until the
// page is full, or for as long as the question may take.
func (s *Store) listOn(ctx context.Context, page query.Page) ([]deploy.Header, error) {
	var shown []deploy.Header
	from, limit, last := page, page.Limit, ""
	for {
		var docs []hostsDoc
		if err := s.find(ctx, hosts, onServer(from), inOrder(page, "deployment").SetLimit(int64(limit)).
			SetProjection(bson.D{{Key: "deployment", Value: 1}, {Key: "accepted_at", Value: 1}}), &docs); err != nil {
			return nil, fmt.Errorf("deployments on %s: %w", page.Server, err)
		}
		var ids []string
		for _, d := range docs {
			if d.Deployment != last { // it may be there in several pieces
				ids = append(ids, d.Deployment)
			}
			last = d.Deployment
		}
		headers, err := s.Headers(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if h, there := headers[id]; there && page.Shows(h) {
				shown = append(shown, h)
			}
		}
		if len(docs) < limit || len(shown) >= page.Limit {
			return shown[:min(len(shown), page.Limit)], nil
		}
		end := docs[len(docs)-1]
		from.After, limit = query.Place{AcceptedAt: end.AcceptedAt, ID: end.Deployment}, readTogether
	}
}

// onServer is what the documents match of deployments to a page's server.
func onServer(page query.Page) bson.D {
	accepted, all := span(page, "deployment")
	filter := bson.D{{Key: "hosts", Value: page.Server}, accepted}
	if len(all) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: all})
	}
	return filter
}

// inOrder has documents come in the order of a page; id is the field with the id of the
// deployment.
func inOrder(page query.Page, id string) *options.FindOptionsBuilder {
	direction := -1
	if page.OldestFirst {
		direction = 1
	}
	return options.Find().SetSort(bson.D{{Key: "accepted_at", Value: direction}, {Key: id, Value: direction}})
}
