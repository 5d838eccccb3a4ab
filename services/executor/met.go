package executor

import (
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// met is which runtimes this executor has found on hosts, and when last. It is told to
// who asks how the installation is, and forgotten with the process.
type met struct {
	mu   sync.Mutex
	last map[string]time.Time // by kind of runtime
}

func (m *met) runtime(kind string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]time.Time{}
	}
	m.last[kind] = time.Now().UTC()
}

// notes is how the replica tells it.
func (m *met) notes() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[string]string, len(m.last))
	for kind, at := range m.last {
		all[bus.NoteRuntime+kind] = at.Format(time.RFC3339)
	}
	return all
}
