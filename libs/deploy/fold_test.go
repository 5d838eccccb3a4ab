package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// at is the moment of the event with this sequence.
func at(seq int) time.Time {
	return time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Second)
}

// document is what history stores of one deployment.
type document struct {
	header  deploy.Header
	buckets map[int]deploy.Bucket
}

// fold folds the records as history does: the bucket first, then the header
// with the counts of the bucket.
func (d document) fold(records ...deploy.Record) document {
	next := document{header: d.header, buckets: map[int]deploy.Bucket{}}
	for i, b := range d.buckets {
		next.buckets[i] = b
	}
	for _, r := range records {
		var counts *deploy.Counts
		if i, ok := deploy.BucketOf(r.Event); ok {
			next.buckets[i] = deploy.FoldBucket(next.buckets[i], r)
			c := next.buckets[i].Counts()
			counts = &c
		}
		next.header = deploy.FoldHeader(next.header, r, counts)
	}
	return next
}

// records numbers the events from 1 on.
func records(events ...deploy.Event) []deploy.Record {
	out := make([]deploy.Record, len(events))
	for i, e := range events {
		out[i] = deploy.Record{Seq: uint64(i + 1), Time: at(i + 1), Event: e}
	}
	return out
}

func ref(target, attempt int, token uint64) deploy.TargetRef {
	return deploy.TargetRef{Target: target, Host: []string{"web", "db"}[target], Attempt: attempt, Token: token}
}

var (
	accepted = deploy.WasAccepted{
		Kind: deploy.KindDeploy, Project: "shop", Application: "api", Path: "/srv/api", Version: "1.2.0",
		Package: "pkg", Actor: "ci", Targets: 2, Waves: 2, Strategy: deploy.Rolling, RetryOf: "d0", Batch: "b0", Origin: deploy.Origin{Stage: "production", Template: "nightly", Group: "web"}, AcceptedAt: at(0),
		Metadata: []deploy.Note{{Name: "ticket", Value: "SHOP-42"}},
	}
	planned = deploy.WasPlanned{Targets: []deploy.PlannedTarget{{"web", "Web 1", 0}, {"db", "Database", 1}}}
	full    = &deploy.Failure{Code: "disk_full", Reason: "no space left"}
)

func TestEventsFoldIntoTheDocumentThatUsersRead(t *testing.T) {
	got := document{}.fold(records(
		accepted, planned, deploy.WaveBegan{},
		deploy.JobStarted{On: ref(0, 1, 4), Executor: "ex-1"},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepConnect, State: deploy.Running, StartedAt: at(4)},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepConnect, State: deploy.Succeeded, StartedAt: at(4), EndedAt: at(5), Note: "OpenSSH 9.2"},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepStage, State: deploy.Running, StartedAt: at(5)},
		deploy.JobProgressed{On: ref(0, 1, 4), Step: deploy.StepStage, Done: 10, Total: 20},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepStage, State: deploy.Failed, StartedAt: at(5), EndedAt: at(9), Failure: full},
		deploy.JobEnded{On: ref(0, 1, 4), State: deploy.Failed, Release: "1.1.0", Previous: "1.0.0", Note: "left as it was", Failure: full},
		deploy.JobEnded{On: ref(1, 0, 0), State: deploy.Skipped, Note: "a host of an earlier wave failed"},
		deploy.WasConcluded{State: deploy.Failed, Cause: deploy.CauseHosts},
	)...)

	require.Equal(t, deploy.Header{
		Seq: 12, Kind: deploy.KindDeploy, Project: "shop", Application: "api", Path: "/srv/api", Version: "1.2.0",
		Package: "pkg", Actor: "ci", Strategy: deploy.Rolling, RetryOf: "d0", Batch: "b0", Origin: deploy.Origin{Stage: "production", Template: "nightly", Group: "web"},
		Metadata: []deploy.Note{{Name: "ticket", Value: "SHOP-42"}},
		State:    deploy.Failed, Cause: deploy.CauseHosts, Targets: 2, Waves: 2,
		AcceptedAt: at(0), StartedAt: at(3), EndedAt: at(12), EndedSeq: 12,
		Counts: []deploy.Counts{{Failed: 1, Skipped: 1}},
	}, got.header)
	require.Equal(t, map[int]deploy.Bucket{0: {Seq: 11, Targets: []deploy.Target{
		{
			Host: "web", Name: "Web 1", State: deploy.Failed, Attempt: 1, Token: 4, Executor: "ex-1",
			Step: deploy.StepStage, Done: 10, Bytes: 20,
			Steps: []deploy.StepRecord{
				{Step: deploy.StepConnect, State: deploy.Succeeded, StartedAt: at(4), EndedAt: at(5), Note: "OpenSSH 9.2"},
				{Step: deploy.StepStage, State: deploy.Failed, StartedAt: at(5), EndedAt: at(9), Failure: full},
			},
			StartedAt: at(4), EndedAt: at(10), Release: "1.1.0", Previous: "1.0.0", Note: "left as it was", Failure: full,
		},
		{
			Host: "db", Name: "Database", Wave: 1, State: deploy.Skipped, EndedAt: at(11),
			Note: "a host of an earlier wave failed",
		},
	}}}, got.buckets)
}

