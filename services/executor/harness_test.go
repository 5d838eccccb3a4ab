package executor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
	"github.com/slipway-deploy/slipway/libs/seal"
)

const patience = 60 * time.Second

// briefly is the ack wait of tests in which another executor takes up what one left: they wait
// for as long. All others have one that no machine stalls for, so that none is attempted twice.
const briefly = 4 * time.Second

// system is a broker with executors on it and real hosts; the test plays the
// scheduler and the gateway.
type system struct {
	t   *testing.T
	srv *bustest.Server
	bus *bus.Bus
	key seal.PrivateKey
	log lifecycletest.Output // of its executors
}

func newSystem(t *testing.T) *system {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	srv := bustest.Start(t)
	return &system{t: t, srv: srv, bus: srv.OpenBus(t), key: key}
}

// executor runs an executor that a busy machine does not confuse, until the function that
// it returns is called, or the test ends.
func (s *system) executor(adjust func(*Config)) (stop func()) {
	s.t.Helper()
	return lifecycletest.Start(s.t, s.newExecutor(adjust).Run)
}

// observed is executor, and who looks at it.
func (s *system) observed(adjust func(*Config)) *observetest.Operator {
	s.t.Helper()
	e := s.newExecutor(adjust)
	seen := observetest.Watch(s.t, e)
	lifecycletest.Start(s.t, e.Run)
	return seen
}

func (s *system) newExecutor(adjust func(*Config)) *Service {
	s.t.Helper()
	var cfg Config
	config.Defaults(&cfg)
	cfg.Seal.PrivateKey = config.Secret(s.key.Reveal())
	cfg.Cache.Dir = s.t.TempDir()
	cfg.Job.AckWait = patience
	cfg.Drain = patience
	// A busy machine is no dead host.
	cfg.SSH.ConnectTimeout, cfg.SSH.KeepAlive, cfg.SSH.RecordWait = patience, patience, patience
	if adjust != nil {
		adjust(&cfg)
	}
	service, err := New(cfg, zerolog.New(&s.log), nats.InProcessServer(s.srv))
	require.NoError(s.t, err)
	return service
}

// takesUp is an executor that soon takes up what another left.
func takesUp(c *Config) { c.Job.AckWait = briefly }

// crashes is an executor that leaves what it does when it is stopped, as a crash would, for
// one that takesUp.
func crashes(c *Config) { c.Job.AckWait, c.Drain = briefly, time.Millisecond }

func (s *system) target(h *hosttest.Host) contract.Target {
	s.t.Helper()
	clear, err := json.Marshal(contract.Credential{PrivateKey: string(h.PrivateKeyPEM)})
	require.NoError(s.t, err)
	sealed, err := s.key.Public().Seal(contract.CredentialContext(h.Name), clear)
	require.NoError(s.t, err)
	return contract.Target{
		Host: h.Name, Name: h.Name, Address: h.Addr, Port: h.Port, User: h.User,
		Credential: string(sealed), HostKey: h.HostKey,
	}
}

var app = contract.Application{Name: "shop", Path: "apps/shop", Keep: 3}

// upload stores a package whose file VERSION holds its version, and which is
// padded to about size bytes.
func (s *system) upload(version string, size int) contract.Package {
	s.t.Helper()
	return s.pack(version, map[string][]byte{"VERSION": []byte(version), "lib/padding": noise(version, size)})
}

// noise is what does not shrink, the same for the same seed.
func noise(seed string, size int) []byte {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%32s", seed)))).Read(text)
	return text
}

// pack stores a package of these files.
func (s *system) pack(version string, content map[string][]byte) contract.Package {
	s.t.Helper()
	var raw bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&raw, gzip.NoCompression) // noise does not shrink, and trying takes half a minute under -race
	require.NoError(s.t, err)
	files := tar.NewWriter(zipped)
	for name, content := range content {
		require.NoError(s.t, files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := files.Write(content)
		require.NoError(s.t, err)
	}
	require.NoError(s.t, files.Close())
	require.NoError(s.t, zipped.Close())
	return s.store(version, "shop.tar.gz", "tar.gz", raw.Bytes())
}

