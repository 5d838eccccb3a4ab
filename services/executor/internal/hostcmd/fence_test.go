package hostcmd

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is a command that has not ended: Stage, waiting for more of its bundle.
type running struct {
	*exec.Cmd
	h           *host
	stdin       io.WriteCloser
	out, errors *os.File
}

// startStage starts one, gives it all of the bundle but the end, and returns
// once it is unpacking.
func (h *host) startStage(f Fence, p payload) *running {
	h.t.Helper()
	c, err := Stage(f, p.release, p.bundle, "dep")
	require.NoError(h.t, err)
	r := &running{Cmd: h.command(c.Line()), h: h}
	// Files, not pipes: Wait then returns when the shell ends, whoever else
	// still has its output open.
	r.out, err = os.Create(filepath.Join(h.t.TempDir(), "out"))
	require.NoError(h.t, err)
	r.errors, err = os.Create(filepath.Join(h.t.TempDir(), "err"))
	require.NoError(h.t, err)
	r.Stdout, r.Stderr = r.out, r.errors
	r.stdin, err = r.StdinPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, r.Start())
	h.t.Cleanup(func() {
		_ = syscall.Kill(-r.Process.Pid, syscall.SIGKILL)
		_ = r.Wait()
		_ = r.out.Close()
		_ = r.errors.Close()
	})
	_, err = r.stdin.Write(p.data[:len(p.data)-100])
	require.NoError(h.t, err)
	eventually(h.t, "the first file to be unpacked", func() bool {
		found, _ := filepath.Glob(h.below(".slipway/stage/tree/*/VERSION"))
		return len(found) == 1
	})
	return r
}

// finish gives it the rest and returns what came of it.
func (r *running) finish(rest []byte) answer {
	r.h.t.Helper()
	_, _ = r.stdin.Write(rest)
	_ = r.stdin.Close()
	return r.ended()
}

// kill ends it as `kill -9` of the group does.
func (r *running) kill() {
	r.h.t.Helper()
	require.NoError(r.h.t, syscall.Kill(-r.Process.Pid, syscall.SIGKILL))
}

func (r *running) ended() answer {
	r.h.t.Helper()
	err := r.Wait()
	out, readErr := os.ReadFile(r.out.Name())
	require.NoError(r.h.t, readErr)
	stderr, readErr := os.ReadFile(r.errors.Name())
	require.NoError(r.h.t, readErr)
	answers := r.h.answered(err, string(out), string(stderr))
	return answers[len(answers)-1]
}

// groupIsGone is whether no process of the group lives any more. Zombies do not
// live, so it takes more than a kill with signal 0.
func groupIsGone(pgid int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		line, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(line), ") ")
		fields := strings.Fields(rest) // state, parent, group
		if len(fields) > 2 && fields[0] != "Z" && fields[2] == strconv.Itoa(pgid) {
			return false
		}
	}
	return true
}

// locked is whether someone holds the host's lock.
func (h *host) locked() bool {
	h.t.Helper()
	f, err := os.Open(filepath.Join(h.home, ".slipway/lock"))
	require.NoError(h.t, err)
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// large is a package whose bundle is not in the host's hands before its end.
func large(t testing.TB, version string) payload {
	t.Helper()
	return pack(t, version, map[string]string{"noise": string(noise(1 << 20))})
}

// probe returns a Probe of v9, for its fence.
func (h *host) probe(f Fence) answer {
	h.t.Helper()
	c, err := Probe(f, Release{Base: base, Version: "v9", Digest: digestOf("v9")})
	require.NoError(h.t, err)
	return h.run(c, nil)
}

func TestNewerTokenKillsAnOlderOneAtWork(t *testing.T) {
	for _, overtaken := range []uint64{5, 6} { // an equal one is a leftover
		onEach(t, func(t *testing.T, h *host) {
			h.deploy(1, "v1")
			p := large(t, "v2")
			old := h.startStage(fence(overtaken), p)

			a := h.probe(fence(6))
			require.NoError(t, a.err, a.stderr)
			require.Equal(t, fmt.Sprint(overtaken), a.value(KeyEvicted))
			require.True(t, old.ended().killed)
			eventually(t, "the old group to be gone", func() bool { return groupIsGone(old.Process.Pid) })
			h.requireStageCleared()

			require.NoError(t, h.stage(fence(6), p).err)
			h.must(Switch(fence(6), p.release, "d"))
			h.requireCurrent("v2")
		})
	}
}

func TestFrozenHolderIsKilledToo(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		old := h.startStage(fence(5), large(t, "v2"))
		require.NoError(t, syscall.Kill(-old.Process.Pid, syscall.SIGSTOP))
		require.NoError(t, h.probe(fence(6)).err)
		require.True(t, old.ended().killed)
	})
}

func TestOlderTokenIsRefusedAndHarmsNobody(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := large(t, "v2")
		holder := h.startStage(fence(5), p)
		require.ErrorIs(t, h.probe(fence(4)).err, ErrSuperseded, "at once, with the lock taken")
		a := holder.finish(p.data[len(p.data)-100:])
		require.NoError(t, a.err, a.stderr)
		require.ErrorIs(t, h.probe(fence(4)).err, ErrSuperseded, "later, with the lock free")
		require.NoError(t, h.probe(fence(5)).err, "the same token goes on")
	})
}