func TestAnEventMayTellWhatBeginsAndEndsWithIt(t *testing.T) {
	fold := func(events ...deploy.Event) deploy.Target {
		return document{}.fold(records(append([]deploy.Event{accepted, planned}, events...)...)...).buckets[0].Targets[0]
	}
	got := fold(
		deploy.JobStarted{On: ref(0, 1, 3), Step: deploy.StepConnect},
		deploy.StepChanged{On: ref(0, 1, 3), Step: deploy.StepConnect, State: deploy.Succeeded, StartedAt: at(3), EndedAt: at(4), Next: deploy.StepStage},
		deploy.JobProgressed{On: ref(0, 1, 3), Step: deploy.StepStage, Done: 10, Total: 20},
	)
	require.Equal(t, []deploy.StepRecord{
		{Step: deploy.StepConnect, State: deploy.Succeeded, StartedAt: at(3), EndedAt: at(4)},
		{Step: deploy.StepStage, State: deploy.Running, StartedAt: at(4)},
	}, got.Steps)
	require.Equal(t, deploy.StepStage, got.Step)
	require.EqualValues(t, 10, got.Done)

	last := deploy.StepRecord{Step: deploy.StepConnect, State: deploy.Failed, StartedAt: at(3), EndedAt: at(4), Failure: full}
	got = fold(
		deploy.JobStarted{On: ref(0, 1, 3), Step: deploy.StepConnect},
		deploy.JobEnded{On: ref(0, 1, 3), State: deploy.Failed, Failure: full, Last: &last},
	)
	require.Equal(t, []deploy.StepRecord{last}, got.Steps)
	require.Equal(t, deploy.Failed, got.State)
}

func TestARollbackSaysWhatItLeaves(t *testing.T) {
	got := document{}.fold(records(deploy.WasAccepted{
		Kind: deploy.KindRollback, From: "1.2.0", RollbackOf: "d1", Targets: 2, Waves: 1,
	})...).header
	require.Equal(t, deploy.KindRollback, got.Kind)
	require.Equal(t, "1.2.0", got.From)
	require.Equal(t, "d1", got.RollbackOf)
	require.Equal(t, deploy.Accepted, got.State)
	require.Equal(t, deploy.Counts{Pending: 2}, got.Total(), "targets that no bucket holds yet are pending")
}

func TestANewAttemptBeginsItsStepsAnew(t *testing.T) {
	got := document{}.fold(records(
		accepted, planned, deploy.WaveBegan{},
		deploy.JobStarted{On: ref(0, 1, 4), Executor: "ex-1"},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepConnect, State: deploy.Succeeded},
		deploy.JobProgressed{On: ref(0, 1, 4), Step: deploy.StepStage, Done: 10, Total: 20},
		deploy.JobStarted{On: ref(0, 2, 7), Executor: "ex-2"},
	)...)
	require.Equal(t, deploy.Target{
		Host: "web", Name: "Web 1", State: deploy.Running, Attempt: 2, Token: 7, Executor: "ex-2", StartedAt: at(4),
	}, got.buckets[0].Targets[0], "only when it first began is kept")
	require.Equal(t, deploy.Running, got.header.State)
	require.Equal(t, deploy.Counts{Pending: 1, Running: 1}, got.header.Total())
}

