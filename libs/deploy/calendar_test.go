package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func local(t *testing.T, zone, text string) time.Time {
	t.Helper()
	l, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", text, l)
	require.NoError(t, err)
	return at
}

func TestACalendarIsOpenWithinItsWindows(t *testing.T) {
	const berlin = "Europe/Berlin"
	workdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	c := &deploy.Calendar{
		Zone: berlin,
		Windows: []deploy.Window{
			{Days: workdays, From: 9 * 60, To: 16 * 60},
			{Days: []time.Weekday{time.Saturday}, From: 22 * 60, To: 2 * 60},
		},
		Except: []string{"2026-12-24"},
	}
	cases := []struct{ now, next string }{ // next "": open now
		{"2026-11-20 09:00", ""}, {"2026-11-20 15:59", ""},
		{"2026-11-20 16:00", "2026-11-21 22:00"}, {"2026-11-20 08:59", "2026-11-20 09:00"},
		{"2026-11-21 22:00", ""}, {"2026-11-22 01:59", ""}, {"2026-11-22 02:00", "2026-11-23 09:00"},
		{"2026-12-24 10:00", "2026-12-25 09:00"},
		{"2026-03-28 23:00", ""}, {"2026-03-29 01:59", ""}, // the night in which the clocks go forward
		{"2026-10-25 03:00", "2026-10-26 09:00"}, // and the one in which they go back
	}
	for _, x := range cases {
		now := local(t, berlin, x.now)
		require.Equal(t, x.next == "", c.Open(now), x.now)
		if x.next != "" {
			require.Equal(t, local(t, berlin, x.next).UTC(), c.Next(now), x.now)
		}
	}
	require.NoError(t, c.Check(noon))
}

func TestNoCalendarIsAlwaysOpen(t *testing.T) {
	var none *deploy.Calendar
	require.True(t, none.Open(noon))
}

func TestACalendarThatCannotBeIsRefused(t *testing.T) {
	for name, c := range map[string]deploy.Calendar{
		"zone":   {Zone: "Mars/Olympus", Windows: []deploy.Window{{Days: everyDay, To: 60}}},
		"minute": {Windows: []deploy.Window{{Days: everyDay, From: 24 * 60}}},
		"day":    {Windows: []deploy.Window{{Days: everyDay, To: 60}}, Except: []string{"24.12.2026"}},
		"never":  {Windows: []deploy.Window{{From: 60, To: 120}}},
	} {
		require.ErrorIs(t, c.Check(noon), deploy.ErrInvalidPlan, name)
	}
}

func TestTheNextOpeningIsOpenAndNothingBeforeItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.IntRange(0, 24*60-1)
		c := &deploy.Calendar{Zone: rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/St_Johns"}).Draw(t, "zone")}
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			c.Windows = append(c.Windows, deploy.Window{
				Days: rapid.SliceOfNDistinct(rapid.SampledFrom(everyDay), 1, 4, rapid.ID[time.Weekday]).Draw(t, "days"),
				From: minutes.Draw(t, "from"), To: minutes.Draw(t, "to"),
			})
		}
		now := noon.Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "now")) * time.Minute)
		if c.Open(now) {
			return
		}
		next := c.Next(now)
		require.True(t, next.After(now))
		require.True(t, c.Open(next), "%s is open", next)
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(now))-1).Draw(t, "between")))
		require.False(t, c.Open(between), "%s is not", between)
	})
}

func TestHostsBeginWithinTheCalendarAlone(t *testing.T) {
	p := deploy.Policy{
		Strategy: deploy.Strategy{MaxParallel: 2},
		Calendar: &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: everyDay, From: 13 * 60, To: 14 * 60}}},
	}
	opens, closed, again := noon.Add(time.Hour), noon.Add(2*time.Hour), noon.Add(25*time.Hour)
	r := rollout(t, 4, p).Planned(noon)
	require.Equal(t, deploy.Status{State: deploy.Scheduled, Cause: deploy.CauseWindow, Until: opens}, r.Status())
	r = dispatched(r.Tick(opens))
	require.Equal(t, 2, r.Let)
	r = r.Note(0, 0, deploy.Tally{Succeeded: 1}, closed)
	require.Equal(t, 2, r.Let, "the window has closed")
	require.Equal(t, deploy.Status{State: deploy.Running, Cause: deploy.CauseWindow, Until: again}, r.Status())
	require.Equal(t, again, r.Wake())
	r = r.Note(0, 0, deploy.Tally{Succeeded: 2}, closed)
	require.Equal(t, deploy.InProgress, r.Phase, "that nothing is at work is no reason to give up")
	r = r.Tick(again)
	require.Equal(t, 4, r.Let)
	require.Equal(t, deploy.Status{State: deploy.Running}, r.Status())
}

