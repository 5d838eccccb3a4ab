package fold

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// statistics are the documents of how deployments ended, while a batch is folded.
type statistics struct {
	rest *draftSet[StatisticsKey, deploy.Statistics] // of a day, and of all there ever was
	ever *draftSet[StatisticsKey, deploy.Statistics] // of one application each
}

func newStatistics() *statistics {
	return &statistics{
		rest: newDraftSet[StatisticsKey](deploy.Statistics.Clone),
		ever: newDraftSet[StatisticsKey](deploy.Statistics.Clone),
	}
}

// statisticsOf folds how deployments ended.
func (f *Folder) statisticsOf(ctx context.Context, conclusions []deploy.Conclusion, again bool) (*statistics, error) {
	s := newStatistics()
	for _, e := range conclusions {
		day := deploy.DayOf(e.EndedAt)
		s.rest.want(StatisticsKey{})
		s.rest.want(StatisticsKey{Day: day})
		s.rest.want(StatisticsKey{Application: e.Application, Day: day})
		s.ever.want(StatisticsKey{Application: e.Application})
	}
	for _, set := range []*draftSet[StatisticsKey, deploy.Statistics]{s.rest, s.ever} {
		if err := set.fill(ctx, f.statistics, again, f.store.Statistics, statisticsSeq); err != nil {
			return nil, fmt.Errorf("read statistics: %w", err)
		}
	}
	for _, e := range conclusions {
		key := StatisticsKey{Application: e.Application}
		ever := s.ever.own(key)
		e.Restored = ever.Restored(e)
		count(ever, key, e)
		day := deploy.DayOf(e.EndedAt)
		for _, key := range []StatisticsKey{{}, {Day: day}, {Application: e.Application, Day: day}} {
			count(s.rest.own(key), key, e)
		}
	}
	return s, nil
}

func count(s *deploy.Statistics, key StatisticsKey, e deploy.Conclusion) {
	s.Application, s.Day = key.Application, key.Day
	s.Fold(e)
}

// writeStatistics writes the documents, those last from which the others follow.
func (f *Folder) writeStatistics(ctx context.Context, s *statistics) error {
	for _, set := range []*draftSet[StatisticsKey, deploy.Statistics]{s.rest, s.ever} {
		if err := put(ctx, set, statisticsSeq, f.store.PutStatistics); err != nil {
			return fmt.Errorf("write statistics: %w", err)
		}
	}
	return nil
}
