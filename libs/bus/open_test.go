package bus_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestOpenAgainKeepsTheInstallationAndWhatIsStored(t *testing.T) {
	broker, first := start(t)
	require.Regexp(t, `^[0-9a-v]{20}$`, first.Installation())
	seq, err := first.Publish(t.Context(), contract.SystemEventSubject("d1"), "m1", []byte("one"))
	require.NoError(t, err)

	second := open(t, broker)
	require.Equal(t, first.Installation(), second.Installation())

	broker.Restart()
	longer := settings
	longer.Retention = 48 * time.Hour
	third, err := bus.Open(t.Context(), connect(t, broker), longer, zerolog.Nop())
	require.NoError(t, err)
	require.Equal(t, first.Installation(), third.Installation(), "also over a restart, and when the configuration changes")
	require.Equal(t, longer.Retention, third.Events().CachedInfo().Config.MaxAge)
	last, err := third.Last(t.Context(), contract.StreamEvents, contract.SystemEventSubject("d1"))
	require.NoError(t, err)
	require.Equal(t, bus.Stored{Seq: seq, ID: "m1", Subject: contract.SystemEventSubject("d1"), Data: []byte("one"), At: last.At}, last)
}

func TestOpenSaysWhatItChanges(t *testing.T) {
	broker, _ := start(t)
	longer := settings
	longer.Retention = 48 * time.Hour
	for _, changes := range []int{1, 0} {
		var log lines
		_, err := bus.Open(t.Context(), connect(t, broker), longer, zerolog.New(&log))
		require.NoError(t, err)
		require.Equal(t, changes, log.count("configuration was changed"))
		require.Equal(t, changes, log.count(`"level":"info","stream":"EV","replicas_before":1,"replicas":1,`+
			`"max_age_before":"1h0m0s","max_age":"48h0m0s"`))
	}
}

func TestOpenGivesAStreamTheSubjectsThatItLacks(t *testing.T) {
	broker, before := start(t)
	const newer = "slipway.v1.newer.*"
	s, err := before.JetStream().Stream(t.Context(), contract.StreamHooked)
	require.NoError(t, err)
	cfg := s.CachedInfo().Config
	cfg.Subjects = []string{contract.HookedAll, newer}
	_, err = before.JetStream().UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	first, err := before.Publish(t.Context(), contract.HookedSubject("w1"), "m1", []byte("one"))
	require.NoError(t, err)

	after := open(t, broker)
	_, err = after.Publish(t.Context(), contract.HookedDeadSubject("w1", "0"), "m2", []byte("two"))
	require.NoError(t, err)
	last, err := after.Last(t.Context(), contract.StreamHooked, contract.HookedSubject("w1"))
	require.NoError(t, err)
	require.Equal(t, first, last.Seq, "what is stored stays")
	s, err = after.JetStream().Stream(t.Context(), contract.StreamHooked)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{contract.HookedAll, newer, contract.HookedDeadAll}, s.CachedInfo().Config.Subjects)
}

func TestOpenAsIsMakesWhatIsMissingAndChangesNothing(t *testing.T) {
	broker, first := start(t)
	require.NoError(t, first.JetStream().DeleteStream(t.Context(), contract.StreamCommands))
	require.NoError(t, first.JetStream().DeleteObjectStore(t.Context(), contract.ObjectsPackages))
	other := settings
	other.Retention, other.Replicas = 48*time.Hour, 3 // which this broker, being one, refuses to make
	_, err := bus.OpenAsIs(t.Context(), connect(t, broker), other, zerolog.Nop())
	require.Error(t, err)

	other.Replicas = 1
	var log lines
	second, err := bus.OpenAsIs(t.Context(), connect(t, broker), other, zerolog.New(&log))
	require.NoError(t, err)
	require.Equal(t, first.Installation(), second.Installation())
	require.Equal(t, settings.Retention, second.Events().CachedInfo().Config.MaxAge)
	require.Zero(t, log.count("configuration was changed"))
	_, err = second.JetStream().Stream(t.Context(), contract.StreamCommands)
	require.NoError(t, err)
	_, err = second.JetStream().ObjectStore(t.Context(), contract.ObjectsPackages)
	require.NoError(t, err)

	other.Replicas = 3
	_, err = bus.OpenAsIs(t.Context(), connect(t, broker), other, zerolog.Nop())
	require.NoError(t, err, "nothing is missing any more")
}

func TestAnotherBrokerIsAnotherInstallation(t *testing.T) {
	_, one := start(t)
	_, two := start(t)
	require.NotEqual(t, one.Installation(), two.Installation())
}

func TestServicesThatOpenAtOnceAgreeOnTheInstallation(t *testing.T) {
	broker := bustest.Start(t)
	var (
		opened        [4]*bus.Bus
		errs          [4]error
		ready, opener sync.WaitGroup
	)
	ready.Add(len(opened))
	for i := range opened {
		nc := connect(t, broker)
		opener.Go(func() {
			ready.Done()
			ready.Wait()
			opened[i], errs[i] = bus.Open(t.Context(), nc, settings, zerolog.Nop())
		})
	}
	opener.Wait()
	for i, b := range opened {
		require.NoError(t, errs[i])
		require.NotEmpty(t, b.Installation())
		require.Equal(t, opened[0].Installation(), b.Installation())
	}
}

