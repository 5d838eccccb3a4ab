package hosttest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	stopSignal     = syscall.SIGSTOP
	continueSignal = syscall.SIGCONT
	killSignal     = syscall.SIGKILL
)

// process is a line of the kernel's process table.
type process struct {
	pid, parent int
	state       byte   // as /proc/<pid>/stat names it: R, S, D, T, Z, ...
	started     string // in ticks since boot; with the pid it tells a process from a later one of the same pid
}

func (p process) dead() bool    { return p.state == 'Z' || p.state == 'X' }
func (p process) stopped() bool { return p.state == 'T' || p.state == 't' }

type processTable map[int]process

func readProcesses() (processTable, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	table := make(processTable, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			table[pid] = p
		}
	}
	return table, nil
}

// readProcess returns false if the process is gone.
func readProcess(pid int) (process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// The program's name stands in brackets and may hold anything, so fields count from the last bracket: state is the
	// first after it, the parent the second, the time of its start the twentieth.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return process{}, false
	}
	return process{pid: pid, parent: parent, state: fields[0][0], started: fields[19]}, true
}

// family returns the living processes of the hosts: each sshd, all that descends from it, and what a session has left
// behind. Such an orphan has lost its ancestors but keeps the HOME that sshd gave to its session.
func (table processTable) family(hosts []*Host) []process {
	roots, homes := map[int]bool{}, map[string]bool{}
	for _, h := range hosts {
		if !h.opts.root { // there, an orphan's parent is sshd, the first process; and HOME is that of the machine's root, too
			homes[h.Home] = true
		}
		if h.daemon.Running() {
			roots[h.daemon.PID()] = true
		}
	}
	member := make(map[int]bool, len(table))
	var belongs func(pid int) bool
	belongs = func(pid int) bool {
		p, alive := table[pid]
		if !alive {
			return false
		}
		if _, seen := member[pid]; !seen {
			member[pid] = false // ends a circle, which a table that was read while pids were reused could hold
			member[pid] = roots[pid] || belongs(p.parent) || homes[homeOf(pid)]
		}
		return member[pid]
	}
	var family []process
	for pid, p := range table {
		if !p.dead() && belongs(pid) {
			family = append(family, p)
		}
	}
	return family
}

// homeOf returns HOME of a process, or nothing if it has none or belongs to somebody else.
func homeOf(pid int) string {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if home, ok := bytes.CutPrefix(variable, []byte("HOME=")); ok {
			return string(home)
		}
	}
	return ""
}

// freezeAll stops the hosts' processes and returns them all. As none of them can fork any more, nothing escapes what
// is done to that set.
func freezeAll(hosts []*Host) ([]process, error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pollEvery) {
		table, err := readProcesses()
		if err != nil {
			return nil, err
		}
		family := table.family(hosts)
		moving := table.moving(family)
		if len(moving) == 0 {
			return family, nil
		}
		if err := signalAll(moving, stopSignal); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("its processes do not stop")
}

// moving returns the processes that do not stand yet. One that waits in vfork for a child that stands counts as
// standing: it cannot stop before the child goes on.
func (table processTable) moving(family []process) []process {
	waitedFor := map[int]bool{}
	for _, p := range family {
		if p.stopped() {
			waitedFor[p.parent] = true
		}
	}
	var moving []process
	for _, p := range family {
		if !p.stopped() && !(p.state == 'D' && waitedFor[p.pid]) {
			moving = append(moving, p)
		}
	}
	return moving
}

func signalAll(family []process, signal syscall.Signal) error {
	for _, p := range family {
		if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("%v to process %d: %w", signal, p.pid, err)
		}
	}
	return nil
}

// awaitGone returns when none of the processes is alive. It does not wait for zombies: reaping an orphan is up to the
// machine's init, which in a container may never do so.
func awaitGone(family []process) error {
	deadline := time.Now().Add(patience)
	for _, p := range family {
		for p.alive() {
			if time.Now().After(deadline) {
				return fmt.Errorf("process %d outlives SIGKILL", p.pid)
			}
			time.Sleep(pollEvery)
		}
	}
	return nil
}

func (p process) alive() bool {
	now, found := readProcess(p.pid)
	return found && now.started == p.started && !now.dead()
}
