package deploy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAPercentileIsTheMiddleOfItsStep(t *testing.T) {
	var h deploy.Histogram
	require.Zero(t, h.Percentile(0.5))
	rapid.Check(t, func(t *rapid.T) {
		var one deploy.Histogram
		d := time.Duration(rapid.Int64Range(10, 90*24*3600*1000).Draw(t, "ms")) * time.Millisecond
		one.Add(d)
		require.InEpsilon(t, float64(d), float64(one.Percentile(0.5)), 0.15)
	})
	for i := range 100 {
		h.Add(time.Duration(i+1) * time.Second)
	}
	require.InEpsilon(t, float64(50*time.Second), float64(h.Percentile(0.5)), 0.1)
	require.InEpsilon(t, float64(99*time.Second), float64(h.Percentile(0.99)), 0.1)
	h.Add(-time.Second) // of a clock that was set back
	require.Equal(t, time.Millisecond, h.Percentile(0))
}

func TestHistogramsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole, merged deploy.Histogram
		for _, part := range rapid.SliceOf(rapid.SliceOf(rapid.Int64Range(0, 1<<40))).Draw(t, "parts") {
			var h deploy.Histogram
			for _, ns := range part {
				h.Add(time.Duration(ns))
				whole.Add(time.Duration(ns))
			}
			merged.Merge(h)
		}
		require.Equal(t, whole, merged)
	})
}

func ending(seq uint64, installation string, kind deploy.Kind, state deploy.State) deploy.Conclusion {
	return deploy.Conclusion{
		Mark: deploy.Mark{Seq: seq, Installation: installation}, Application: "web", Kind: kind, State: state,
		AcceptedAt: at(int(seq) - 3), StartedAt: at(int(seq) - 2), EndedAt: at(int(seq)), Targets: deploy.Counts{Succeeded: 2, Skipped: 1},
	}
}

func TestStatisticsCountEachEndOnce(t *testing.T) {
	s := deploy.Statistics{Application: "web"}
	fold := func(c deploy.Conclusion) {
		c.Restored = s.Restored(c)
		s.Fold(c)
	}
	fold(ending(10, "a", deploy.KindDeploy, deploy.Succeeded))
	require.True(t, s.FailingSince.IsZero())
	fold(ending(20, "a", deploy.KindDeploy, deploy.Failed))
	fold(ending(30, "a", deploy.KindDeploy, deploy.Failed))
	require.Equal(t, at(20), s.FailingSince, "since the first failure")
	fold(ending(40, "a", deploy.KindRollback, deploy.Succeeded))
	require.True(t, s.FailingSince.IsZero())
	fold(ending(50, "a", deploy.KindDeploy, deploy.Cancelled))
	fold(ending(60, "a", deploy.KindDeploy, deploy.Rejected))

	whole := s.Clone()
	for _, seq := range []uint64{20, 60} {
		fold(ending(seq, "a", deploy.KindDeploy, deploy.Failed))
	}
	require.Equal(t, whole, s, "what was folded is not counted again")

	require.Equal(t, deploy.Outcomes{Succeeded: 1, Failed: 2, Cancelled: 1, Rejected: 1}, s.Deploys)
	require.Equal(t, deploy.Outcomes{Succeeded: 1}, s.Rollbacks)
	require.Equal(t, deploy.Outcomes{Succeeded: 12, Rejected: 6}, s.Hosts)
	require.Equal(t, 6, s.Durations.Count())
	require.Equal(t, 1, s.LeadTimes.Count())
	require.InEpsilon(t, float64(20*time.Second), float64(s.Restores.Percentile(1)), 0.1)
	require.InDelta(t, 2.0/3, s.FailureRate(), 0.001)

	fold(ending(5, "b", deploy.KindDeploy, deploy.Succeeded))
	require.Equal(t, 2, s.Deploys.Succeeded, "the sequences of another installation begin anew")
}

