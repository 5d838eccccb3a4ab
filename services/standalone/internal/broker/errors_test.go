package broker_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

func TestConfigurationMistakesAreRefusedByNew(t *testing.T) {
	dir := t.TempDir()
	for name, cfg := range map[string]broker.Config{
		"no directory":                       {},
		"all interfaces without credentials": {Dir: dir, Listen: "0.0.0.0:4222"},
		"all interfaces, shorter":            {Dir: dir, Listen: ":4222"},
		"other interface":                    {Dir: dir, Listen: "192.0.2.1:4222"},
		"host by name":                       {Dir: dir, Listen: "example.com:4222"},
		"no port":                            {Dir: dir, Listen: "127.0.0.1"},
		"port by name":                       {Dir: dir, Listen: "127.0.0.1:http"},
		"user without password":              {Dir: dir, User: "u"},
		"password without user":              {Dir: dir, Password: "p"},
	} {
		_, err := broker.New(cfg)
		require.ErrorIs(t, err, broker.ErrConfig, name)
	}
}

// runToError runs a broker that is expected not to become ready.
func runToError(t *testing.T, cfg broker.Config) error {
	t.Helper()
	b, err := broker.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = b.Run(ctx, func() { t.Error("ready in spite of all") })
	require.Error(t, err)
	require.NoError(t, ctx.Err())
	return err
}

func TestSecondBrokerOnADirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, broker.Config{Dir: dir})
	err := runToError(t, broker.Config{Dir: dir})
	require.ErrorIs(t, err, datadir.ErrInUse)
	require.ErrorContains(t, err, "stop that process or choose another directory")
}

func TestDirectoryThatCannotBeMadeIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorIs(t, runToError(t, broker.Config{Dir: filepath.Join(file, "nats")}), datadir.ErrNotWritable)
}

func TestTakenPortIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	err = runToError(t, broker.Config{Dir: t.TempDir(), Listen: l.Addr().String()})
	require.ErrorIs(t, err, broker.ErrAddressInUse)
	require.ErrorContains(t, err, "choose another port")
}

func TestFileInTheWayOfTheStreamsIsReported(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	require.ErrorContains(t, runToError(t, broker.Config{Dir: dir}), "storage directory is not a directory")
}

// keep runs a broker, leaves some messages in its directory and stops it.
func keep(t *testing.T, cfg broker.Config, messages int) (streamDir string) {
	t.Helper()
	b, stop := start(t, cfg)
	makeStream(t, connect(t, "", b.ClientOptions()...), messages)
	stop()
	return filepath.Join(cfg.Dir, "jetstream", "$G", "streams", "EV")
}

func TestStreamThatCannotBeRecoveredIsRefusedAndLeftAsItIs(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"overwritten description": func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "meta.inf"), []byte("{}"), 0o600))
		},
		"missing description": func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "meta.inf"))) },
		"missing checksum":    func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "meta.sum"))) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := broker.Config{Dir: t.TempDir()}
			dir := keep(t, cfg, 10)
			before, err := os.ReadFile(filepath.Join(dir, "msgs", "1.blk"))
			require.NoError(t, err)
			damage(t, dir)

			err = runToError(t, cfg)
			require.ErrorIs(t, err, broker.ErrDamaged)
			require.ErrorContains(t, err, dir)
			require.ErrorContains(t, err, "meta.")
			require.ErrorContains(t, err, "bring the directory back from a backup")
			after, err := os.ReadFile(filepath.Join(dir, "msgs", "1.blk"))
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
}

func TestStreamWhoseCreationWasCutOffIsMadeAgain(t *testing.T) {
	cfg := broker.Config{Dir: t.TempDir()}
	dir := keep(t, cfg, 0)
	require.NoError(t, os.Remove(filepath.Join(dir, "meta.inf")))
	keep(t, cfg, 1)
}

func TestMessagesThatAreCutOffAreReported(t *testing.T) {
	out := &lifecycletest.Output{}
	cfg := broker.Config{Dir: t.TempDir(), Log: zerolog.New(out)}
	dir := keep(t, cfg, 100)
	keep(t, cfg, 0)
	// The server may well warn of a disk that is slow.
	require.NotContains(t, out.String(), `"level":"error"`, "a sound directory")
	require.NotContains(t, out.String(), "Stream state", "a sound directory")

	block := filepath.Join(dir, "msgs", "1.blk")
	content, err := os.ReadFile(block)
	require.NoError(t, err)
	copy(content[len(content)/2:], bytes.Repeat([]byte{0xa5}, 50))
	require.NoError(t, os.WriteFile(block, content, 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "msgs", "index.db"))) // as after a kill: the blocks are read

	b, _ := start(t, cfg)
	require.Less(t, countMessages(t, connect(t, "", b.ClientOptions()...)), uint64(100))
	require.Contains(t, out.String(), block)
	require.Contains(t, out.String(), "its messages are lost")
	require.Contains(t, out.String(), "check the disk")
}