func TestProgressOfAStepEndsWithIt(t *testing.T) {
	got := document{}.fold(records(
		accepted, planned,
		deploy.JobStarted{On: ref(0, 1, 3)},
		deploy.JobProgressed{On: ref(0, 1, 3), Step: deploy.StepStage, Done: 10, Total: 20},
		deploy.StepChanged{On: ref(0, 1, 3), Step: deploy.StepSwitch, State: deploy.Running},
	)...).buckets[0].Targets[0]
	require.Equal(t, deploy.StepSwitch, got.Step)
	require.Zero(t, got.Done)
	require.Zero(t, got.Bytes)
}

var paused = deploy.Status{State: deploy.Paused, Cause: deploy.CausePaused, Reason: "lunch", By: "ann"}

// standing is what the header says of where the deployment stands.
func standing(h deploy.Header) deploy.Status {
	return deploy.Status{State: h.State, Cause: h.Cause, Reason: h.Reason, By: h.By, Until: h.Until}
}

func TestAStatusIsShownWholeUntilTheNext(t *testing.T) {
	holding := deploy.Status{State: deploy.Holding, Cause: deploy.CauseCanary, Until: at(60)}
	stopping := deploy.Status{State: deploy.Halting, Cause: deploy.CauseCancelled, Reason: "wrong version", By: "bob"}
	between := deploy.Status{State: deploy.Running, Cause: deploy.CauseBetweenWaves, Until: at(70)}
	d := document{}.fold(records(accepted, planned)...)
	for i, s := range []deploy.Status{
		{State: deploy.AwaitingApproval, Until: at(50)}, {State: deploy.Scheduled, Until: at(55)}, {State: deploy.Running},
		holding, paused, holding, {State: deploy.Running}, between, {State: deploy.Running}, paused, {State: deploy.Running}, stopping,
	} {
		d = d.fold(deploy.Record{Seq: uint64(10 + i), Time: at(10 + i), Event: deploy.WasStatus{Status: s}})
		require.Equal(t, s, standing(d.header), "nothing of the one before stays")
	}
	ended := deploy.WasConcluded{State: deploy.Cancelled, Cause: deploy.CauseCancelled, Reason: "wrong version", By: "bob"}
	d = d.fold(deploy.Record{Seq: 40, Time: at(40), Event: ended})
	require.Equal(t, deploy.Status{State: ended.State, Cause: ended.Cause, Reason: ended.Reason, By: ended.By}, standing(d.header))
	require.Equal(t, at(40), d.header.EndedAt)
}

func TestAStatusCannotEndADeploymentNorLeadWhereTheTableDoesNot(t *testing.T) {
	d := document{}.fold(records(accepted, planned, deploy.WasStatus{Status: paused})...)
	for i, s := range []deploy.State{
		deploy.Succeeded, deploy.Failed, deploy.Cancelled, deploy.Rejected, deploy.Accepted, deploy.Pending, "", "later",
	} {
		d = d.fold(deploy.Record{Seq: uint64(10 + i), Event: deploy.WasStatus{Status: deploy.Status{State: s}}})
		require.Equal(t, paused, standing(d.header), "%q", s)
	}
	for i, s := range []deploy.State{deploy.Skipped, deploy.Running, "later"} {
		d = d.fold(deploy.Record{Seq: uint64(30 + i), Event: deploy.WasConcluded{State: s}})
		require.Equal(t, paused, standing(d.header), "%q is no end", s)
	}
	d = d.fold(deploy.Record{Seq: 40, Event: deploy.WasConcluded{State: deploy.Cancelled}})
	require.Equal(t, deploy.Cancelled, d.header.State, "an end counts, though the stop before it was not told")
}

