package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/standalone/chaos"
)

// settle waits until every deployment has ended and nothing is held for any. If that does not come, the verdict says what
// is left.
func (r *chaosRun) settle() {
	r.t.Helper()
	begin := time.Now()
	js := openStreams(r.t, r.natsURL)
	left := max(chaosRest/2, chaosRest-time.Since(r.began.Add(*chaosDuration)))
	poll(left, func() bool {
		for _, d := range all[deployment](r.t, r.client, "/v1/deployments", nil) {
			if !d.ended() {
				return false
			}
		}
		held, jobs := r.held(js)
		return len(held) == 0 && jobs == 0
	})
	r.timeline.add("at rest")
	r.t.Logf("all was at rest %v after the last request was answered", time.Since(begin).Round(time.Second))
}

// held returns the servers whose queues are not empty, and how many jobs are stored.
func (r *chaosRun) held(js jetstream.JetStream) (servers []string, jobs int) {
	r.t.Helper()
	ctx := r.t.Context()
	locks, err := js.KeyValue(ctx, contract.BucketLocks)
	require.NoError(r.t, err)
	keys, err := locks.Keys(ctx)
	if !errors.Is(err, jetstream.ErrNoKeysFound) {
		require.NoError(r.t, err)
	}
	for _, key := range keys {
		entry, err := locks.Get(ctx, key)
		require.NoError(r.t, err)
		var held struct {
			Owner   any   // of a host
			Waiting []any // for it
			Holders []any // of places among the deployments under way
			Since   any   // when somebody began to wait for a place
		}
		require.NoError(r.t, json.Unmarshal(entry.Value(), &held), "%s", entry.Value())
		if held.Owner != nil || len(held.Waiting)+len(held.Holders) > 0 || held.Since != nil {
			servers = append(servers, key)
		}
	}
	stream, err := js.Stream(ctx, contract.StreamJobs)
	require.NoError(r.t, err)
	return servers, int(stream.CachedInfo().State.Msgs)
}

// evidence brings together what all witnesses know, and writes EV down for whoever looks into it.
func (r *chaosRun) evidence(watchers []watcher) chaos.Evidence {
	r.t.Helper()
	js := openStreams(r.t, r.natsURL)
	e := chaos.Evidence{Documents: map[string]chaos.Document{}}
	var dump strings.Builder
	for _, raw := range readStream(r.t, js, contract.StreamEvents) {
		fmt.Fprintf(&dump, "%d %s %s\n", raw.seq, raw.subject, raw.data)
		event, err := chaos.ReadEvent(raw.seq, raw.data)
		require.NoError(r.t, err)
		e.Events = append(e.Events, event)
	}
	require.NoError(r.t, os.WriteFile(filepath.Join(r.dir, "ev.log"), []byte(dump.String()), 0o600))
	for _, request := range r.requests {
		e.Requests = append(e.Requests, *request)
	}
	e.Held, e.Jobs = r.held(js)

	db := openStore(r.t, r.storeAt).Database(r.database)
	awaitFolded(r.t, db, lastSeq(r.t, js))
	cursor, err := db.Collection("deployments").Find(r.t.Context(), bson.D{})
	require.NoError(r.t, err)
	for cursor.Next(r.t.Context()) {
		var document chaos.Document
		require.NoError(r.t, cursor.Decode(&document))
		e.Documents[cursor.Current.Lookup("_id").StringValue()] = document
	}
	require.NoError(r.t, cursor.Err())

	for i, w := range watchers {
		h := chaos.Host{Name: w.host.Name, ID: r.ids[i], Frail: i < chaosFrail, Ran: w.ran, Current: runs(r.t, w.host, appPath)}
		h.Journal, err = chaos.ReadJournal(w.host.Home)
		require.NoError(r.t, err)
		if w.breach != nil {
			h.Breaches = append(h.Breaches, w.breach.Error())
		}
		if err := checkRelease(filepath.Join(w.host.Home, appPath, "current")); err != nil {
			h.Breaches = append(h.Breaches, err.Error())
		}
		e.Hosts = append(e.Hosts, h)
	}
	return e
}

// pronounce says what came of the run, and fails the test for each breach.
func (r *chaosRun) pronounce(e chaos.Evidence) {
	r.t.Helper()
	breaches := slices.Concat(r.odd, chaos.Judge(e))
	for _, difference := range replayDiffers(r.t, r.fleet) {
		breaches = append(breaches, chaos.Breach{What: "a replay of EV gives another document: " + difference})
	}
	for _, breach := range breaches {
		r.timeline.add("verdict: %s", breach)
		r.t.Error(breach)
	}
	r.t.Log(chaos.Summary(r.script, e))
	r.t.Logf("verdict: %d breaches", len(breaches))
}

// keepJournals copies what hosts have written to where it stays if the test fails.
func (r *chaosRun) keepJournals() {
	if !r.t.Failed() {
		return
	}
	for _, h := range r.hosts {
		for _, file := range []string{h.Home + ".journal", filepath.Join(filepath.Dir(h.Home), "log")} {
			if text, err := os.ReadFile(file); err == nil {
				_ = os.WriteFile(filepath.Join(r.dir, h.Name+"."+strings.TrimPrefix(filepath.Base(file), "home.")), text, 0o600)
			}
		}
	}
}
