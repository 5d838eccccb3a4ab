package listing

import (
	"context"
	"slices"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// PutHosts notes that hosts of deployments are stored.
func (l *Listing) PutHosts(all ...deploy.Hosts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range all {
		l.add(l.hosts, h)
	}
}

// DoubtHosts notes that it is not known whether hosts of these deployments are stored: a write
// of them failed, or they were brought back. Their headers are in doubt, too.
func (l *Listing) DoubtHosts(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.doubts[id] = true
	}
}

// add adds hosts to those of their deployment, by their numbers, in order.
func (l *Listing) add(hosts map[string][]uint32, h deploy.Hosts) {
	all := slices.Grow(hosts[h.Deployment], len(h.IDs))
	for _, id := range h.IDs {
		all = append(all, l.number(id))
	}
	slices.Sort(all)
	hosts[h.Deployment] = slices.Compact(all)
}

// number is short for a host.
func (l *Listing) number(host string) uint32 {
	n, known := l.numbers[host]
	if !known {
		n = uint32(len(l.numbers))
		l.numbers[host] = n
	}
	return n
}

// on returns whether a deployment went to a server; to "", all did.
func (l *Listing) on(server string) func(deployment string) bool {
	if server == "" {
		return func(string) bool { return true }
	}
	n, known := l.numbers[server]
	return func(deployment string) bool {
		_, there := slices.BinarySearch(l.hosts[deployment], n)
		return known && there
	}
}

// hostsOf returns the stored hosts of deployments, however many pieces they are in.
func (l *Listing) hostsOf(ctx context.Context, headers []deploy.Header) (map[fold.BucketKey]deploy.Hosts, error) {
	var keys []fold.BucketKey
	for _, h := range headers {
		for i := range h.Pieces() {
			keys = append(keys, fold.BucketKey{Deployment: h.ID, Index: i})
		}
	}
	return l.source.Hosts(ctx, keys)
}

// fill has the hosts stored of deployments that an earlier version planned. There are none
// the next time.
func (l *Listing) fill(ctx context.Context) error {
	l.mu.Lock()
	var missing []deploy.Header
	for _, e := range l.order {
		if len(l.hosts[e.place.ID]) == 0 && e.targets > 0 {
			missing = append(missing, deploy.Header{ID: e.place.ID, AcceptedAt: e.place.AcceptedAt, Targets: e.targets})
		}
	}
	l.mu.Unlock()
	return l.source.FillHosts(ctx, missing)
}
