package query_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/telemetry"
)

const deadline = time.Minute

// asker asks a server of the test's own.
type asker struct {
	t     *testing.T
	nc    *nats.Conn
	store *foldtest.Memory
	stop  func()
}

func serve(t *testing.T, configure ...func(*server.Options)) *asker {
	a := &asker{t: t, nc: bustest.Start(t, configure...).Connect(t), store: foldtest.NewMemory()}
	a.stop = lifecycletest.Start(t, func(ctx context.Context, ready func()) error {
		return query.Serve(ctx, a.nc, a.store, fold.NewPosition(), telemetry.New(nil), zerolog.Nop(), func(*bus.Replica) { ready() })
	})
	return a
}

func (a *asker) ask(subject, deployment string, question contract.Body) contract.Body {
	a.t.Helper()
	data, err := contract.Encode(contract.Envelope{Deployment: deployment}, question)
	require.NoError(a.t, err)
	reply, err := a.nc.Request(subject, data, deadline)
	require.NoError(a.t, err)
	answer, err := contract.Decode(reply.Data)
	require.NoError(a.t, err)
	return answer.Body
}

func (a *asker) put(h deploy.Header, buckets ...deploy.Bucket) {
	a.t.Helper()
	for _, b := range buckets {
		h.Counts = append(h.Counts, b.Counts())
		require.NoError(a.t, a.store.PutBuckets(a.t.Context(), []fold.Change[deploy.Bucket]{{Doc: b}}))
	}
	require.NoError(a.t, a.store.PutHeaders(a.t.Context(), []fold.Change[deploy.Header]{{Doc: h}}))
}

func TestADeploymentIsAnsweredWhole(t *testing.T) {
	a := serve(t)
	h := foldtest.FullHeader("d1", 7)
	a.put(h)
	got := a.ask(contract.QueryDeployment, "d1", contract.GetDeployment{})
	require.Equal(t, contract.Deployment{
		ID: "d1", Seq: 7, Kind: "rollback", Project: "shop", Application: "web", Path: "/srv/wéb", Version: "v2", Package: "p",
		From: "v3", RollbackOf: "d0", Actor: "ann $()", RetryOf: "d-1", Batch: "b1",
		Origin: contract.Origin{Stage: "production", Template: "nightly", Group: "web"}, Strategy: "canary",
		Metadata: []contract.Note{{Name: "a.b$c", Value: "d ü"}, {Name: "batch"}},
		State:    "holding", Cause: "canary", Reason: "late", By: "bob ü", Until: &h.Until, RolledBackBy: "d2", Targets: 103, Wave: 1, Waves: 3,
		Counts:     contract.Counts{Pending: 103 - 20, Running: 2, Succeeded: 3, Failed: 4, Skipped: 5, Cancelled: 6},
		AcceptedAt: h.AcceptedAt, StartedAt: &h.StartedAt, EndedAt: &h.EndedAt,
	}, got)
	requireFull(t, got)
}

func TestADeploymentThatIsArchivedIsToldFromOneThatNeverWas(t *testing.T) {
	a := serve(t)
	a.store.Archive(fold.Archived{Deployment: "d1", File: "shop/2026-03-01/d1.jsonl.gz", At: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)})
	for subject, question := range map[string]contract.Body{
		contract.QueryDeployment: contract.GetDeployment{}, contract.QueryTargets: contract.ListTargets{Limit: 1}, contract.QueryOutput: contract.ListOutput{Limit: 1},
	} {
		no := a.ask(subject, "d1", question).(contract.Refused)
		require.Equal(t, contract.RefusedArchived, no.Code)
		require.Equal(t, "deployment d1 went to the archive on 2026-05-02, as shop/2026-03-01/d1.jsonl.gz; slipway-history restore brings it back", no.Message)
		require.Equal(t, contract.RefusedNotFound, a.ask(subject, "d2", question).(contract.Refused).Code)
	}
}

