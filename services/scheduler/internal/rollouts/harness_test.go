package rollouts

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/telemetry"
)

const patience = 60 * time.Second

// system is a broker with schedulers on it, and the other services' parts
// played by the test: it publishes commands and carries out jobs.
type system struct {
	t   *testing.T
	srv *bustest.Server
	bus *bus.Bus

	// Of the replicas that are to be started.
	limits deploy.Limits
	meter  analysis.Settings
	seen   *telemetry.Telemetry
}

func newSystem(t *testing.T) *system {
	t.Helper()
	srv := bustest.Start(t)
	return &system{t: t, srv: srv, bus: srv.OpenBus(t)}
}

// replica runs a scheduler on a connection of its own. The function that it
// returns ends it in the middle of whatever it does, as a crash would: no
// request that is under way is finished.
func (s *system) replica() (crash func()) {
	s.t.Helper()
	b := s.srv.OpenBus(s.t)
	ctx, cancel := context.WithCancel(context.Background())
	sched, err := New(ctx, b, zerolog.Nop(), Settings{Sweep: time.Second, Limits: s.limits, Meter: analysis.New(s.meter), Seen: s.seen})
	require.NoError(s.t, err)
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = sched.Run(ctx, func() { close(ready) })
	}()
	<-ready
	var once sync.Once
	crash = func() {
		once.Do(func() {
			b.Conn().Close()
			cancel()
			<-done
		})
	}
	s.t.Cleanup(crash)
	return crash
}

// work is what every deployment here has done on its hosts.
var work = &contract.Work{Restart: &contract.Restart{Command: "restart"}}

// servers returns so many hosts. The same prefix gives the same hosts.
func servers(prefix string, n int) []contract.Target {
	targets := make([]contract.Target, n)
	for i := range targets {
		targets[i] = contract.Target{Host: fmt.Sprintf("%s%d", prefix, i), Name: fmt.Sprintf("host %d", i), Address: "127.0.0.1"}
	}
	return targets
}

// deploy publishes a deployment's snapshot and command, as the gateway does.
func (s *system) deploy(targets []contract.Target, waveSize int) string {
	s.t.Helper()
	return s.deployAs(targets, waves(waveSize))
}

// waves is the policy of waves of this size, which a failed host ends; 0: all at
// once.
func waves(size int) contract.Policy {
	if size == 0 {
		return contract.Policy{}
	}
	return contract.Policy{
		Strategy: contract.Strategy{Type: "rolling", Batch: strconv.Itoa(size)}, Failures: contract.Failures{Total: "0"},
	}
}

func (s *system) deployAs(targets []contract.Target, policy contract.Policy) string {
	s.t.Helper()
	return s.publish("", targets, policy)
}

func (s *system) deployIn(project string, targets []contract.Target) string {
	s.t.Helper()
	return s.publish(project, targets, contract.Policy{})
}

func (s *system) publish(project string, targets []contract.Target, policy contract.Policy) string {
	s.t.Helper()
	id := xid.New().String()
	s.command(contract.Envelope{ID: id, Deployment: id, Project: project}, s.snapshot(targets), policy)
	return id
}

func (s *system) snapshot(targets []contract.Target) contract.Snapshot {
	s.t.Helper()
	snapshot := contract.Snapshot{ID: xid.New().String(), Targets: len(targets), Zones: zonesOf(targets)}
	cells, err := bus.OpenCells[contract.SnapshotPiece](s.t.Context(), s.bus, contract.BucketSnapshots)
	require.NoError(s.t, err)
	for at := 0; at < len(targets); at += deploy.PieceSize {
		piece := contract.PieceOf(targets[at:min(at+deploy.PieceSize, len(targets))])
		_, err := cells.Put(s.t.Context(), snapshotKey(snapshot, snapshot.Pieces), piece)
		require.NoError(s.t, err)
		snapshot.Pieces++
	}
	return snapshot
}

// madeBy is what deployments of tests say that they were made by.
var madeBy = contract.Origin{Stage: "production", Template: "nightly", Group: "web"}

func (s *system) command(e contract.Envelope, snapshot contract.Snapshot, policy contract.Policy) {
	s.t.Helper()
	s.commandOf(work, e, snapshot, policy)
}