// Jobs that were let before a deployment came to rest go on, and say so.
func TestWorkThatGoesOnDoesNotUndoAStatus(t *testing.T) {
	work := []deploy.Event{
		deploy.JobStarted{On: ref(0, 1, 9)},
		deploy.JobEnded{On: ref(0, 1, 9), State: deploy.Succeeded},
		deploy.WasStopped{Cause: deploy.CauseCancelled},
	}
	for _, s := range []deploy.Status{
		paused,
		{State: deploy.Holding, Cause: deploy.CauseCanary, Until: at(60)},
		{State: deploy.Halting, Cause: deploy.CauseBudget, Reason: "2 of 2 hosts failed"},
	} {
		d := document{}.fold(records(accepted, planned, deploy.WaveBegan{}, deploy.WasStatus{Status: s})...)
		for i, e := range work {
			d = d.fold(deploy.Record{Seq: uint64(10 + i), Time: at(10 + i), Event: e})
			require.Equal(t, s, standing(d.header), "%T", e)
		}
		require.Equal(t, at(3), d.header.StartedAt)
		require.Equal(t, deploy.Succeeded, d.buckets[0].Targets[0].State)
	}
}

// The events of a deployment as a whole are stored in the order of its turns: a
// wave begins when nothing holds it any more. A stop is never taken back.
func TestAWaveEndsWhatHeldIt(t *testing.T) {
	halting := deploy.Status{State: deploy.Halting, Cause: deploy.CauseBudget}
	for _, s := range []deploy.Status{paused, {State: deploy.Holding, Until: at(60)}, {State: deploy.Running, Cause: deploy.CauseBetweenWaves}, halting} {
		d := document{}.fold(records(accepted, planned, deploy.WasStatus{Status: s}, deploy.WaveBegan{Wave: 1})...)
		want := deploy.Status{State: deploy.Running}
		if s == halting {
			want = halting
		}
		require.Equal(t, want, standing(d.header))
		require.Equal(t, 1, d.header.Wave)
	}
}

func TestTheFirstSignOfWorkEndsTheWaitingBeforeIt(t *testing.T) {
	for _, s := range []deploy.State{deploy.Accepted, deploy.AwaitingApproval, deploy.Scheduled} {
		for _, work := range []deploy.Event{deploy.WaveBegan{}, deploy.JobStarted{On: ref(0, 1, 9)}} {
			d := document{}.fold(records(accepted, planned, deploy.WasStatus{Status: deploy.Status{State: s, Until: at(60)}}, work)...)
			require.Equal(t, deploy.Status{State: deploy.Running}, standing(d.header), "%s, %T", s, work)
			require.Equal(t, at(4), d.header.StartedAt)
		}
	}
}

func TestTargetsThatNeverBeganAreCancelledOrSkipped(t *testing.T) {
	d := document{}.fold(records(
		accepted, planned,
		deploy.JobEnded{On: ref(0, 0, 0), State: deploy.Cancelled, Note: "the deployment was cancelled before this host began"},
		deploy.JobEnded{On: ref(1, 0, 0), State: deploy.Skipped},
	)...)
	require.Equal(t, deploy.Counts{Skipped: 1, Cancelled: 1}, d.header.Total())
	require.Equal(t, deploy.Target{
		Host: "web", Name: "Web 1", State: deploy.Cancelled, EndedAt: at(3), Note: "the deployment was cancelled before this host began",
	}, d.buckets[0].Targets[0])
}

func TestWhatEndedStaysAsItEnded(t *testing.T) {
	ended := records(
		accepted, planned, deploy.WaveBegan{},
		deploy.JobStarted{On: ref(0, 1, 4)},
		deploy.JobEnded{On: ref(0, 1, 4), State: deploy.Succeeded, Release: "1.2.0", Changed: true},
		deploy.WasConcluded{State: deploy.Succeeded},
	)
	late := []deploy.Event{
		deploy.JobStarted{On: ref(0, 2, 7)},
		deploy.StepChanged{On: ref(0, 1, 4), Step: deploy.StepClean, State: deploy.Failed},
		deploy.JobProgressed{On: ref(0, 1, 4), Step: deploy.StepStage, Done: 1},
		deploy.JobEnded{On: ref(0, 1, 4), State: deploy.Failed, Failure: full},
		deploy.WasConcluded{State: deploy.Failed, Reason: "late"},
		deploy.WaveBegan{},
		deploy.WasStatus{Status: paused},
		deploy.WasStopped{Cause: deploy.CauseCancelled},
		accepted,
	}
	before := document{}.fold(ended...)
	for i, e := range late {
		after := before.fold(deploy.Record{Seq: uint64(100 + i), Time: at(100), Event: e})
		require.Equal(t, before.buckets[0].Targets, after.buckets[0].Targets, "%T", e)
		after.header.Seq = before.header.Seq
		require.Equal(t, before.header, after.header, "%T", e)
	}
}