func TestATargetIsAnsweredWhole(t *testing.T) {
	a := serve(t)
	b := foldtest.FullBucket("d1", 1, 7)
	a.put(deploy.Header{ID: "d1", Seq: 7, State: deploy.Running, Targets: 102}, deploy.Bucket{Deployment: "d1", Seq: 2}, b)
	got := a.ask(contract.QueryTargets, "d1", contract.ListTargets{First: 100, Limit: 10}).(contract.Targets)
	require.Len(t, got.Targets, 1, "of the other one nothing is known yet")
	full := b.Targets[0]
	connect, stage := full.Steps[0], full.Steps[1]
	failure := &contract.Failure{Code: "disk_full", Reason: "no space\nleft"}
	require.Equal(t, contract.TargetStatus{
		Target: 100, Host: "h1", Name: "web 1", Wave: 2, State: "failed", Attempt: 3, Executor: "e", Step: "stage",
		Done: 1 << 40, Bytes: 1 << 41, StartedAt: &full.StartedAt, EndedAt: &full.EndedAt, Release: "v1", Previous: "v0",
		Changed: true, Note: "note", Failure: failure,
		Steps: []contract.StepStatus{
			{Step: "connect", Phase: "pre", State: "succeeded", StartedAt: connect.StartedAt, EndedAt: &connect.EndedAt, Note: "n"},
			{Step: "stage", Phase: "pre", State: "failed", StartedAt: stage.StartedAt, Failure: failure},
		},
	}, got.Targets[0])
	requireFull(t, got.Targets[0])
}

// requireFull fails where a field of the answer is not set: one that was added
// to the contract and not here.
func requireFull(t *testing.T, answer any) {
	t.Helper()
	v := reflect.ValueOf(answer)
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), "%T.%s", answer, v.Type().Field(i).Name)
	}
}

func TestListsGoThroughAllPages(t *testing.T) {
	a := serve(t)
	for i := range 7 {
		at := time.Date(2026, 3, 1, 12, 0, i/2, 0, time.UTC)
		a.put(deploy.Header{ID: fmt.Sprintf("d%d", i), Seq: 1, State: deploy.Running, Application: "web", AcceptedAt: at})
	}
	require.Equal(t, contract.Deployments{Deployments: []contract.Deployment{}},
		a.ask(contract.QueryDeployments, "", contract.ListDeployments{Limit: 1, Application: "api"}))
	var ids []string
	page := contract.ListDeployments{Limit: 3, Application: "web", State: "running"}
	for more := true; more; {
		got := a.ask(contract.QueryDeployments, "", page).(contract.Deployments)
		for _, d := range got.Deployments {
			ids = append(ids, d.ID)
		}
		last := got.Deployments[len(got.Deployments)-1]
		if page.Before == "" { // as gateways asked once, and then as they do
			page.Before = last.ID
		} else {
			page.After = &contract.Place{AcceptedAt: last.AcceptedAt, ID: last.ID}
		}
		more = got.More
	}
	require.Equal(t, []string{"d6", "d5", "d4", "d3", "d2", "d1", "d0"}, ids)
}

func TestEveryStateCanBeAskedFor(t *testing.T) {
	a := serve(t)
	var buckets []deploy.Bucket
	for i, state := range deploy.OfTarget.States() {
		buckets = append(buckets, deploy.Bucket{Deployment: "d", Index: i, Seq: 1, Targets: []deploy.Target{{Host: string(state), State: state}}})
	}
	a.put(deploy.Header{ID: "d", Seq: 1, State: deploy.Accepted, AcceptedAt: time.Now(), Targets: len(buckets) * deploy.PieceSize}, buckets...)
	for _, state := range deploy.OfTarget.States() {
		hosts := a.ask(contract.QueryTargets, "d", contract.ListTargets{Limit: 10, State: string(state)}).(contract.Targets)
		require.Len(t, hosts.Targets, 1, state)
		require.Equal(t, string(state), hosts.Targets[0].Host)
	}
	for _, state := range deploy.OfDeployment.States() {
		if state != deploy.Accepted {
			a.put(deploy.Header{ID: string(state), Seq: 1, State: state, AcceptedAt: time.Now()})
		}
		found := a.ask(contract.QueryDeployments, "", contract.ListDeployments{Limit: 10, State: string(state)}).(contract.Deployments)
		require.Len(t, found.Deployments, 1, state)
		require.Equal(t, string(state), found.Deployments[0].State)
	}
}

