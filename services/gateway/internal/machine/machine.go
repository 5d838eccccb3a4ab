// Package machine reads how busy the machine is that the gateway runs on, from what
// Linux tells of it. In a container that is the machine, too, and not the container.
package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrUnreadable says that the system does not tell.
var ErrUnreadable = errors.New("the system does not tell how busy it is")

// Reading is how much of the machine is in use, in per cent.
type Reading struct {
	CPU    float64 // of all processors together, since the reading before, but over a second at least
	Memory float64 // that is not to be had by another process
	Disk   float64 // of the file system that holds the root directory
}

// Meter reads the machine.
type Meter struct {
	proc, root string

	mu         sync.Mutex
	at         time.Time
	busy, all  uint64 // ticks of processors
	percentCPU float64
}

// atLeast is the shortest time that is worth a reading of the processors.
const atLeast = time.Second

// NewMeter begins to measure.
func NewMeter() *Meter {
	m := &Meter{proc: "/proc", root: "/"}
	m.busy, m.all, _ = m.ticks() // where it cannot be read, Read says so
	m.at = time.Now()
	return m
}

// Read reads the machine. It fails with ErrUnreadable.
func (m *Meter) Read() (Reading, error) {
	cpu, err := m.cpu(time.Now())
	memory, err2 := m.memory()
	disk, err3 := m.disk()
	if err := errors.Join(err, err2, err3); err != nil {
		return Reading{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return Reading{cpu, memory, disk}, nil
}

func (m *Meter) cpu(now time.Time) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	busy, all, err := m.ticks()
	if err != nil {
		return 0, err
	}
	// Some counters may run backwards, as proc(5) says of iowait.
	if now.Sub(m.at) >= atLeast && all > m.all && busy >= m.busy {
		m.percentCPU = share(min(busy-m.busy, all-m.all), all-m.all)
		m.at, m.busy, m.all = now, busy, all
	}
	return m.percentCPU, nil
}

// ticks returns for how long processors were busy, and for how long there were any.
func (m *Meter) ticks() (busy, all uint64, err error) {
	data, err := os.ReadFile(m.proc + "/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal guest guest_nice
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, errors.New("stat is not as expected")
	}
	for i, text := range fields[1:9] { // guests are among user and nice already
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		all += n
		if i != 3 && i != 4 { // idle, and waiting for disks
			busy += n
		}
	}
	return busy, all, nil
}

func (m *Meter) memory() (float64, error) {
	data, err := os.ReadFile(m.proc + "/meminfo")
	if err != nil {
		return 0, err
	}
	found := map[string]uint64{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		found[name], _ = strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
	}
	total, available := found["MemTotal"], found["MemAvailable"]
	if total == 0 || available > total {
		return 0, errors.New("meminfo is not as expected")
	}
	return share(total-available, total), nil
}

// disk is what df shows: what only root may use counts as neither used nor free.
func (m *Meter) disk() (float64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(m.root, &s); err != nil {
		return 0, err
	}
	used := s.Blocks - s.Bfree
	return share(used, used+s.Bavail), nil
}

// share in per cent, to a tenth.
func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part*1000/whole) / 10 //nolint:mnd // see above
}
