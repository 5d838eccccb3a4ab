package query

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// maxDays bounds what one question adds up.
const maxDays = 366

func (s *Server) statistics(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.GetStatistics)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if err := checkDays(q.From, q.To); err != nil {
		return nil, err
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	days, err := s.docs.StatisticsOfDays(ctx, q.From, q.To, q.Application, false)
	if err != nil {
		return nil, err
	}
	answer := contract.Statistics{Days: []contract.DayOutcomes{}}
	total := deploy.Statistics{Application: q.Application}
	for _, d := range days {
		total.Merge(d)
		answer.Days = append(answer.Days, contract.DayOutcomes{
			Day: d.Day, Deploys: contract.Outcomes(d.Deploys), Rollbacks: contract.Outcomes(d.Rollbacks),
		})
	}
	all := []deploy.Statistics{total}
	if q.Application == "" {
		each, err := s.docs.StatisticsOfDays(ctx, q.From, q.To, "", true)
		if err != nil {
			return nil, err
		}
		all = append(all, byApplication(each)...)
	}
	rows, err := s.summaries(ctx, all)
	if err != nil {
		return nil, err
	}
	answer.Total = rows[0]
	free := s.room()
	for i, row := range rows[1:] {
		if !free.take(row, i == 0) {
			return nil, fmt.Errorf("%w: there are too many applications for one answer, ask for one of them", errInvalid)
		}
		answer.Applications = append(answer.Applications, row)
	}
	return answer, nil
}

func checkDays(from, to string) error {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return fmt.Errorf("%w: from: %q is no day such as 2026-03-01", errInvalid, from)
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return fmt.Errorf("%w: to: %q is no day such as 2026-03-01", errInvalid, to)
	}
	if n := last.Sub(first)/(24*time.Hour) + 1; n < 1 || n > maxDays {
		return fmt.Errorf("%w: to: must be 0 to %d days after from", errInvalid, maxDays-1)
	}
	return nil
}

// byApplication adds up statistics of days, which are in the order of their
// applications.
func byApplication(days []deploy.Statistics) []deploy.Statistics {
	var all []deploy.Statistics
	for _, d := range days {
		if n := len(all); n == 0 || all[n-1].Application != d.Application {
			all = append(all, deploy.Statistics{Application: d.Application})
		}
		all[len(all)-1].Merge(d)
	}
	return all
}

// summaries converts statistics, and tells of each application whether it fails now.
func (s *Server) summaries(ctx context.Context, all []deploy.Statistics) ([]contract.Summary, error) {
	var keys []fold.StatisticsKey
	for _, one := range all {
		keys = append(keys, fold.StatisticsKey{Application: one.Application})
	}
	ever, err := s.docs.Statistics(ctx, keys)
	if err != nil {
		return nil, err
	}
	rows := make([]contract.Summary, 0, len(all))
	for i, one := range all {
		rows = append(rows, contract.Summary{
			Application: one.Application,
			Deploys:     contract.Outcomes(one.Deploys), Rollbacks: contract.Outcomes(one.Rollbacks), Hosts: contract.Outcomes(one.Hosts),
			Duration: fromHistogram(one.Durations), LeadTime: fromHistogram(one.LeadTimes), Restore: fromHistogram(one.Restores),
			FailingSince: optional(ever[keys[i]].FailingSince),
		})
	}
	return rows, nil
}

func fromHistogram(h deploy.Histogram) contract.Durations {
	return contract.Durations{
		Count: h.Count(), P50: h.Percentile(0.5).Milliseconds(), P90: h.Percentile(0.9).Milliseconds(), P99: h.Percentile(0.99).Milliseconds(),
		Mean: h.Mean().Milliseconds(),
	}
}