// fleet is a deployment to n hosts of which every seventh has failed.
func (a *asker) fleet(n int, note string) {
	var buckets []deploy.Bucket
	for i := range n {
		if i%deploy.PieceSize == 0 {
			buckets = append(buckets, deploy.Bucket{Deployment: "d", Index: i / deploy.PieceSize, Seq: 1})
		}
		t := deploy.Target{Host: fmt.Sprint(i), State: deploy.Succeeded, Note: note}
		if i%7 == 0 {
			t.State = deploy.Failed
		}
		b := &buckets[len(buckets)-1]
		b.Targets = append(b.Targets, t)
	}
	a.put(deploy.Header{ID: "d", Seq: 1, State: deploy.Running, Targets: n}, buckets...)
}

// hosts asks page by page.
func (a *asker) hosts(q contract.ListTargets) (hosts []string, pages int) {
	for {
		got := a.ask(contract.QueryTargets, "d", q).(contract.Targets)
		pages++
		for _, row := range got.Targets {
			require.Equal(a.t, row.Host, fmt.Sprint(row.Target))
			hosts = append(hosts, row.Host)
		}
		if q.First = got.Next; got.Next == 0 {
			return hosts, pages
		}
	}
}

func TestTargetsGoThroughAllPages(t *testing.T) {
	a := serve(t)
	const n = 250
	a.fleet(n, "")
	var all, failed []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
		if i%7 == 0 {
			failed = append(failed, fmt.Sprint(i))
		}
	}
	for _, limit := range []int{7, 100, 125, 250, 500} {
		hosts, pages := a.hosts(contract.ListTargets{Limit: limit})
		require.Equal(t, all, hosts)
		require.Equal(t, (n+limit-1)/limit, pages)
	}
	hosts, _ := a.hosts(contract.ListTargets{Limit: 5, State: "failed"})
	require.Equal(t, failed, hosts)
	hosts, _ = a.hosts(contract.ListTargets{Limit: 500, First: 199})
	require.Equal(t, all[199:], hosts)
	hosts, _ = a.hosts(contract.ListTargets{Limit: 500, First: 10_000})
	require.Empty(t, hosts)
	hosts, _ = a.hosts(contract.ListTargets{Limit: 500, State: "skipped"})
	require.Empty(t, hosts)
}

func TestAnAnswerFitsIntoAMessage(t *testing.T) {
	a := serve(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	a.fleet(150, strings.Repeat("<", 1000)) // JSON makes six bytes of each
	hosts, pages := a.hosts(contract.ListTargets{Limit: 500})
	require.Len(t, hosts, 150)
	require.Greater(t, pages, 10)
}

func TestWhatCannotBeAnsweredIsRefused(t *testing.T) {
	a := serve(t)
	a.put(deploy.Header{ID: "late", Seq: 1}) // its beginning is not kept any more
	cases := map[string]struct {
		subject, deployment string
		question            contract.Body
		code, message       string
	}{
		"no such deployment":      {contract.QueryDeployment, "none", contract.GetDeployment{}, "not_found", "none"},
		"no beginning":            {contract.QueryDeployment, "late", contract.GetDeployment{}, "not_found", "late"},
		"no id":                   {contract.QueryDeployment, "", contract.GetDeployment{}, "invalid", `""`},
		"an id that is none":      {contract.QueryTargets, "a/0", contract.ListTargets{Limit: 1}, "invalid", `"a/0"`},
		"targets of none":         {contract.QueryTargets, "none", contract.ListTargets{Limit: 1}, "not_found", "none"},
		"another question":        {contract.QueryDeployment, "d", contract.ListTargets{Limit: 1}, "invalid", "not asked here"},
		"another question 2":      {contract.QueryDeployments, "d", contract.GetDeployment{}, "invalid", "not asked here"},
		"another question 3":      {contract.QueryTargets, "d", contract.GetDeployment{}, "invalid", "not asked here"},
		"no limit":                {contract.QueryDeployments, "", contract.ListDeployments{}, "invalid", "limit: must be 1 to 500, not 0"},
		"too high a limit":        {contract.QueryTargets, "d", contract.ListTargets{Limit: 501}, "invalid", "limit"},
		"a state of targets":      {contract.QueryDeployments, "", contract.ListDeployments{Limit: 1, State: "skipped"}, "invalid", "state"},
		"a state of deployments":  {contract.QueryTargets, "d", contract.ListTargets{Limit: 1, State: "accepted"}, "invalid", "state"},
		"before what is no id":    {contract.QueryDeployments, "", contract.ListDeployments{Limit: 1, Before: "$"}, "invalid", "before"},
		"targets below the first": {contract.QueryTargets, "d", contract.ListTargets{Limit: 1, First: -1}, "invalid", "first"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := a.ask(c.subject, c.deployment, c.question).(contract.Refused)
			require.True(t, ok)
			require.Equal(t, c.code, got.Code)
			require.Contains(t, got.Message, c.message)
		})
	}
	reply, err := a.nc.Request(contract.QueryDeployment, []byte("{"), deadline)
	require.NoError(t, err)
	answer, err := contract.Decode(reply.Data)
	require.NoError(t, err)
	require.Equal(t, contract.RefusedInvalid, answer.Body.(contract.Refused).Code)
}

