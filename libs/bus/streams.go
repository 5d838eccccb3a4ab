package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	commandAge     = 7 * 24 * time.Hour
	commandDedupe  = 24 * time.Hour
	idempotencyAge = 24 * time.Hour
	hookedKept     = 1000 // deliveries of one webhook, and dead ones in each part of it
	hookedAge      = 30 * 24 * time.Hour
	replicasAge    = 30 * 24 * time.Hour
	maxConsumers   = 10_000 // the server's own default of 1,000 would count ordered ones too
	maxMessage     = 1 << 20
)

// treatment is what becomes of a stream that exists and is to be like want.
type treatment func(b *Bus, ctx context.Context, s jetstream.Stream, want jetstream.StreamConfig) (jetstream.Stream, error)

// ensure creates the streams and buckets that are missing, and treats the others.
func (b *Bus) ensure(ctx context.Context, cfg Config, existing treatment) error {
	for _, c := range streams(cfg) {
		s, err := b.ensureStream(ctx, c, existing)
		if err != nil {
			return fmt.Errorf("stream %s: %w", c.Name, err)
		}
		b.streams[c.Name] = s
	}
	if err := b.ensureObjects(ctx, cfg, existing); err != nil {
		return fmt.Errorf("object store %s: %w", contract.ObjectsPackages, err)
	}
	return nil
}

func (b *Bus) ensureObjects(ctx context.Context, cfg Config, existing treatment) error {
	const name = "OBJ_" + contract.ObjectsPackages
	s, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: contract.ObjectsPackages, Storage: jetstream.FileStorage, Replicas: cfg.Replicas,
		})
		if err == nil || errors.Is(err, jetstream.ErrBucketExists) { // another service was first
			s, err = b.js.Stream(ctx, name)
		}
	}
	if err != nil {
		return err
	}
	want := s.CachedInfo().Config
	want.Replicas = cfg.Replicas
	_, err = existing(b, ctx, s, want)
	return err
}

func streams(cfg Config) []jetstream.StreamConfig {
	all := []jetstream.StreamConfig{
		{
			Name: contract.StreamCommands, Subjects: []string{contract.CommandsAll},
			MaxAge: commandAge, Duplicates: commandDedupe, AllowDirect: true, MaxMsgSize: maxMessage,
		},
		{
			Name: contract.StreamJobs, Subjects: []string{contract.JobsAll},
			Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: 1,
			Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgSize: maxMessage,
		},
		{
			Name: contract.StreamEvents, Subjects: []string{contract.EventsAll},
			MaxAge: cfg.Retention, AllowDirect: true, MaxConsumers: maxConsumers, MaxMsgSize: maxMessage,
			// Whoever creates the stream names the installation; an update keeps it.
			Metadata: map[string]string{contract.MetadataInstallation: xid.New().String()},
		},
		{
			// Of each timer the last setting counts, and the last time that it went off.
			Name: contract.StreamTimers, Subjects: []string{contract.TimersAll}, MaxMsgsPerSubject: 1,
			AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true, MaxMsgSize: maxMessage,
		},
		{
			// Of each webhook the last deliveries, and not for ever.
			Name: contract.StreamHooked, Subjects: []string{contract.HookedAll, contract.HookedDeadAll}, MaxMsgsPerSubject: hookedKept,
			MaxAge: hookedAge, AllowDirect: true, MaxMsgSize: maxMessage,
		},
		{
			// For ever, and nothing is taken out. Direct reads could come from a replica that lags behind the chain.
			Name: contract.StreamAudit, Subjects: []string{contract.AuditLog},
			DenyDelete: true, DenyPurge: true, MaxMsgSize: maxMessage,
		},
		{
			// For people to look at, and for gateways to know again who was there.
			Name: contract.StreamReplicas, Subjects: []string{contract.ReplicasAll},
			MaxAge: replicasAge, MaxMsgs: contract.ReplicasKept, AllowDirect: true, MaxMsgSize: maxMessage,
		},
		bucket(contract.BucketDeploy, 0),
		bucket(contract.BucketLocks, 0),
		bucket(contract.BucketSnapshots, 0),
		bucket(contract.BucketServers, 0),
		bucket(contract.BucketPackages, 0),
		bucket(contract.BucketTokens, 0),
		bucket(contract.BucketIdempotency, idempotencyAge),
		bucket(contract.BucketWebhooks, 0),
		bucket(contract.BucketProjects, 0),
		bucket(contract.BucketNumbers, 0),
		passing(bucket(contract.BucketHooks, 0)),
	}
	for i := range all {
		all[i].Storage = jetstream.FileStorage
		all[i].Replicas = cfg.Replicas
	}
	return all
}

// bucket is the stream behind a key-value bucket. It is like the one that
// nats.go would make, but for direct reads: those may come from a replica that
// lags behind one's own write, and what is read here is compared and set.
func bucket(name string, age time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"},
		MaxMsgsPerSubject: 1, MaxAge: age, Discard: jetstream.DiscardNew,
		AllowRollup: true, DenyDelete: true, AllowDirect: false, MaxMsgSize: maxMessage,
		AllowMsgTTL: true, // marks of deletions end by themselves
	}
}

// passing is a bucket whose values come and go in numbers: they are removed by their sequence, which leaves no mark.
func passing(c jetstream.StreamConfig) jetstream.StreamConfig {
	c.DenyDelete = false
	return c
}

func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig, existing treatment) (jetstream.Stream, error) {
	s, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = b.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another service was first
			s, err = b.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	return existing(b, ctx, s, want)
}

// adapt gives the stream the replicas and the age that are wanted, and the subjects that it lacks. It keeps others: they may
// be those of a service that is newer.
func (b *Bus) adapt(ctx context.Context, s jetstream.Stream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	have := s.CachedInfo().Config
	lacks := slices.DeleteFunc(slices.Clone(want.Subjects), func(subject string) bool { return slices.Contains(have.Subjects, subject) })
	if have.Replicas == want.Replicas && have.MaxAge == want.MaxAge && len(lacks) == 0 {
		return s, nil
	}
	update := have
	update.Subjects = slices.Concat(have.Subjects, lacks)
	update.Replicas, update.MaxAge, update.Metadata = want.Replicas, want.MaxAge, maps.Clone(have.Metadata)
	s, err := b.js.UpdateStream(ctx, update)
	if err != nil {
		return nil, err
	}
	b.log.Info().Str("stream", want.Name).
		Int("replicas_before", have.Replicas).Int("replicas", want.Replicas).
		Stringer("max_age_before", have.MaxAge).Stringer("max_age", want.MaxAge).Strs("subjects_added", lacks).
		Msg("a stream's configuration was changed")
	return s, nil
}

// keep leaves the stream as it is.
func (b *Bus) keep(_ context.Context, s jetstream.Stream, _ jetstream.StreamConfig) (jetstream.Stream, error) {
	return s, nil
}