func (s *system) commandOf(work *contract.Work, e contract.Envelope, snapshot contract.Snapshot, policy contract.Policy) {
	s.t.Helper()
	id := e.Deployment
	data, err := contract.Encode(e, contract.DeployCommand{
		Rollout: contract.Rollout{
			Work: work, Application: contract.Application{Name: "shop", Path: "apps/shop", Keep: 3},
			Snapshot: snapshot, Policy: policy, Actor: "test", Origin: madeBy,
		},
		Package: contract.Package{ID: "p", Version: "1.0"},
	})
	require.NoError(s.t, err)
	_, err = s.bus.Append(s.t.Context(), contract.StreamCommands, contract.CommandSubject(contract.VerbDeploy, id), 0, id, data)
	require.NoError(s.t, err)
}

// executors carries out jobs of all zones as an executor does (look, start, end,
// ack), with the outcome that decide returns. It notes when two jobs run on a host
// at once.
func (s *system) executors(decide func(contract.Message) deploy.State) {
	s.t.Helper()
	s.executorsOf(contract.JobsAll, decide)
}

func (s *system) executorsOf(jobs string, decide func(contract.Message) deploy.State) {
	s.t.Helper()
	b := s.srv.OpenBus(s.t)
	// Nobody holds these jobs: a slow machine has longer, since a job that comes again is carried out again.
	consumer, err := b.Consumer(s.t.Context(), contract.StreamJobs, bus.ConsumerConfig("executor", jobs, 3*ackWait))
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var (
		busy    sync.Map
		working sync.WaitGroup
	)
	working.Go(func() {
		b.Work(ctx, consumer, 32, func(d *bus.Delivery) {
			m, err := contract.Decode(d.Data())
			if err != nil {
				s.t.Errorf("job: %v", err)
				return
			}
			if other, loaded := busy.LoadOrStore(m.Host, m.Deployment); loaded {
				s.t.Errorf("host %s has a job of %s while one of %s runs", m.Host, m.Deployment, other)
			}
			s.carryOut(b, m, decide)
			busy.Delete(m.Host)
			_ = d.Done(context.Background())
		})
	})
	s.t.Cleanup(func() {
		cancel()
		working.Wait()
	})
}

func (s *system) carryOut(b *bus.Bus, m contract.Message, decide func(contract.Message) deploy.State) {
	subject := contract.JobEventSubject(m.Deployment, m.Host)
	last, err := b.Last(context.Background(), contract.StreamEvents, subject)
	if err == nil {
		if have, err := contract.Decode(last.Data); err == nil && have.Type == contract.TypeJobEnded {
			return
		}
	}
	state := decide(m)
	for _, body := range []contract.Body{
		contract.JobStartedEvent{Executor: "test"},
		contract.JobEndedEvent{State: string(state), Changed: state == deploy.Succeeded},
	} {
		e := contract.Envelope{ID: xid.New().String(), Deployment: m.Deployment, Host: m.Host, Target: m.Target, Wave: m.Wave, Attempt: 1}
		data, err := contract.Encode(e, body)
		if err == nil {
			last.Seq, err = b.Append(context.Background(), contract.StreamEvents, subject, last.Seq, e.ID, data)
		}
		if err != nil {
			s.t.Errorf("event of job: %v", err)
			return
		}
	}
}

func succeed(contract.Message) deploy.State { return deploy.Succeeded }

// story is every event of a deployment, in order.
func (s *system) story(id string) []contract.Message {
	s.t.Helper()
	cons, err := s.bus.Events().OrderedConsumer(s.t.Context(), jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{contract.DeploymentEvents(id)},
	})
	require.NoError(s.t, err)
	info, err := s.bus.Events().Info(s.t.Context(), jetstream.WithSubjectFilter(contract.DeploymentEvents(id)))
	require.NoError(s.t, err)
	var total uint64
	for _, n := range info.State.Subjects {
		total += n
	}
	var story []contract.Message
	batch, err := cons.Fetch(int(total), jetstream.FetchMaxWait(patience))
	require.NoError(s.t, err)
	for msg := range batch.Messages() {
		m, err := contract.Decode(msg.Data())
		require.NoError(s.t, err)
		story = append(story, m)
	}
	require.NoError(s.t, batch.Error())
	require.Len(s.t, story, int(total))
	return story
}

