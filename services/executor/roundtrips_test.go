package executor

import (
	"bytes"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// wire is a way to a host that takes time, and counts how often one side had to
// wait for the other: what each says is one more than what it has heard.
type wire struct {
	port int

	mu    sync.Mutex
	heard [2]int // half trips, by client and host
	count int    // how often that was asked
}

// oneWay is what a message takes. What a side says at once, without having waited
// for the other, takes far less.
const oneWay = 40 * time.Millisecond

const (
	client = iota
	host
)

func newWire(t *testing.T, h *hosttest.Host) *wire {
	t.Helper()
	w := &wire{}
	w.port = relay(t, h, w.carry, func() {}) // whoever uses it has ended by then
	return w
}

func (w *wire) carry(near, far net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { w.pass(far, near, client, host) })
	both.Go(func() { w.pass(near, far, host, client) })
	both.Wait()
}

// message is something on its way.
type message struct {
	data  []byte
	due   time.Time
	mark  int
	count int
}

// pass carries what one side says to the other until it says no more.
func (w *wire) pass(to, from net.Conn, sayer, hearer int) {
	under := make(chan message, 1<<16)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(under)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				w.mu.Lock()
				under <- message{buf[:n], time.Now().Add(oneWay), w.heard[sayer] + 1, w.count}
				w.mu.Unlock()
			}
			if err != nil {
				return
			}
		}
	})
	for m := range under {
		time.Sleep(time.Until(m.due)) //nolint:forbidigo // this is the way
		w.mu.Lock()
		if m.count == w.count { // else it is the end of what is over
			w.heard[hearer] = max(w.heard[hearer], m.mark)
		}
		w.mu.Unlock()
		_, _ = to.Write(m.data)
	}
	_ = to.Close()
	reading.Wait()
}

// taken is how many round trips there were since this was last asked.
func (w *wire) taken() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	trips := w.heard[client] / 2
	w.heard = [2]int{}
	w.count++
	return trips
}

// plainly does what a deployment does over one session, as one would by hand.
func plainly(t *testing.T, h *hosttest.Host, port int, content []byte) {
	t.Helper()
	key, err := ssh.ParsePrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	conn, err := ssh.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.FixedHostKey(h.HostKeys[0]), HostKeyAlgorithms: []string{h.HostKeys[0].Type()},
	})
	require.NoError(t, err)
	defer conn.Close()
	session, err := conn.NewSession()
	require.NoError(t, err)
	session.Stdin = bytes.NewReader(content)
	require.NoError(t, session.Run(`cd "$HOME" && cat >pkg && sha256sum pkg >sum && mkdir -p plain/1 && ln -s plain/1 plain/new && mv -T plain/new plain/current`))
}

// TestADeploymentTakesOneRoundTripMoreThanTheLeastThatThereCanBe counts them on
// the way to a real sshd, beside a program that does all in one command. What
// disturbs the count adds to it, so the least of some counts.
func TestADeploymentTakesOneRoundTripMoreThanTheLeastThatThereCanBe(t *testing.T) {
	s := newSystem(t)
	s.executor(func(cfg *Config) { cfg.SSH.IdleTime = 0 }) // each opens a connection
	h := hosttest.Start(t, 1)[0]
	way := newWire(t, h)
	target := s.target(h)
	target.Address, target.Port = "127.0.0.1", way.port
	target.HostKey = h.HostKey
	least := func(count func(n int)) int {
		fewest := 1 << 10
		for n := range 3 {
			way.taken()
			count(n)
			fewest = min(fewest, way.taken())
		}
		return fewest
	}
	plain := least(func(int) {
		_ = os.RemoveAll(h.Home + "/plain")
		plainly(t, h, way.port, bytes.Repeat([]byte("x"), 10_000))
	})
	require.Equal(t, 3, h.Commands())
	last := ""
	deployment := least(func(n int) {
		last = "1." + strconv.Itoa(n)
		id := s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: s.upload(last, 10_000)})
		require.Equal(t, "succeeded", s.await(id, h.Name).State)
	})
	require.Equal(t, 6, h.Commands(), "one channel each")
	require.LessOrEqual(t, deployment, plain+1)
	require.Equal(t, last, current(t, h))

	rollback := least(func(n int) {
		from, to := "1.2", "1.1"
		if n%2 == 1 {
			from, to = to, from
		}
		id := s.offer(h.Name, contract.RollbackJob{Application: app, Target: target, From: from, To: to})
		require.Equal(t, "succeeded", s.await(id, h.Name).State)
	})
	require.Equal(t, 9, h.Commands(), "one channel each")
	require.LessOrEqual(t, rollback, plain)
	t.Logf("round trips: %d by hand, %d for a deployment, %d for a rollback", plain, deployment, rollback)
}