func TestTokensAreComparedAsNumbersOfAnySize(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		rising := []uint64{9, 10, 99, 1000, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
		var last uint64
		for _, token := range rising {
			require.NoError(t, h.probe(fence(token)).err, token)
			if last > 0 {
				require.ErrorIs(t, h.probe(fence(last)).err, ErrSuperseded, token)
			}
			last = token
		}
		seen, err := os.ReadFile(filepath.Join(h.home, ".slipway/fence/test"))
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(math.MaxInt64)+"\n", string(seen))
	})
}

func TestDamagedStateOfTheFenceHeals(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, h.probe(fence(5)).err)
		for _, damage := range []string{"", "\n", "garbage $(x)\n", "-1\n"} {
			for _, file := range []string{"fence/test", "holder"} {
				require.NoError(t, os.WriteFile(filepath.Join(h.home, ".slipway", file), []byte(damage), 0o644))
			}
			require.NoError(t, h.probe(fence(3)).err)
		}
	})
}

func TestChildrenKeepTheLockAndAreKilled(t *testing.T) {
	for _, reaped := range []bool{false, true} {
		onEach(t, func(t *testing.T, h *host) {
			h.deploy(1, "v1")
			old := h.startStage(fence(5), large(t, "v2"))
			// The shell alone dies; tar and the others go on waiting for input.
			require.NoError(t, syscall.Kill(old.Process.Pid, syscall.SIGKILL))
			if reaped {
				_, err := syscall.Wait4(old.Process.Pid, nil, 0, nil) // Wait would close stdin
				require.NoError(t, err)
			}
			require.True(t, h.locked())
			require.False(t, groupIsGone(old.Process.Pid))

			a := h.probe(fence(6))
			require.NoError(t, a.err, a.stderr)
			require.Equal(t, "5", a.value(KeyEvicted))
			h.requireCurrent("v1")
		})
	}
}

func TestInstallationsWaitForEachOther(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		other := Fence{Installation: "other", Token: 1, Wait: time.Second}
		p := large(t, "v2")
		holder := h.startStage(fence(100), p)
		require.ErrorIs(t, h.probe(other).err, ErrBusy)

		other.Wait = time.Minute
		c, err := Probe(other, Release{Base: "elsewhere", Version: "v1", Digest: digestOf("v1")})
		require.NoError(t, err)
		waiting := h.command(c.Line())
		require.NoError(t, waiting.Start())
		a := holder.finish(p.data[len(p.data)-100:])
		require.NoError(t, a.err, "the holder is left alone")
		require.NoError(t, waiting.Wait(), "who waits gets its turn")

		require.ErrorIs(t, h.probe(fence(99)).err, ErrSuperseded)
		require.NoError(t, h.probe(other).err, "its tokens are compared with its own")
	})
}

// bystander is a process that has nothing to do with Slipway, in its own group.
func bystander(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return cmd
}

func startTime(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(rest)[19]
}

// holdLock takes the host's lock from outside, and says that holder has it.
func (h *host) holdLock(holder string) {
	h.t.Helper()
	require.NoError(h.t, h.probe(fence(1)).err)
	lock, err := os.Open(filepath.Join(h.home, ".slipway/lock"))
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = lock.Close() })
	require.NoError(h.t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	require.NoError(h.t, os.WriteFile(filepath.Join(h.home, ".slipway/holder"), []byte(holder+"\n"), 0o644))
}

func TestRecycledPidIsNotKilled(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		alive := bystander(t, "exec sleep 600")
		brief := fence(2)
		brief.Wait = time.Second

		h.holdLock(fmt.Sprintf("test 1 %d 12345", alive.Process.Pid))
		a := h.probe(brief)
		require.ErrorIs(t, a.err, ErrBusy)
		require.Empty(t, a.All(KeyEvicted))
		require.False(t, groupIsGone(alive.Process.Pid))
	})
}

func TestOrphansOfStrangersAreNotKilled(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		// The group's leader is gone, and no one in it has our lock.
		orphans := bystander(t, "sleep 600 & exit 0")
		require.NoError(t, orphans.Wait())
		brief := fence(2)
		brief.Wait = time.Second

		h.holdLock(fmt.Sprintf("test 1 %d 12345", orphans.Process.Pid))
		a := h.probe(brief)
		require.ErrorIs(t, a.err, ErrBusy)
		require.Empty(t, a.All(KeyEvicted))
		require.False(t, groupIsGone(orphans.Process.Pid))
	})
}

func TestHolderIsKnownByItsStartTime(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		holder := bystander(t, "exec sleep 600")
		brief := fence(2)
		brief.Wait = time.Second

		h.holdLock(fmt.Sprintf("test 1 %d %s", holder.Process.Pid, startTime(t, holder.Process.Pid)))
		a := h.probe(brief)
		require.ErrorIs(t, a.err, ErrBusy, "the lock itself is this test's")
		require.Equal(t, "1", a.value(KeyEvicted))
		require.Error(t, holder.Wait())
	})
}

func TestHolderInOurOwnGroupIsNotKilled(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		// As a server would have it that gives commands no group of their own.
		brief := fence(2)
		brief.Wait = time.Second
		c, err := Probe(brief, Release{Base: base, Version: "v9", Digest: digestOf("v9")})
		require.NoError(t, err)
		h.holdLock("")
		state := Quote(filepath.Join(h.home, ".slipway/holder"))
		answers := h.session(`read -r stat </proc/$$/stat; set -- ${stat##*") "}; echo test 1 $$ ${20} >`+state+"; "+c.Line(), nil)
		a := answers[0]
		require.ErrorIs(t, a.err, ErrBusy)
		require.False(t, a.killed)
	})
}