// store stores a package of this content.
func (s *system) store(version, filename, format string, content []byte) contract.Package {
	s.t.Helper()
	sum := sha256.Sum256(content)
	p := contract.Package{
		ID: xid.New().String(), Version: version, Filename: filename, Format: format,
		Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
	}
	store, err := s.bus.JetStream().ObjectStore(s.t.Context(), contract.ObjectsPackages)
	require.NoError(s.t, err)
	_, err = store.PutBytes(s.t.Context(), p.ID, content)
	require.NoError(s.t, err)
	return p
}

// offer stores a job and returns its deployment.
func (s *system) offer(host string, body contract.Body) string {
	s.t.Helper()
	return s.offerIn("", host, body)
}

func (s *system) offerIn(zone, host string, body contract.Body) string {
	s.t.Helper()
	id := xid.New().String()
	job, err := contract.Encode(contract.Envelope{Deployment: id, Host: host}, body)
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool { return s.bus.Offer(s.t.Context(), zone, host, job) == nil },
		patience, 5*time.Millisecond, "the slot of the host stays taken")
	return id
}

// story is what was said of a job so far.
func (s *system) story(deployment, host string) []contract.Message {
	s.t.Helper()
	subject := contract.JobEventSubject(deployment, host)
	var story []contract.Message
	for seq := uint64(0); ; {
		msg, err := s.bus.Events().GetMsg(s.t.Context(), seq+1, jetstream.WithGetMsgSubject(subject))
		if err != nil {
			require.ErrorIs(s.t, err, jetstream.ErrMsgNotFound)
			return story
		}
		seq = msg.Sequence
		m, err := contract.Decode(msg.Data)
		require.NoError(s.t, err)
		story = append(story, m)
	}
}

// await waits for the job to end, and returns how, without its last step.
func (s *system) await(deployment, host string) contract.JobEndedEvent {
	s.t.Helper()
	var ended contract.JobEndedEvent
	require.Eventually(s.t, func() bool {
		last, err := s.bus.Last(context.Background(), contract.StreamEvents, contract.JobEventSubject(deployment, host))
		if err != nil {
			return false
		}
		m, err := contract.Decode(last.Data)
		if err != nil {
			return false
		}
		b, ok := m.Body.(contract.JobEndedEvent)
		ended = b
		return ok
	}, patience, 5*time.Millisecond, "the job does not end")
	ended.Step = nil
	return ended
}

// awaitStep waits until the story of a job holds this step in this state.
func (s *system) awaitStep(deployment, host, step string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return strings.Contains(steps(s.story(deployment, host)), step) },
		patience, time.Millisecond, "there is no %q", step)
}

func current(t *testing.T, h *hosttest.Host) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(h.Home, app.Path, "current", "VERSION"))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	return string(content)
}

func steps(story []contract.Message) string {
	var said []string
	for _, m := range story {
		switch b := m.Body.(type) {
		case contract.JobStartedEvent:
			said = append(said, "started")
			if b.Step != "" {
				said = append(said, b.Step+" running")
			}
		case contract.JobStepEvent:
			said = append(said, b.Step+" "+b.State)
			if b.Next != "" {
				said = append(said, b.Next+" running")
			}
		case contract.JobEndedEvent:
			if b.Step != nil {
				said = append(said, b.Step.Step+" "+b.Step.State)
			}
			said = append(said, b.State)
		}
	}
	return strings.Join(said, ", ")
}

// relay is a way to a host through this test, whose port it returns. Carry gets both
// ends of each connection, and returns when both are closed; release closes what is
// open at the end of the test.
func relay(t *testing.T, h *hosttest.Host, carry func(near, far net.Conn), release func()) (port int) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)))
			if err != nil {
				_ = near.Close()
				continue
			}
			all.Go(func() { carry(near, far) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		release()
		all.Wait()
	})
	return listener.Addr().(*net.TCPAddr).Port
}