// signal is a log that says when a line holds a text.
type signal struct {
	text string
	seen chan struct{}
	once sync.Once
}

func newSignal(text string) *signal { return &signal{text: text, seen: make(chan struct{})} }

func (s *signal) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.text) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(line), nil
}

var _ io.Writer = (*signal)(nil)

func TestOpenWaitsForTheBroker(t *testing.T) {
	broker := bustest.Start(t)
	broker.Stop()
	nc := connect(t, broker)
	waiting := newSignal("waiting for NATS")
	opened := make(chan error, 1)
	go func() {
		_, err := bus.Open(t.Context(), nc, settings, zerolog.New(waiting))
		opened <- err
	}()
	receive(t, waiting.seen, "Open says that it waits")
	broker.Restart()
	require.NoError(t, receive(t, opened, "Open goes on"))
}

func TestOpenStopsWaitingWithItsContext(t *testing.T) {
	broker := bustest.Start(t)
	broker.Stop()
	nc := connect(t, broker)
	waiting := newSignal("waiting for NATS")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		_, err := bus.Open(ctx, nc, settings, zerolog.New(waiting))
		opened <- err
	}()
	receive(t, waiting.seen, "Open says that it waits")
	cancel()
	require.ErrorIs(t, receive(t, opened, "Open gives up"), context.Canceled)
}

func TestStreamsAreMadeAsTheDesignSays(t *testing.T) {
	_, b := start(t)
	config := func(name string) jetstream.StreamConfig {
		s, err := b.JetStream().Stream(t.Context(), name)
		require.NoError(t, err)
		return s.CachedInfo().Config
	}
	commands := config(contract.StreamCommands)
	require.Equal(t, []string{contract.CommandsAll}, commands.Subjects)
	require.Equal(t, 7*24*time.Hour, commands.MaxAge)
	require.Equal(t, 24*time.Hour, commands.Duplicates)

	jobs := config(contract.StreamJobs)
	require.Equal(t, []string{contract.JobsAll}, jobs.Subjects)
	require.Equal(t, jetstream.WorkQueuePolicy, jobs.Retention)
	require.EqualValues(t, 1, jobs.MaxMsgsPerSubject)
	require.Equal(t, jetstream.DiscardNew, jobs.Discard)
	require.True(t, jobs.DiscardNewPerSubject)

	events := config(contract.StreamEvents)
	require.Equal(t, []string{contract.EventsAll}, events.Subjects)
	require.Equal(t, settings.Retention, events.MaxAge)
	require.True(t, events.AllowDirect)
	require.Greater(t, events.MaxConsumers, 1000)

	for _, name := range []string{
		contract.BucketDeploy, contract.BucketLocks, contract.BucketSnapshots, contract.BucketServers,
		contract.BucketPackages, contract.BucketTokens, contract.BucketIdempotency,
	} {
		bucket := config("KV_" + name)
		require.EqualValues(t, 1, bucket.MaxMsgsPerSubject, name)
		require.False(t, bucket.AllowDirect, "%s: what is compared and set is read from the leader", name)
		require.Equal(t, name == contract.BucketIdempotency, bucket.MaxAge > 0, "%s: time to live", name)
		_, err := b.JetStream().KeyValue(t.Context(), name)
		require.NoError(t, err)
	}
	for name := range b.JetStream().ListStreams(t.Context()).Info() {
		require.Equal(t, jetstream.FileStorage, name.Config.Storage, name.Config.Name)
	}
	_, err := b.JetStream().ObjectStore(t.Context(), contract.ObjectsPackages)
	require.NoError(t, err)
}

func TestConfigNamesEveryMistake(t *testing.T) {
	require.Empty(t, settings.Validate())
	wrong := bus.Config{URL: "", Replicas: 2, Retention: time.Minute}
	require.Len(t, wrong.Validate(), 3)
	for _, replicas := range []int{1, 3, 5} {
		require.Empty(t, bus.Config{URL: nats.DefaultURL, Replicas: replicas, Retention: time.Hour}.Validate())
	}
}

func TestConfigTakesAddressesButNoPasswordsInThem(t *testing.T) {
	with := func(url string) []error {
		cfg := settings
		cfg.URL = url
		return cfg.Validate()
	}
	for _, url := range []string{"nats://a:4222", "tls://a.example.net", "nats://a:4222, nats://[::1]:4222", "localhost"} {
		require.Empty(t, with(url), url)
	}
	for _, url := range []string{"nats://me:hush@a:4222", "nats://a,nats://hush@b", "nats://hush:%zz@a"} {
		errs := with(url)
		require.Len(t, errs, 1, url)
		require.NotContains(t, errs[0].Error(), "hush")
	}
}

func TestConnectionIsNamedAfterTheService(t *testing.T) {
	broker := bustest.Start(t)
	nc := connect(t, broker)
	require.Equal(t, t.Name(), nc.Opts.Name)
	require.Equal(t, -1, nc.Opts.MaxReconnect, "it tries for ever")
}