// lastDay is a calendar that is open from 11 to 14 on the day of noon, and never
// again for longer than is looked ahead.
func lastDay() *deploy.Calendar {
	c := &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: everyDay, From: 11 * 60, To: 14 * 60}}}
	for day := range 500 {
		c.Except = append(c.Except, noon.AddDate(0, 0, day+1).Format(time.DateOnly))
	}
	return c
}

func TestADeploymentThatNoWindowIsLeftForFails(t *testing.T) {
	p := rolling(2)
	p.Strategy.MaxParallel, p.Calendar = 1, lastDay()
	closed := noon.Add(2 * time.Hour)
	for where, r := range map[string]deploy.Rollout{
		"before the first wave": rollout(t, 4, p).Planned(closed).Planned(closed),
		"within a wave":         begun(t, 4, p).Note(0, 0, deploy.Tally{Succeeded: 1}, closed),
		"between two":           begun(t, 4, deploy.Policy{Strategy: rolling(2).Strategy, Calendar: p.Calendar}).Note(0, 0, deploy.Tally{Succeeded: 2}, closed),
	} {
		require.Equal(t, deploy.Stopping, r.Phase, where)
		require.Equal(t, deploy.Failed, r.End.State, where)
		require.Equal(t, deploy.CauseWindow, r.Status().Cause, where)
		require.Contains(t, r.Status().Reason, "no window of the calendar opens", where)
	}
}

func TestAHostThatMissesItsTurnEntersAgainWhenItMayBegin(t *testing.T) {
	p := deploy.Policy{Calendar: &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: everyDay, From: 12 * 60, To: 13 * 60}}}}
	open := dispatched(begun(t, 130, p).Note(0, 0, deploy.Tally{Succeeded: 99}, noon))
	require.True(t, open.MayBegin(noon))
	require.Equal(t, open, open.MissTurn(0, noon), "it may begin")
	closed, again := noon.Add(time.Hour), noon.Add(24*time.Hour)
	require.Equal(t, open, open.MissTurn(1, closed), "that is another wave")

	r := open.MissTurn(0, closed)
	require.Equal(t, deploy.Status{State: deploy.Running, Cause: deploy.CauseWindow, Until: again}, r.Status())
	require.Equal(t, again, r.Wake())
	require.Equal(t, r, r.MissTurn(0, closed))
	r = r.Note(0, 0, deploy.Tally{Succeeded: 100}, closed)
	require.Equal(t, deploy.InProgress, r.Phase)
	r = r.Tick(again)
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, 100, r.In, "those of a piece that is closed have ended")
	require.Equal(t, 130, r.Let)
	require.False(t, r.Opens())
	require.Equal(t, deploy.InProgress, dispatched(r).Phase)

	p.Calendar = lastDay()
	never := begun(t, 2, p).MissTurn(0, noon.Add(2*time.Hour))
	require.Equal(t, deploy.CauseWindow, never.End.Cause)
}

func TestAHostThatMissesItsTurnInAPauseEntersAgainWhenResumed(t *testing.T) {
	r := control(t, begun(t, 2, deploy.Policy{Progress: time.Minute}), deploy.Control{Verb: deploy.PauseIt, By: "ada"}).MissTurn(0, noon)
	require.Equal(t, deploy.InProgress, r.Phase)
	require.True(t, r.Wake().IsZero())
	r = control(t, r, deploy.Control{Verb: deploy.Resume, By: "ada"})
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Zero(t, r.In)
	require.False(t, r.Missed)
}