func TestOnlyItsEndCountsADeployment(t *testing.T) {
	h := deploy.Header{ID: "d", Application: "web", State: deploy.Failed, EndedSeq: 7, EndedAt: at(7)}
	_, ok := deploy.ConclusionOf(h, deploy.Record{Seq: 6}, "i")
	require.False(t, ok)
	c, ok := deploy.ConclusionOf(h, deploy.Record{Seq: 7}, "i")
	require.True(t, ok)
	require.Equal(t, deploy.Failed, c.State)
	h.Application = "" // its beginning is not kept any more
	_, ok = deploy.ConclusionOf(h, deploy.Record{Seq: 7}, "i")
	require.False(t, ok)
}

func arrival(seq uint64, host, version string, changed bool) deploy.Arrival {
	h := deploy.Header{ID: "d" + version, Application: "web", Path: "/srv/web"}
	a, _ := deploy.ArrivalOf(h, deploy.Target{Name: "name of " + host}, deploy.Record{
		Seq: seq, Time: at(int(seq)), Event: deploy.JobEnded{
			On: deploy.TargetRef{Host: host}, State: deploy.Succeeded, Release: version, Changed: changed,
		},
	}, "i")
	return a
}

func TestWhatRunsWhereIsWhatCameLast(t *testing.T) {
	var p deploy.Placements
	require.Nil(t, p.Fold(arrival(1, "b", "v1", true)))
	require.Nil(t, p.Fold(arrival(2, "a", "v0", false)), "found there")
	require.Nil(t, p.Fold(arrival(3, "b", "v1", false)), "still there")
	was := p.Fold(arrival(4, "b", "v2", true))
	require.Equal(t, deploy.Departure{Day: deploy.DayOf(at(4)), Placement: deploy.Placement{
		Host: "b", Name: "name of b", Path: "/srv/web", Version: "v1", Deployment: "dv1", Since: at(1), Until: at(4),
	}}, *was)
	require.Nil(t, p.Fold(arrival(4, "b", "v3", true)), "folded before")
	was = p.Fold(arrival(5, "b", "v9", false))
	require.Equal(t, "v2", was.Version)
	require.Equal(t, []deploy.Placement{
		{Host: "a", Name: "name of a", Path: "/srv/web", Version: "v0", Since: at(2)},
		{Host: "b", Name: "name of b", Path: "/srv/web", Version: "v9", Since: at(5)},
	}, p.All, "in order, and what nobody has put there is of no deployment")
}

func TestDeparturesOfADayFillOneDocumentAfterTheOther(t *testing.T) {
	var p deploy.Placements
	at := func(seq int, ended time.Time) *deploy.Departure {
		a := arrival(uint64(seq), "a", fmt.Sprint("v", seq), true)
		a.Since = ended
		return p.Fold(a)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.Nil(t, at(1, noon))
	for i := range 2 * deploy.DeparturesSize {
		d := at(i+2, noon)
		require.Equal(t, "2026-03-01", d.Day)
		require.Equal(t, i/deploy.DeparturesSize, d.Number)
	}
	d := at(1000, noon.Add(24*time.Hour))
	require.Equal(t, "2026-03-02", d.Day)
	require.Zero(t, d.Number)
	d = at(1001, noon)
	require.Equal(t, "2026-03-02", d.Day, "what came later stands later, whatever its host's clock says")
}

func TestAJobThatSaysNothingOfAReleaseMovesNothing(t *testing.T) {
	h := deploy.Header{ID: "d", Application: "web"}
	for _, event := range []deploy.Event{
		deploy.JobEnded{State: deploy.Succeeded}, deploy.JobEnded{State: deploy.Running, Release: "v1"}, deploy.JobStarted{},
	} {
		_, ok := deploy.ArrivalOf(h, deploy.Target{}, deploy.Record{Seq: 1, Event: event}, "i")
		require.False(t, ok)
	}
}

func TestTheMeanOfDurationsIsAtMostNinePercentOff(t *testing.T) {
	var h deploy.Histogram
	require.Zero(t, h.Mean())
	var sum time.Duration
	for i := range 100 {
		d := time.Duration(i+1) * 700 * time.Millisecond
		sum += d
		h.Add(d)
	}
	require.InEpsilon(t, float64(sum/100), float64(h.Mean()), 0.09)
}
