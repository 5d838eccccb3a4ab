package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// deployed publishes a deployment of a version of shop to hosts, which ended at a time.
func (w *world) deployed(id, version, state string, accepted, ended time.Time, hosts ...string) {
	w.t.Helper()
	var all []foldtest.Message
	add := func(at time.Time, e contract.Envelope, subject string, body contract.Body) {
		e.Deployment, e.Time = id, at
		data, err := contract.Encode(e, body)
		require.NoError(w.t, err)
		all = append(all, foldtest.Message{Subject: subject, ID: fmt.Sprint(id, len(all)), Data: data})
	}
	system := contract.SystemEventSubject(id)
	add(accepted, contract.Envelope{}, system, contract.AcceptedEvent{
		Kind: "deploy", Application: "shop", Path: "/srv/shop", Version: version, Actor: "ann", Targets: len(hosts), Waves: 1, AcceptedAt: accepted,
	})
	plan := contract.PlannedEvent{}
	for _, h := range hosts {
		plan.Targets = append(plan.Targets, contract.PlannedTarget{Host: h, Name: "name of " + h})
	}
	add(accepted, contract.Envelope{}, system, plan)
	for i, h := range hosts {
		e := contract.Envelope{Host: h, Target: i, Attempt: 1}
		add(accepted.Add(time.Second), e, contract.JobEventSubject(id, h), contract.JobStartedEvent{Executor: "x"})
		add(ended, e, contract.JobEventSubject(id, h), contract.JobEndedEvent{State: state, Release: version, Changed: state == "succeeded"})
	}
	add(ended, contract.Envelope{}, system, contract.ConcludedEvent{State: state})
	w.ids = append(w.ids, id)
	w.publish(all)
}

func TestWhatRanWhereAndWhatDeploymentsCameToIsTold(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(w.store)
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	day := 24 * time.Hour
	w.deployed("d1", "v1", "succeeded", noon, noon.Add(time.Minute), "a", "b")
	w.deployed("d2", "v2", "succeeded", noon.Add(day), noon.Add(day+time.Minute), "a")
	w.deployed("d3", "v2", "failed", noon.Add(2*day), noon.Add(2*day+time.Minute), "b") // which says that v2 is there
	w.deployed("d4", "v4", "succeeded", noon.Add(3*day), noon.Add(3*day+time.Minute), "a")

	running := func(q contract.ListRunning) map[string]string {
		q.Limit, q.MinSeq = 1, w.last
		found := map[string]string{}
		for {
			got := w.answered(contract.QueryRunning, "", q)
			page, ok := got.(contract.Running)
			require.True(t, ok, "%v", got)
			for _, p := range page.Items {
				require.Equal(t, "name of "+p.Host, p.Name)
				found[p.Host] = p.Version + " by " + p.Deployment
			}
			if q.After = page.Next; page.Next == nil {
				return found
			}
		}
	}
	at := func(after time.Duration) *time.Time { t := noon.Add(after); return &t }
	require.Equal(t, map[string]string{"a": "v4 by d4", "b": "v2 by "}, running(contract.ListRunning{Application: "shop"}))
	require.Equal(t, map[string]string{"a": "v4 by d4"}, running(contract.ListRunning{Server: "a"}))
	require.Equal(t, map[string]string{}, running(contract.ListRunning{Server: "c"}))
	require.Equal(t, map[string]string{}, running(contract.ListRunning{At: at(0)}))
	require.Equal(t, map[string]string{"a": "v1 by d1", "b": "v1 by d1"}, running(contract.ListRunning{At: at(time.Hour)}))
	require.Equal(t, map[string]string{"a": "v2 by d2", "b": "v1 by d1"}, running(contract.ListRunning{At: at(day + time.Hour)}))
	require.Equal(t, map[string]string{"b": "v2 by "}, running(contract.ListRunning{At: at(2*day + time.Hour), Server: "b"}))

	got := w.answered(contract.QueryStatistics, "", contract.GetStatistics{From: "2026-03-02", To: "2026-03-31"})
	s := got.(contract.Statistics)
	require.Equal(t, contract.Outcomes{Succeeded: 2, Failed: 1}, s.Total.Deploys)
	require.Equal(t, contract.Outcomes{Succeeded: 2, Failed: 1}, s.Total.Hosts)
	require.Len(t, s.Applications, 1)
	require.Equal(t, "shop", s.Applications[0].Application)
	require.Nil(t, s.Applications[0].FailingSince)
	require.Equal(t, 1, s.Applications[0].Restore.Count)
	require.InEpsilon(t, day.Milliseconds(), s.Applications[0].Restore.P50, 0.15)
	require.Equal(t, 2, s.Total.LeadTime.Count)
	require.InEpsilon(t, time.Minute.Milliseconds(), s.Total.LeadTime.P90, 0.15)
	require.Equal(t, []string{"2026-03-02", "2026-03-03", "2026-03-04"}, []string{s.Days[0].Day, s.Days[1].Day, s.Days[2].Day})
	for _, bad := range []contract.GetStatistics{{From: "x", To: "2026-03-01"}, {From: "2026-03-02", To: "2026-03-01"}, {From: "2020-01-01", To: "2026-03-01"}} {
		got := w.answered(contract.QueryStatistics, "", bad)
		require.Equal(t, contract.RefusedInvalid, got.(contract.Refused).Code)
	}
	stop()
	w.requireReplayed()
}

func TestHistoryTellsHowFarItIsAndWhatItSetAside(t *testing.T) {
	w := newMortalWorld(t)
	cfg := w.config(w.store)
	cfg.Store.SingleWriter = true
	w.start(cfg)
	w.deployed("d1", "v1", "succeeded", noon, noon.Add(time.Minute), "a")
	w.publish([]foldtest.Message{{Subject: "slipway.v1.ev.x.sys", ID: "p", Data: []byte("{")}})
	w.awaitCheckpoint()
	got := w.answered(contract.QueryHistory, "", contract.GetHistory{Limit: 5})
	h := got.(contract.History)
	require.Equal(t, w.last, h.Last)
	require.Equal(t, w.last, h.Seq)
	require.Nil(t, h.Waiting)
	require.EqualValues(t, 1, h.Aside)
	require.Contains(t, h.Newest[0].Reason, "malformed")

	w.store.Kill()
	w.deployed("d2", "v2", "succeeded", noon, noon.Add(time.Minute), "a")
	w.awaitLog("the store is away, events wait")
	w.store.Restart()
	require.Eventually(t, func() bool {
		got, ok := w.ask(contract.QueryHistory, "", contract.GetHistory{})
		return ok && got.(contract.History).Seq == w.last
	}, deadline, often)
}
