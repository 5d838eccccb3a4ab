package history_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/s3test"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history"
)

// archiving is a configuration by which what can go goes, to this archive.
func (w *world) archiving(to history.ArchiveConfig) history.Config {
	cfg := w.config(w.store)
	cfg.Archive = to
	cfg.Retention.MaxAge, cfg.Retention.Every = 24*time.Hour, time.Second
	return cfg
}

// awaitGone waits until nothing more goes, and returns what has gone.
func (w *world) awaitGone(cfg history.Config) []string {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		if !strings.HasPrefix(w.archived(cfg, true), "0 deployments would go") {
			return false
		}
		// What is being removed to the end would not go any more.
		removing, err := w.docs.Collection("archived").CountDocuments(w.t.Context(), bson.D{{Key: "removing", Value: true}})
		require.NoError(w.t, err)
		return removing == 0
	}, deadline, often)
	var gone []string
	for _, id := range w.ids {
		if !w.knows(id) {
			gone = append(gone, id)
		}
	}
	return gone
}

// archived archives by hand and returns what is said.
func (w *world) archived(cfg history.Config, dryRun bool) string {
	w.t.Helper()
	var out bytes.Buffer
	now, err := history.NewArchiveNow(history.ArchiveNowConfig{
		NATS: cfg.NATS, Store: cfg.Store, Retention: cfg.Retention, Archive: cfg.Archive, DryRun: dryRun,
	}, zerolog.Nop(), &out, nats.InProcessServer(w.broker))
	require.NoError(w.t, err)
	require.NoError(w.t, now.Run(w.t.Context(), func() {}))
	return out.String()
}

// restored brings deployments back and returns what is said.
func (w *world) restored(cfg history.Config, deployment, from string) (string, error) {
	w.t.Helper()
	var out bytes.Buffer
	r, err := history.NewRestore(history.RestoreConfig{
		Store: cfg.Store, Archive: cfg.Archive, Deployment: deployment, From: from,
	}, zerolog.Nop(), &out)
	require.NoError(w.t, err)
	err = r.Run(w.t.Context(), func() {})
	return out.String(), err
}

// knows says whether history answers with a deployment, and not that it is archived.
func (w *world) knows(id string) bool {
	w.t.Helper()
	answer, ok := w.ask(contract.QueryDeployment, id, contract.GetDeployment{})
	require.True(w.t, ok)
	no, refused := answer.(contract.Refused)
	if refused {
		require.Equal(w.t, contract.RefusedArchived, no.Code, no.Message)
	}
	return !refused
}

func TestWhatGoesToTheArchiveComesBackAsItWas(t *testing.T) {
	w := newWorld(t)
	w.publish(w.stream(16, 20))
	_, stop := w.start(w.config(w.store))
	w.await(w.last)
	w.awaitCheckpoint()
	stop()
	was := w.dump(w.docs)

	cfg := w.archiving(history.ArchiveConfig{S3: s3test.Start(t, "bucket") + "/bucket/slipway", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey})
	plan := w.archived(cfg, true)
	require.Regexp(t, `would go: d\d+ (deploy|rollback) of shop/(web|api) vd\d+, accepted 2026-03-01T.*: it ended more than 24h0m0s ago\n`, plan)
	require.Equal(t, was, w.dump(w.docs), "it is but a plan")
	w.start(cfg)
	w.start(cfg) // and another that stands by
	gone := w.awaitGone(cfg)
	require.NotEmpty(t, gone)
	require.Equal(t, len(gone), strings.Count(plan, "would go:"))

	out, err := w.rebuilt(false)
	require.NoError(t, err, "what is archived is no difference: %s", out)
	require.Regexp(t, `, [1-9]\d* archived\n`, out)
	out, err = w.rebuilt(true)
	require.NoError(t, err, out)
	for _, id := range gone {
		require.False(t, w.knows(id), "a rebuild does not bring it back")
	}

	out, err = w.restored(cfg, gone[0], "")
	require.NoError(t, err)
	require.Equal(t, "brought back "+gone[0]+"\n1 deployments brought back\n", out)
	require.True(t, w.knows(gone[0]))
	require.Contains(t, w.archived(cfg, false), "0 deployments went", "it stays for a while")
	out, err = w.restored(cfg, "", cfg.Archive.S3+"/shop/2026-03-01")
	require.NoError(t, err, out)
	require.Contains(t, out, gone[0]+" is there, and stays as it is\n")
	require.Equal(t, was, w.dump(w.docs))
	out, err = w.rebuilt(false)
	require.NoError(t, err, out)
}

