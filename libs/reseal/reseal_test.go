package reseal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/reseal"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// What a process of its own is told, which does nothing but Run.
const (
	asURL  = "SLIPWAY_TEST_RESEAL_URL"
	asKeys = "SLIPWAY_TEST_RESEAL_KEYS"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(asURL); url != "" {
		if err := runAsProcess(url, os.Getenv(asKeys)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runAsProcess(url, keys string) error {
	all, err := seal.ParseKeys(keys)
	if err != nil {
		return err
	}
	var cfg bus.Config
	config.Defaults(&cfg)
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := bus.OpenAsIs(context.Background(), nc, cfg, zerolog.Nop())
	if err != nil {
		return err
	}
	_, err = reseal.Run(context.Background(), b, all)
	return err
}

// stage is a broker with secrets that are sealed to a key, and a newer key.
type stage struct {
	*testing.T
	broker       *bustest.Server
	bus          *bus.Bus
	older, newer seal.PrivateKey
}

func newStage(t *testing.T) *stage {
	t.Helper()
	broker := bustest.StartListening(t)
	s := &stage{T: t, broker: broker, bus: broker.OpenBus(t)}
	var err error
	s.older, err = seal.GenerateKey()
	require.NoError(t, err)
	s.newer, err = seal.GenerateKey()
	require.NoError(t, err)
	return s
}

func (s *stage) keys() seal.Keys { return seal.KeysOf(s.newer, s.older) }

// value is like what rests in the bucket of servers: the writer counts beside the secret.
type value struct {
	Credential seal.Sealed `json:"credential"`
	Writes     int         `json:"writes"`
}

func (s *stage) cells(bucket string) *bus.Cells[value] {
	s.Helper()
	cells, err := bus.OpenCells[value](s.Context(), s.bus, bucket)
	require.NoError(s, err)
	return cells
}

func (s *stage) sealed(key seal.PublicKey, id string) seal.Sealed {
	s.Helper()
	sealed, err := key.Seal(contract.CredentialContext(id), []byte("secret of "+id))
	require.NoError(s, err)
	return sealed
}

func (s *stage) requireOpens(keys seal.Keys, id string, sealed seal.Sealed) {
	s.Helper()
	clear, err := keys.Open(contract.CredentialContext(id), sealed)
	require.NoError(s, err)
	require.Equal(s, "secret of "+id, string(clear))
}

func (s *stage) named() map[string]reseal.Names {
	s.Helper()
	named, err := reseal.Named(s.Context(), s.bus)
	require.NoError(s, err)
	return named
}

// What others change meanwhile stays as they left it, and is sealed anew too.
func TestAllIsSealedAnewWhileOthersWrite(t *testing.T) {
	const servers, writes = 60, 20
	s := newStage(t)
	cells := s.cells(contract.BucketServers)
	var ids []string
	for n := range servers {
		ids = append(ids, fmt.Sprint("s", n))
		_, err := cells.Create(t.Context(), ids[n], value{Credential: s.sealed(s.older.Public(), ids[n])})
		require.NoError(t, err)
	}
	var writing sync.WaitGroup
	for n, id := range ids[:servers/2] {
		writing.Go(func() {
			for range writes {
				_, err := cells.Change(t.Context(), id, func(v value) (value, bool, error) {
					v.Writes++
					if n%2 == 0 { // and the credential is another
						v.Credential = s.sealed(s.newer.Public(), id)
					}
					return v, true, nil
				})
				if !assertNoError(t, err) {
					return
				}
			}
		})
	}
	_, err := reseal.Run(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	writing.Wait()
	for n, id := range ids {
		have, _, err := cells.Get(t.Context(), id)
		require.NoError(t, err)
		s.requireOpens(seal.KeysOf(s.newer), id, have.Credential)
		if n < servers/2 {
			require.Equal(t, writes, have.Writes, "a write of somebody else is lost")
		}
	}
	require.Equal(t, map[string]reseal.Names{s.newer.Public().ID(): {Resting: servers}}, s.named())
	again, err := reseal.Run(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	require.Zero(t, again, "nothing is left to do")
}

func assertNoError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// Jobs and commands keep the key that they were sealed to, and say so.
func TestWhatPassesKeepsItsKeyAndIsCounted(t *testing.T) {
	s := newStage(t)
	ask := func(subject string, sealed seal.Sealed) {
		_, err := s.bus.Publish(t.Context(), subject, "", []byte(`{"credential":"`+string(sealed)+`"}`))
		require.NoError(t, err)
	}
	ask(contract.CommandSubject(contract.VerbDeploy, "d1"), s.sealed(s.older.Public(), "s1"))
	require.NoError(t, s.bus.Offer(t.Context(), contract.DefaultZone, "s1", []byte(`["`+s.sealed(s.older.Public(), "s1")+`"]`)))
	require.NoError(t, s.bus.Offer(t.Context(), contract.DefaultZone, "s2", []byte(`["`+s.sealed(s.newer.Public(), "s2")+`"]`)))
	_, err := s.cells(contract.BucketPackages).Create(t.Context(), "p1", value{Credential: s.sealed(s.older.Public(), "p1")})
	require.NoError(t, err)
	require.Equal(t, map[string]reseal.Names{
		s.older.Public().ID(): {Resting: 1, Passing: 2}, s.newer.Public().ID(): {Passing: 1},
	}, s.named())
	did, err := reseal.Run(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	require.Equal(t, reseal.Result{Resealed: 1}, did)
	require.Equal(t, map[string]reseal.Names{
		s.older.Public().ID(): {Passing: 2}, s.newer.Public().ID(): {Resting: 1, Passing: 1},
	}, s.named())
}

// Records of deployments keep commands as bytes, which JSON shows in base64; what else is in them stays.
func TestCommandsOfDeploymentsThatHaveNotEndedAreSealedAnew(t *testing.T) {
	type record struct {
		Command []byte         `json:"command,omitempty"`
		Rollout map[string]any `json:"rollout"`
	}
	s := newStage(t)
	cells, err := bus.OpenCells[record](t.Context(), s.bus, contract.BucketDeploy)
	require.NoError(t, err)
	rollout := map[string]any{"phase": "held", "why": "a < b"}
	command := `{"credential":"` + string(s.sealed(s.older.Public(), "s1")) + `"}`
	for id, rec := range map[string]record{
		"d1": {Command: []byte(command), Rollout: rollout}, "d2": {Rollout: rollout}, "d3": {Rollout: rollout},
	} {
		_, err := cells.Create(t.Context(), id, rec)
		require.NoError(t, err)
	}
	require.NoError(t, cells.Delete(t.Context(), "d3", 0))
	results, err := bus.OpenCells[[]string](t.Context(), s.bus, contract.BucketDeploy)
	require.NoError(t, err)
	_, err = results.Create(t.Context(), "d1.0.0", []string{"no record"})
	require.NoError(t, err)

	require.Equal(t, map[string]reseal.Names{s.older.Public().ID(): {Resting: 1}}, s.named())
	unnamed, err := reseal.Unnamed(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	require.Empty(t, unnamed)
	did, err := reseal.Run(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	require.Equal(t, reseal.Result{Resealed: 1}, did)
	require.Equal(t, map[string]reseal.Names{s.newer.Public().ID(): {Resting: 1}}, s.named())
	have, _, err := cells.Get(t.Context(), "d1")
	require.NoError(t, err)
	require.Equal(t, rollout, have.Rollout)
	var kept value
	require.NoError(t, json.Unmarshal(have.Command, &kept))
	s.requireOpens(seal.KeysOf(s.newer), "s1", kept.Credential)
}

// program is what an operator runs, and what that says. Once it waits, meanwhile is called.
func (s *stage) program(meanwhile func()) string {
	s.Helper()
	var said strings.Builder
	out := writer(func(line string) {
		said.WriteString(line)
		if strings.Contains(line, "looked at again") {
			meanwhile()
		}
	})
	var cfg bus.Config
	config.Defaults(&cfg)
	cfg.URL = s.broker.URL()
	command := reseal.Command{NATS: cfg, Keys: s.keys(), Out: out, Log: zerolog.Nop(), Settle: time.Millisecond}
	require.NoError(s, command.Run(s.Context(), nil))
	return said.String()
}

// writer is called with each line that is written at once.
type writer func(string)

func (w writer) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }

func TestAKeyIsSaidToBeDroppableOnlyOnceNothingWasSealedToItForAWhile(t *testing.T) {
	s := newStage(t)
	cells := s.cells(contract.BucketServers)
	store := func(id string) {
		_, err := cells.Create(t.Context(), id, value{Credential: s.sealed(s.older.Public(), id)})
		require.NoError(t, err)
	}
	store("s1")
	older := "key " + s.older.Public().ID() + ": "
	said := s.program(func() { store("s2") })
	require.Contains(t, said, "2 secrets were sealed anew")
	require.Contains(t, said, older+"to be kept; nothing names it, but something did a moment ago")
	require.NotContains(t, said, "can be dropped")

	last, err := s.bus.Last(t.Context(), contract.StreamAudit, contract.AuditLog)
	require.NoError(t, err)
	var told audit.Entry
	require.NoError(t, json.Unmarshal(last.Data, &told))
	require.Equal(t, "keys.reseal accepted "+s.newer.Public().ID(), fmt.Sprint(told.Action, " ", told.Outcome, " ", told.Object.ID), "the audit log has it")
	require.NotZero(t, told.Asked)

	said = s.program(func() {})
	require.Contains(t, said, "0 secrets were sealed anew")
	require.Contains(t, said, older+"nothing names it any more, it can be dropped")

	_, err = s.bus.Append(t.Context(), contract.StreamCommands, contract.CommandSubject(contract.VerbDeploy, "d1"), 0, "d1", []byte(s.sealed(s.older.Public(), "d1")))
	require.NoError(t, err)
	said = s.program(func() { require.Fail(t, "there is nothing to wait for") })
	require.Contains(t, said, older+"to be kept; names it: 0 at rest, 1 in commands and jobs")
}

// What cannot be looked into may name any key.
func TestNoKeyIsUnnamedBesideARecordThatCannotBeRead(t *testing.T) {
	s := newStage(t)
	cells, err := bus.OpenCells[map[string]string](t.Context(), s.bus, contract.BucketDeploy)
	require.NoError(t, err)
	_, err = cells.Create(t.Context(), "d1", map[string]string{"command": "not base64!"})
	require.NoError(t, err)
	_, err = reseal.Unnamed(t.Context(), s.bus, s.keys())
	require.ErrorContains(t, err, "command of a deployment")
}

func TestWhatIsDamagedOrAnothersStaysAsItIs(t *testing.T) {
	s := newStage(t)
	strange, err := seal.GenerateKey()
	require.NoError(t, err)
	cells := s.cells(contract.BucketServers)
	broken := s.sealed(s.older.Public(), "s1")
	broken = broken[:len(broken)-4] + "AAAA"
	for id, sealed := range map[string]seal.Sealed{"s1": broken, "s2": s.sealed(strange.Public(), "s2")} {
		rev, err := cells.Create(t.Context(), id, value{Credential: sealed})
		require.NoError(t, err)
		did, err := reseal.Run(t.Context(), s.bus, s.keys())
		require.NoError(t, err)
		require.Zero(t, did.Resealed)
		have, now, err := cells.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, sealed, have.Credential)
		require.Equal(t, rev, now)
	}
	did, err := reseal.Run(t.Context(), s.bus, s.keys())
	require.NoError(t, err)
	require.Equal(t, reseal.Result{Unopened: 1}, did)
}

// Each process is killed once it has sealed some anew; every secret opens at every time, and the last one ends the work.
func TestOneThatIsKilledIsTakenUpByTheNext(t *testing.T) {
	const servers, kills = 800, 3
	s := newStage(t)
	cells := s.cells(contract.BucketServers)
	ids := make([]string, servers)
	for n := range ids {
		ids[n] = fmt.Sprint("s", n)
		_, err := cells.Put(t.Context(), ids[n], value{Credential: s.sealed(s.older.Public(), ids[n])})
		require.NoError(t, err)
	}
	process := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), asURL+"="+s.broker.URL(), asKeys+"="+s.keys().Reveal())
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		return cmd
	}
	requireAllOpen := func() {
		for _, id := range ids {
			have, _, err := cells.Get(t.Context(), id)
			require.NoError(t, err)
			s.requireOpens(s.keys(), id, have.Credential)
		}
	}
	done := func() int { return s.named()[s.newer.Public().ID()].Resting }
	for range kills {
		before := done()
		writes, err := s.bus.Conn().SubscribeSync("$KV." + contract.BucketServers + ".>")
		require.NoError(t, err)
		require.NoError(t, s.bus.Conn().Flush())
		cmd := process()
		for range 2 { // it writes one once the one before is stored
			_, err := writes.NextMsg(time.Minute)
			require.NoError(t, err, "it begins")
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		require.NoError(t, writes.Unsubscribe())
		require.Greater(t, done(), before)
		requireAllOpen()
	}
	require.Less(t, done(), servers, "it was cut off in the middle")
	require.NoError(t, process().Wait())
	requireAllOpen()
	require.Equal(t, map[string]reseal.Names{s.newer.Public().ID(): {Resting: servers}}, s.named())
	for _, id := range ids {
		have, _, err := cells.Get(t.Context(), id)
		require.NoError(t, err)
		require.NotContains(t, string(have.Credential), s.older.Public().ID())
	}
}
