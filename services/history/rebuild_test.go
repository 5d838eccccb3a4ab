package history_test

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/services/history"
)

// rebuilt runs a rebuild and returns what it says.
func (w *world) rebuilt(swap bool) (string, error) {
	w.t.Helper()
	cfg := w.config(w.store)
	var out bytes.Buffer
	r, err := history.NewRebuild(history.RebuildConfig{NATS: cfg.NATS, Store: cfg.Store, Compare: !swap, Swap: swap},
		zerolog.Nop(), &out, nats.InProcessServer(w.broker))
	require.NoError(w.t, err)
	err = r.Run(w.t.Context(), func() {})
	return out.String(), err
}

func TestARebuildFindsWhatDiffersAndPutsItRight(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(6, 20)
	_, stop := w.start(w.config(w.store))
	half := len(messages) / 2
	w.publish(messages[:half])
	w.await(w.last)
	out, err := w.rebuilt(false)
	require.NoError(t, err, out)
	require.Regexp(t, ` documents alike, 0 differ, 0 replaced, 0 moving on`, out)

	spoilt := map[string]bson.M{
		"deployments": {"actor": "mallory"}, "targets": {"targets.0.name": "another"}, "hosts": {"hosts.0": "another"}, "statistics": {"deploys.succeeded": 99},
	}
	for name, change := range spoilt {
		var id struct {
			ID string `bson:"_id"`
		}
		c := w.docs.Collection(name)
		require.NoError(t, c.FindOne(t.Context(), bson.M{}).Decode(&id), name)
		_, err := c.UpdateOne(t.Context(), bson.M{"_id": id.ID}, bson.M{"$set": change})
		require.NoError(t, err)
	}
	out, err = w.rebuilt(false)
	require.ErrorContains(t, err, "4 of them")
	for _, line := range []string{"deployments d0.*: actor\n", "targets d0.*: targets.*name\n", "hosts d0.*: hosts", "statistics .*: deploys.succeeded\n"} {
		require.Regexp(t, line, out)
	}
	out, err = w.rebuilt(true)
	require.NoError(t, err, out)
	require.Contains(t, out, "4 differ, 4 replaced")

	w.publish(messages[half:]) // replicas fold on, from what is right now
	w.await(w.last)
	out, err = w.rebuilt(false)
	require.NoError(t, err, out)
	names, err := w.docs.ListCollectionNames(t.Context(), bson.M{})
	require.NoError(t, err)
	for _, name := range names {
		require.NotContains(t, name, "rebuild_", "nothing stays behind")
	}
	stop()
	w.requireReplayed()
}

func TestARebuildIsAskedForOneThing(t *testing.T) {
	var cfg history.RebuildConfig
	w := newWorld(t)
	full := w.config(w.store)
	cfg.NATS, cfg.Store = full.NATS, full.Store
	_, err := history.NewRebuild(cfg, zerolog.Nop(), &bytes.Buffer{})
	require.ErrorContains(t, err, "either this or swap")
	cfg.Swap, cfg.Store.SingleWriter = true, true
	_, err = history.NewRebuild(cfg, zerolog.Nop(), &bytes.Buffer{})
	require.ErrorContains(t, err, "single_writer")
}