// last is the last event of a subject, and where EV has it.
func (s *system) last(subject string) (uint64, contract.Message, error) {
	stored, err := s.bus.Last(context.Background(), contract.StreamEvents, subject)
	if err != nil {
		return 0, contract.Message{}, err
	}
	m, err := contract.Decode(stored.Data)
	return stored.Seq, m, err
}

// awaitJob waits until a job for the host is stored.
func (s *system) awaitJob(host string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		_, err := s.bus.Last(context.Background(), contract.StreamJobs, contract.AnyJobSubject(host))
		return err == nil
	}, patience, 5*time.Millisecond, "no job for %s is stored", host)
}

// awaitFreePlaces waits until no deployment has a place among those under way, or waits for one.
func (s *system) awaitFreePlaces() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		slots := s.locks().Slots
		return len(slots.Holders)+len(slots.Waiting) == 0
	}, patience, 20*time.Millisecond)
}

// awaitFreeHosts waits until nobody has a host, or waits for one: who ends a deployment may not be who gives its last host
// back.
func (s *system) awaitFreeHosts() {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return len(s.locks().Hosts) == 0 }, patience, 20*time.Millisecond)
}

// conclusion waits for the end of a deployment and returns it.
func (s *system) conclusion(id string) contract.ConcludedEvent {
	s.t.Helper()
	var end contract.ConcludedEvent
	defer func() {
		if s.t.Failed() {
			r := s.record(id).Rollout
			s.t.Logf("%s stands so: %+v", id, r)
			if r.Revert != nil {
				records, _ := bus.OpenCells[record](context.Background(), s.bus, contract.BucketDeploy)
				rec, _, err := records.Get(context.Background(), r.Revert.ID)
				s.t.Logf("%s stands so: %v %+v", r.Revert.ID, err, rec.Rollout)
				s.t.Logf("%+v", s.locks())
			}
		}
	}()
	require.Eventually(s.t, func() bool {
		_, m, err := s.last(contract.SystemEventSubject(id))
		ended, ok := m.Body.(contract.ConcludedEvent)
		end = ended
		return err == nil && ok
	}, patience, 10*time.Millisecond, "deployment %s does not end", id)
	return end
}

// requireWhole checks what must hold of every ended deployment: each event about
// the whole once, each target ended once, nothing left in the buckets.
func (s *system) requireWhole(id string, targets []contract.Target) map[string]deploy.State {
	s.t.Helper()
	ended, said := map[string]deploy.State{}, map[string]int{}
	for _, m := range s.story(id) {
		switch b := m.Body.(type) {
		case contract.JobEndedEvent:
			require.NotContains(s.t, ended, m.Host, "a second terminal event")
			ended[m.Host] = deploy.State(b.State)
		case contract.AcceptedEvent, contract.ConcludedEvent:
			said[string(m.Type)]++
		case contract.PlannedEvent:
			said[fmt.Sprint(m.Type, b.First)]++
		case contract.WaveEvent:
			said[fmt.Sprint(m.Type, m.Wave)]++
		}
	}
	require.Len(s.t, ended, len(targets), "every target ends")
	for what, times := range said {
		require.Equal(s.t, 1, times, what)
	}
	require.Eventually(s.t, func() bool { return s.leftovers(id, targets) == "" }, patience, 20*time.Millisecond)
	return ended
}

// leftovers says what the deployment left behind.
func (s *system) leftovers(id string, targets []contract.Target) string {
	s.t.Helper()
	queues, err := bus.OpenCells[deploy.Queue](s.t.Context(), s.bus, contract.BucketLocks)
	require.NoError(s.t, err)
	for _, t := range targets {
		q, _, err := queues.Get(s.t.Context(), t.Host)
		if err == nil && q.Owner != nil && q.Owner.Deployment == id {
			return "it still owns " + t.Host
		}
	}
	if phase := s.record(id).Rollout.Phase; phase != deploy.Finished {
		return "its record is " + string(phase)
	}
	return ""
}