func TestOnlyATerminalStateEndsSomething(t *testing.T) {
	before := document{}.fold(records(accepted, planned, deploy.JobStarted{On: ref(0, 1, 3)})...)
	after := before.fold(
		deploy.Record{Seq: 4, Event: deploy.JobEnded{On: ref(0, 1, 3), State: deploy.Running}},
		deploy.Record{Seq: 5, Event: deploy.WasConcluded{State: deploy.Running}},
	)
	require.Equal(t, deploy.Running, after.header.State)
	require.Zero(t, after.header.EndedAt)
	require.Equal(t, before.buckets[0].Targets, after.buckets[0].Targets)
}

// The first events of an old deployment may have left the stream when its
// documents are rebuilt: what is left is shown as far as it goes.
func TestADeploymentWhoseBeginningWasNotKeptIsStillShown(t *testing.T) {
	got := document{}.fold(records(
		deploy.JobStarted{On: ref(1, 1, 1), Executor: "ex-1"},
		deploy.JobProgressed{On: ref(1, 1, 1), Step: deploy.StepStage, Done: 1, Total: 2},
	)...)
	require.Equal(t, deploy.Running, got.header.State)
	require.Equal(t, deploy.Counts{Running: 1, Pending: 1}, got.header.Total())
	require.Equal(t, "db", got.buckets[0].Targets[1].Host)

	got = got.fold(
		deploy.Record{Seq: 3, Time: at(3), Event: deploy.JobEnded{On: ref(1, 1, 1), State: deploy.Succeeded}},
		deploy.Record{Seq: 4, Time: at(4), Event: deploy.WasConcluded{State: deploy.Succeeded}},
	)
	require.Equal(t, deploy.Succeeded, got.header.State)
}

func TestEventsBeyondTheFirstHundredHaveABucketOfTheirOwn(t *testing.T) {
	on := deploy.TargetRef{Target: 2*deploy.PieceSize + 1, Host: "far"}
	cases := []struct {
		name   string
		event  deploy.Event
		bucket int
		ok     bool
	}{
		{"the plan of the first piece", deploy.WasPlanned{First: 0}, 0, true},
		{"the plan of the third piece", deploy.WasPlanned{First: 2 * deploy.PieceSize}, 2, true},
		{"a start", deploy.JobStarted{On: on}, 2, true},
		{"a step", deploy.StepChanged{On: on}, 2, true},
		{"progress", deploy.JobProgressed{On: on}, 2, true},
		{"an end", deploy.JobEnded{On: on}, 2, true},
		{"the deployment was accepted", deploy.WasAccepted{}, 0, false},
		{"a wave", deploy.WaveBegan{}, 0, false},
		{"where it stands", deploy.WasStatus{}, 0, false},
		{"a stop", deploy.WasStopped{}, 0, false},
		{"the outcome", deploy.WasConcluded{}, 0, false},
		{"an end of no target", deploy.JobEnded{On: deploy.TargetRef{Target: -1}}, 0, false},
		{"a plan of no piece", deploy.WasPlanned{First: -1}, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bucket, ok := deploy.BucketOf(c.event)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.bucket, bucket)
			got := document{}.fold(deploy.Record{Seq: 9, Event: c.event})
			require.EqualValues(t, 9, got.header.Seq)
			require.Equal(t, c.ok, len(got.buckets) == 1)
			if c.ok {
				require.Len(t, got.header.Counts, bucket+1)
			}
		})
	}
}
