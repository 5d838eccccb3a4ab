package bus

import (
	"context"
	"maps"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// MetadataMachine is the key in the metadata of a replica under which the name of its
// machine stands.
const MetadataMachine = "machine"

// lastWords is how long the end of a replica may wait for what it says of itself to be
// stored: one that could not is found to be lost.
const lastWords = time.Second

// About is what a replica says of its service and of itself.
type About struct {
	Name        string // of the service, as slipway-executor
	Description string
	Metadata    map[string]string        // of this replica, such as its zones; it stays the same
	Notes       func() map[string]string // what it has come to know meanwhile; nil: nothing
}

// NoteRuntime begins the names of notes that say when an executor met a runtime on a
// host, as RFC 3339 says.
const NoteRuntime = "runtime."

func (a About) metadata() map[string]string {
	all := maps.Clone(a.Metadata)
	if all == nil {
		all = map[string]string{}
	}
	all[MetadataMachine], _ = os.Hostname()
	return all
}

// semantic is what NATS takes for the version of a service.
var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// Version is the version of the program as the Go toolchain noted it; 0.0.0 where
// it did not.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	if v := strings.TrimPrefix(info.Main.Version, "v"); semantic.MatchString(v) {
		return v
	}
	return unknownVersion
}

const unknownVersion = "0.0.0"

// life tells what becomes of a replica, in order, from a goroutine of its own: nobody
// waits for a broker that does not answer but the end of the replica, and that for a
// moment.
type life struct {
	js     jetstream.JetStream
	about  contract.ReplicaEvent
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	told    contract.ReplicaState
	waiting []contract.ReplicaState // to be stored; no more than there are states, see untell
	more    *sync.Cond              // on mu: something waits, or ended
	ended   bool
}

func tellLife(ctx context.Context, nc *nats.Conn, info micro.Info) (*life, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &life{
		js: js, cancel: cancel, done: make(chan struct{}),
		about: contract.ReplicaEvent{Service: info.Name, Replica: info.ID, Version: info.Version, Machine: info.Metadata[MetadataMachine]},
	}
	l.more = sync.NewCond(&l.mu)
	go l.run(ctx)
	return l, nil
}

// order is the states that a replica says of itself. It goes back from ready alone.
var order = map[contract.ReplicaState]int{
	contract.ReplicaStarted: 1, contract.ReplicaReady: 2, contract.ReplicaStopping: 3, contract.ReplicaStopped: 4, //nolint:mnd // in order
}

// tell says a state, unless it or a later one was said.
func (l *life) tell(state contract.ReplicaState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if order[state] > order[l.told] {
		l.say(state)
	}
}

// untell says that what was ready is not any more. Where nobody has heard yet that it was, nobody
// does: while a broker is away, no more waits than what is to be known when it is back.
func (l *life) untell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told != contract.ReplicaReady {
		return
	}
	if last := len(l.waiting) - 1; last >= 0 {
		l.told, l.waiting = contract.ReplicaStarted, l.waiting[:last]
		return
	}
	l.say(contract.ReplicaStarted)
}

// say has a state stored. The caller holds mu.
func (l *life) say(state contract.ReplicaState) {
	l.told = state
	l.waiting = append(l.waiting, state)
	l.more.Signal()
}

// next returns what is to be stored next, and false where there will be nothing more.
func (l *life) next() (contract.ReplicaState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.ended {
		l.more.Wait()
	}
	if len(l.waiting) == 0 {
		return "", false
	}
	state := l.waiting[0]
	l.waiting = l.waiting[1:]
	return state, true
}

// end waits until all that was told is stored, for a moment.
func (l *life) end() {
	l.mu.Lock()
	l.ended = true
	l.told = contract.ReplicaStopped
	l.more.Signal()
	l.mu.Unlock()
	timer := time.AfterFunc(lastWords, l.cancel)
	defer timer.Stop()
	<-l.done
	l.cancel()
}

func (l *life) run(ctx context.Context) {
	defer close(l.done)
	for told := 1; ; told++ {
		state, more := l.next()
		if !more {
			return
		}
		event := l.about
		event.State = state
		data, err := contract.Encode(contract.Envelope{}, event)
		if err != nil {
			continue // there is nothing in it that cannot be encoded
		}
		_ = repeat(ctx, func(ctx context.Context) error {
			_, err := l.js.Publish(ctx, contract.ReplicaSubject(event.Service, event.Replica), data,
				jetstream.WithMsgID(event.Replica+"-"+strconv.Itoa(told)), jetstream.WithRetryAttempts(0))
			return classify(err)
		})
	}
}

// meter counts the answers of an endpoint. What NATS counts by itself is the moment in
// which a request is handed over.
type meter struct {
	begun, ended, nanoseconds atomic.Int64
}

// Work is what an endpoint has done.
type Work struct {
	Answered    int64 `json:"answered"`
	UnderWay    int64 `json:"under_way"`
	Nanoseconds int64 `json:"nanoseconds"` // all answers together
}

// activity is what a replica says with the statistics of each endpoint.
type activity struct {
	Work
	Notes map[string]string `json:"notes,omitempty"`
}

func (m *meter) measure(answer func()) {
	began := time.Now()
	m.begun.Add(1)
	defer func() {
		m.nanoseconds.Add(int64(time.Since(began)))
		m.ended.Add(1)
	}()
	answer()
}

func (m *meter) read() Work {
	ended := m.ended.Load()
	return Work{Answered: ended, UnderWay: m.begun.Load() - ended, Nanoseconds: m.nanoseconds.Load()}
}
