package foldtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// Running implements query.Documents.
func (m *Memory) Running(_ context.Context, page query.RunningPage) ([]deploy.Placements, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []deploy.Placements
	for _, p := range m.docs.Placements {
		there := func(one deploy.Placement) bool { return one.Host == page.Server }
		if (page.Application == "" || p.Application == page.Application) && (page.Server == "" || slices.ContainsFunc(p.All, there)) &&
			cmp.Or(cmp.Compare(p.Application, page.From.Application), cmp.Compare(p.Part, page.From.Part)) >= 0 {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b deploy.Placements) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Part, b.Part))
	})
	return found[:min(len(found), page.Limit)], nil
}

// Departed implements query.Documents.
func (m *Memory) Departed(_ context.Context, key fold.PartKey, day string, each func(deploy.Departures) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []deploy.Departures
	for k, d := range m.docs.Departures {
		if k.PartKey == key && k.Day >= day {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b deploy.Departures) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Number, b.Number))
	})
	for _, d := range found {
		if !each(d) {
			break
		}
	}
	return nil
}

// StatisticsOfDays implements query.Documents.
func (m *Memory) StatisticsOfDays(_ context.Context, first, last, application string, each bool) ([]deploy.Statistics, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []deploy.Statistics
	for k, s := range m.docs.Statistics {
		if k.Day >= first && k.Day <= last && (k.Application == application && !each || k.Application != "" && each) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b deploy.Statistics) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Day, b.Day))
	})
	return found, nil
}

// Aside implements query.Documents.
func (m *Memory) Aside(_ context.Context, limit int) (int64, []fold.Rejected, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []fold.Rejected
	for _, r := range m.docs.Aside {
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b fold.Rejected) int { return cmp.Compare(b.Seq, a.Seq) })
	return int64(len(found)), found[:min(limit, len(found))], nil
}
