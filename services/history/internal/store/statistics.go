package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

type statisticsDoc struct {
	ID           string      `bson:"_id"` // statisticsID
	Seq          int64       `bson:"seq"`
	Installation string      `bson:"installation"`
	Application  string      `bson:"application"`
	Day          string      `bson:"day"`
	Deploys      outcomesDoc `bson:"deploys"`
	Rollbacks    outcomesDoc `bson:"rollbacks"`
	Hosts        outcomesDoc `bson:"hosts"`
	Durations    []stepCount `bson:"durations,omitempty"`
	LeadTimes    []stepCount `bson:"lead_times,omitempty"`
	Restores     []stepCount `bson:"restores,omitempty"`
	FailingSince time.Time   `bson:"failing_since,omitempty"`
}

type outcomesDoc struct {
	Succeeded int `bson:"succeeded"`
	Failed    int `bson:"failed"`
	Cancelled int `bson:"cancelled"`
	Rejected  int `bson:"rejected"`
}

// stepCount is one step of a deploy.Histogram.
type stepCount struct {
	Step  int `bson:"step"`
	Count int `bson:"count"`
}

func statisticsID(key fold.StatisticsKey) string { return key.Day + "/" + key.Application }

// Statistics implements fold.Store.
func (s *Store) Statistics(ctx context.Context, keys []fold.StatisticsKey) (map[fold.StatisticsKey]deploy.Statistics, error) {
	return byKey(ctx, s, statistics, keys, statisticsID, func(d statisticsDoc) (fold.StatisticsKey, deploy.Statistics) {
		return fold.StatisticsKey{Application: d.Application, Day: d.Day}, d.toStatistics()
	})
}

// PutStatistics implements fold.Store.
func (s *Store) PutStatistics(ctx context.Context, changes []fold.Change[deploy.Statistics]) error {
	return putAll(ctx, s, statistics, changes, func(doc deploy.Statistics) (string, any) {
		d := statisticsToDoc(doc)
		return d.ID, d
	})
}

// StatisticsOfDays implements query.Documents.
func (s *Store) StatisticsOfDays(ctx context.Context, first, last, application string, each bool) ([]deploy.Statistics, error) {
	of := any(application)
	if each {
		of = bson.D{{Key: "$gt", Value: ""}}
	}
	filter := bson.D{
		{Key: "day", Value: bson.D{{Key: "$gte", Value: first}, {Key: "$lte", Value: last}}}, {Key: "application", Value: of},
	}
	var docs []statisticsDoc
	sort := options.Find().SetSort(bson.D{{Key: "application", Value: 1}, {Key: "day", Value: 1}})
	if err := s.find(ctx, statistics, filter, sort, &docs); err != nil {
		return nil, err
	}
	found := make([]deploy.Statistics, 0, len(docs))
	for _, d := range docs {
		found = append(found, d.toStatistics())
	}
	return found, nil
}

func statisticsToDoc(s deploy.Statistics) statisticsDoc {
	return statisticsDoc{
		ID: statisticsID(fold.StatisticsKey{Application: s.Application, Day: s.Day}), Seq: int64(s.Seq), Installation: s.Installation,
		Application: s.Application, Day: s.Day,
		Deploys: outcomesDoc(s.Deploys), Rollbacks: outcomesDoc(s.Rollbacks), Hosts: outcomesDoc(s.Hosts),
		Durations: histogramToDoc(s.Durations), LeadTimes: histogramToDoc(s.LeadTimes), Restores: histogramToDoc(s.Restores),
		FailingSince: s.FailingSince,
	}
}

func (d statisticsDoc) toStatistics() deploy.Statistics {
	return deploy.Statistics{
		Application: d.Application, Day: d.Day, Mark: deploy.Mark{Seq: uint64(d.Seq), Installation: d.Installation},
		Deploys: deploy.Outcomes(d.Deploys), Rollbacks: deploy.Outcomes(d.Rollbacks), Hosts: deploy.Outcomes(d.Hosts),
		Durations: toHistogram(d.Durations), LeadTimes: toHistogram(d.LeadTimes), Restores: toHistogram(d.Restores),
		FailingSince: d.FailingSince,
	}
}

// histogramToDoc is in order, so that the same counts are the same document.
func histogramToDoc(h deploy.Histogram) []stepCount {
	var steps []stepCount
	for _, step := range slices.Sorted(maps.Keys(h)) {
		steps = append(steps, stepCount{Step: step, Count: h[step]})
	}
	return steps
}

func toHistogram(steps []stepCount) deploy.Histogram {
	if len(steps) == 0 {
		return nil
	}
	h := make(deploy.Histogram, len(steps))
	for _, s := range steps {
		h[s.Step] = s.Count
	}
	return h
}