func TestArchivingAndRestoringByHand(t *testing.T) {
	w := newWorld(t)
	w.publish(w.stream(16, 20))
	w.start(w.config(w.store))
	w.await(w.last)
	w.awaitCheckpoint()
	was, dir := w.dump(w.docs), t.TempDir()
	cfg := w.archiving(history.ArchiveConfig{Directory: dir})
	out := w.archived(cfg, false)
	require.Regexp(t, `(?s)^archived d.*\n[1-9]\d* deployments went to the archive\n$`, out)
	gone := w.awaitGone(cfg)
	require.Equal(t, len(gone), strings.Count(out, "archived d"))

	file := filepath.Join(dir, "shop", "2026-03-01", gone[0]+".jsonl.gz")
	_, err := w.restored(cfg, "nobody", file)
	require.ErrorContains(t, err, "no such file in the archive: nobody")
	_, err = w.restored(cfg, "nobody", "")
	require.ErrorContains(t, err, "does not know the deployment as archived")
	_, err = w.restored(cfg, "", filepath.Join(dir, "none.jsonl.gz"))
	require.ErrorIs(t, err, os.ErrNotExist)
	out, err = w.restored(cfg, "", file)
	require.NoError(t, err)
	require.Contains(t, out, "brought back "+gone[0])
	out, err = w.restored(cfg, "", dir)
	require.NoError(t, err)
	require.Contains(t, out, "brought back "+gone[1])
	require.Equal(t, was, w.dump(w.docs))
}

func TestOneFileConfiguresHistoryAndItsCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
nats: {url: "nats://127.0.0.1:4222"}
store: {database: other}
retention:
  max_age: 8760h
  projects:
    - shop max_age=2160h
    - ci max_age=168h max_count=500
    - audit keep
archive: {directory: /var/lib/slipway/archive}
log: {level: warn}
`), 0o600))
	for _, cfg := range []any{&history.Config{}, &history.RebuildConfig{}, &history.ArchiveNowConfig{}, &history.RestoreConfig{Deployment: "d"}} {
		require.NoError(t, config.Load(cfg, "test", []string{"--config", file}, nil), "%T", cfg)
	}
	var cfg history.Config
	require.NoError(t, config.Load(&cfg, "test", []string{"--config", file}, nil))
	require.Equal(t, []string{"shop max_age=2160h", "ci max_age=168h max_count=500", "audit keep"}, cfg.Retention.Projects)
	require.Equal(t, service.LogConfig{Level: "warn", Format: "auto"}, cfg.Log)
}

func TestMistakesInWhatGoesWhereAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"--retention-max-age 1h":                             "--archive-directory: this, or archive.s3, must say where",
		"--retention-max-age 1m":                             "--retention-max-age: max_age must be at least 1h0m0s",
		"--retention-max-count -1":                           "--retention-max-count: max_count must not be negative",
		"--retention-projects shop=30d":                      "--retention-projects: not a policy",
		"--retention-every 1ms":                              "--retention-every: must be at least 1s",
		"--retention-restored-for -1s":                       "--retention-restored-for: must not be negative",
		"--archive-s3 s3://bucket":                           "--archive-s3: not a place for an archive",
		"--archive-s3 http://a/b --archive-directory /a":     "--archive-s3: there is one archive",
		"--archive-s3 http://a/b --archive-access-key a":     "--archive-access-key: this and secret_key go together",
		"--archive-s3 http://a/b --archive-secret-key s3cr3": "--archive-access-key: this and secret_key go together",
	} {
		err := config.Load(&history.Config{}, "test", strings.Fields(args), nil)
		require.ErrorContains(t, err, want, args)
		require.NotContains(t, err.Error(), "s3cr3")
	}
	require.ErrorContains(t, config.Load(&history.RestoreConfig{}, "test", nil, nil), "--deployment: this, or from, must say what")
	require.ErrorContains(t, config.Load(&history.RestoreConfig{}, "test", []string{"--deployment", "d"}, nil), "--archive-directory: this, archive.s3 or from")
	require.ErrorContains(t, config.Load(&history.ArchiveNowConfig{}, "test", nil, nil), "--archive-directory: this, or archive.s3, must say where")
	require.NoError(t, config.Load(&history.ArchiveNowConfig{}, "test", []string{"--dry-run", "--retention-max-age", "1h"}, nil))
}