func TestAStoreThatIsAwayIsUnavailableAndNotExplained(t *testing.T) {
	a := serve(t)
	a.store.Fail(func(string) error { return errors.New("dial tcp 10.0.0.7: refused") })
	for subject, question := range map[string]contract.Body{
		contract.QueryDeployment: contract.GetDeployment{}, contract.QueryDeployments: contract.ListDeployments{Limit: 1},
		contract.QueryTargets: contract.ListTargets{Limit: 1},
	} {
		got := a.ask(subject, "d", question).(contract.Refused)
		require.Equal(t, contract.RefusedUnavailable, got.Code)
		require.NotContains(t, got.Message, "10.0.0.7")
	}
}

// Neither do they hold up the end of the service.
func TestQuestionsThatWaitHoldUpNoOthers(t *testing.T) {
	a := serve(t)
	a.put(deploy.Header{ID: "d", Seq: 1, State: deploy.Running})
	future, err := contract.Encode(contract.Envelope{Deployment: "d"}, contract.GetDeployment{MinSeq: 1 << 40})
	require.NoError(t, err)
	waiting := a.nc.NewInbox()
	replies, err := a.nc.SubscribeSync(waiting)
	require.NoError(t, err)
	for range 20 {
		require.NoError(t, a.nc.PublishRequest(contract.QueryDeployment, waiting, future))
	}
	require.IsType(t, contract.Deployment{}, a.ask(contract.QueryDeployment, "d", contract.GetDeployment{}))
	a.stop()
	for range 20 {
		reply, err := replies.NextMsg(deadline)
		require.NoError(t, err)
		answer, err := contract.Decode(reply.Data)
		require.NoError(t, err)
		require.Equal(t, contract.RefusedUnavailable, answer.Body.(contract.Refused).Code)
	}
}

func TestTooManyQuestionsAtOnceAreRefused(t *testing.T) {
	a := serve(t)
	future, err := contract.Encode(contract.Envelope{Deployment: "d"}, contract.GetDeployment{MinSeq: 1 << 40})
	require.NoError(t, err)
	inbox := a.nc.NewInbox()
	replies, err := a.nc.SubscribeSync(inbox)
	require.NoError(t, err)
	for range 65 { // one more than can wait
		require.NoError(t, a.nc.PublishRequest(contract.QueryDeployment, inbox, future))
	}
	reply, err := replies.NextMsg(deadline)
	require.NoError(t, err)
	answer, err := contract.Decode(reply.Data)
	require.NoError(t, err)
	require.Equal(t, contract.RefusedUnavailable, answer.Body.(contract.Refused).Code)
	require.Contains(t, answer.Body.(contract.Refused).Message, "too many")
}
