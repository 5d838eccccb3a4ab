package foldtest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

func testRunning(t *testing.T, s Store) {
	var all []deploy.Placements
	for _, key := range []fold.PartKey{{Application: "api", Part: 2}, {Application: "api", Part: 11}, {Application: "web", Part: 0}} {
		all = append(all, deploy.Placements{
			Application: key.Application, Part: key.Part, Mark: deploy.Mark{Seq: 1, Installation: "i"},
			All: []deploy.Placement{FullPlacement("everywhere"), FullPlacement("of " + key.Application)},
		})
	}
	require.NoError(t, s.PutPlacements(t.Context(), created(all[2], all[0], all[1])))
	for name, c := range map[string]struct {
		page query.RunningPage
		want []deploy.Placements
	}{
		"all":         {query.RunningPage{Limit: 9}, all},
		"a page":      {query.RunningPage{Limit: 2}, all[:2]},
		"the next":    {query.RunningPage{Limit: 2, From: fold.PartKey{Application: "api", Part: 12}}, all[2:]},
		"from within": {query.RunningPage{Limit: 9, From: fold.PartKey{Application: "api", Part: 3}}, all[1:]},
		"application": {query.RunningPage{Limit: 9, Application: "web"}, all[2:]},
		"server":      {query.RunningPage{Limit: 9, Server: "of api"}, all[:2]},
		"both":        {query.RunningPage{Limit: 9, Server: "everywhere", Application: "api", From: fold.PartKey{Application: "api", Part: 11}}, all[1:2]},
		"nothing":     {query.RunningPage{Limit: 9, Server: "nowhere"}, nil},
	} {
		found, err := s.Running(t.Context(), c.page)
		require.NoError(t, err, name)
		require.Equal(t, append([]deploy.Placements{}, c.want...), append([]deploy.Placements{}, found...), name)
	}

	key := fold.PartKey{Application: "api", Part: 2}
	for i, day := range []string{"2026-03-03", "2026-03-01", "2026-03-02"} {
		require.NoError(t, s.PutDepartures(t.Context(), created(
			deploy.Departures{Application: "api", Part: 2, Day: day, Number: 10, Mark: deploy.Mark{Seq: uint64(i + 1)}, All: all[0].All},
			deploy.Departures{Application: "api", Part: 2, Day: day, Number: 9, Mark: deploy.Mark{Seq: uint64(i + 1)}, All: all[0].All},
			deploy.Departures{Application: "api", Part: 3, Day: day, Mark: deploy.Mark{Seq: uint64(i + 1)}})))
	}
	var days []string
	require.NoError(t, s.Departed(t.Context(), key, "2026-03-02", func(d deploy.Departures) bool {
		require.Equal(t, key.Part, d.Part)
		days = append(days, fmt.Sprint(d.Day, "/", d.Number))
		return true
	}))
	require.Equal(t, []string{"2026-03-02/9", "2026-03-02/10", "2026-03-03/9", "2026-03-03/10"}, days)
	require.NoError(t, s.Departed(t.Context(), key, "2026-01-01", func(d deploy.Departures) bool {
		days = append(days, fmt.Sprint(d.Day, "/", d.Number))
		return false
	}))
	require.Equal(t, "2026-03-01/9", days[4])
	require.Len(t, days, 5, "and no more")
}

func testStatistics(t *testing.T, s Store) {
	var all []deploy.Statistics
	for _, application := range []string{"", "api", "web"} {
		for _, day := range []string{"", "2026-03-01", "2026-03-02", "2026-03-03"} {
			all = append(all, FullStatistics(application, day, 4))
		}
	}
	require.NoError(t, s.PutStatistics(t.Context(), created(all...)))
	for name, c := range map[string]struct {
		application string
		each        bool
		want        []deploy.Statistics
	}{
		"all together":       {"", false, all[1:3]},
		"of one":             {"web", false, all[9:11]},
		"of another":         {"nobody", false, nil},
		"of each that there": {"", true, append(append([]deploy.Statistics{}, all[5:7]...), all[9:11]...)},
	} {
		found, err := s.StatisticsOfDays(t.Context(), "2026-03-01", "2026-03-02", c.application, c.each)
		require.NoError(t, err, name)
		require.Equal(t, append([]deploy.Statistics{}, c.want...), append([]deploy.Statistics{}, found...), name)
	}
}

func testAside(t *testing.T, s Store) {
	n, newest, err := s.Aside(t.Context(), 2)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Empty(t, newest)
	var all []fold.Rejected
	for _, seq := range []uint64{9, 10, 200} {
		r := fold.Rejected{Seq: seq, Subject: "s", Reason: "why", At: noon, Data: []byte("{")}
		all = append(all, r)
		require.NoError(t, s.SetAside(t.Context(), r))
	}
	n, newest, err = s.Aside(t.Context(), 2)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	require.Equal(t, []fold.Rejected{all[2], all[1]}, newest)
}
