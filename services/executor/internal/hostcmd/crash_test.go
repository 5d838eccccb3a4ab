package hostcmd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shim stands before each program on the path. It counts calls, and at the
// chosen one the whole command dies instead, as by kill -9 of its group. An rm
// dies halfway: with one file of what it was to remove gone. It starts no program of
// its own, since it runs tens of thousands of times.
const shim = `#!/bin/sh
printf x >>"$CRASH_COUNT"
read -r calls <"$CRASH_COUNT" # there is no newline, so it says no
if [ "${#calls}" -ge "$CRASH_AT" ]; then
	if [ "${0##*/}" = rm ]; then
		for last; do :; done
		first=$(/usr/bin/find "$last" -type f 2>/dev/null | /usr/bin/head -n 1)
		[ -z "$first" ] || /usr/bin/rm -f "$first"
	fi
	kill -9 0
fi
exec "/usr/bin/${0##*/}" "$@"
`

// shimmed returns the path of a userland in which every program has the shim.
func shimmed(t *testing.T) userland {
	t.Helper()
	dash, err := exec.LookPath("dash")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(dash, filepath.Join(dir, "sh")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "shim"), []byte(shim), 0o755))
	for _, tool := range strings.Fields("mkdir mv rm cp find awk stat wc touch ln readlink flock df tar gzip sha256sum tee dd sync date sort head tail ls cat sleep grep cmp chmod") {
		require.FileExists(t, "/usr/bin/"+tool)
		require.NoError(t, os.Symlink("shim", filepath.Join(dir, tool)))
	}
	return userland{"dash", filepath.Join(dir, "sh"), dir}
}

// TestKilledBetweenAnyTwoCommands kills each step before each program that it
// runs, one after another. After every death the host is sound, and a newer
// token that repeats the step gets to the same end as if nothing had happened.
func TestKilledBetweenAnyTwoCommands(t *testing.T) {
	for name, c := range crashes(t) {
		t.Run(name, func(t *testing.T) {
			plain := newHost(t, userlands(t)[0])
			c.before(plain)
			land := shimmed(t)
			for at := 1; c.at(t, at, plain, land); at++ {
				require.Less(t, at, 200, "the step runs to its end at last")
			}
		})
	}
}

// at kills the step before the so-manieth program, and has it repeated. It says whether
// there were as many.
func (c crash) at(t *testing.T, at int, plain *host, land userland) (killed bool) {
	t.Helper()
	const token, again = 50, 51
	more := c.then
	if more == nil {
		more = func(uint64) []any { return nil }
	}
	h := newHost(t, land)
	copied, err := exec.Command("cp", "-a", plain.home+"/.", h.home).CombinedOutput() // links stay links
	require.NoError(t, err, string(copied))
	count := filepath.Join(t.TempDir(), "count")
	h.env = []string{"CRASH_COUNT=" + count, fmt.Sprint("CRASH_AT=", at)}
	a := h.run(c.step(token), asked(c.stdin, more(token)...))
	h.userland, h.env = plain.userland, nil
	if !c.stale {
		h.requireSound()
	}
	h.requirePrepared("v2")
	require.Contains(t, c.runs, h.inspect().value(KeyCurrent), "killed at %d", at)

	repeated := h.each(c.step(again), c.stdin, more(again)...)
	if lacks, _ := repeated.Lacks(); lacks.All && c.whole != nil {
		repeated = h.stage(fence(again), *c.whole)
	}
	require.NoError(t, repeated.err, "killed at %d: %s", at, repeated.stderr)
	h.requireSound()
	end := h.inspect()
	require.Equal(t, c.want, end.value(KeyCurrent), "killed at %d", at)
	require.Equal(t, c.kept, h.releases(), "killed at %d", at)
	if c.end != nil {
		c.end(h)
	}
	if !a.killed {
		require.NoError(t, a.err, a.stderr)
		require.Greater(t, at, 1)
		return false
	}
	if c.want != "" {
		requireWayBack(t, c.want, h)
	}
	return true
}

// each asks for things one by one, each in a session of its own: content that is left
// unread, as it was staged before, may end one. It returns what came of the last.
func (h *host) each(first Command, content []byte, more ...any) answer {
	h.t.Helper()
	a := h.run(first, bytes.NewReader(content))
	for i, m := range more {
		c, ok := m.(Command)
		if !ok {
			continue
		}
		require.NoError(h.t, a.err, a.stderr)
		content = nil
		if i+1 < len(more) {
			content, _ = more[i+1].([]byte)
		}
		a = h.run(c, bytes.NewReader(content))
	}
	return a
}

// requireWayBack looks at what a crash must not have changed: where rollbacks
// would go from here.
func requireWayBack(t *testing.T, current string, h *host) {
	t.Helper()
	back := map[string][]string{"v3": {"v2", "v1"}, "v2": {"v1"}, "v4": {"v3"}}
	token := uint64(60)
	for _, want := range back[current] {
		a := h.rollback(token, current, "")
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, want, a.value(KeyCurrent))
		current = want
		token++
	}
	require.ErrorIs(t, h.rollback(token, current, "").err, ErrNoRollback)
}

func TestKilledWhileUnpacking(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		p := large(t, "v2")
		victim := h.startStage(fence(2), p)
		victim.kill()
		require.True(t, victim.ended().killed)
		h.requireCurrent("v1")
		require.Equal(t, []string{"v1"}, h.releases())
		eventually(t, "the lock to be free", func() bool { return !h.locked() })

		// The same token again: the same executor, after its connection broke.
		require.NoError(t, h.stage(fence(2), p).err)
		h.must(Switch(fence(2), p.release, "d"))
		h.requireCurrent("v2")
	})
}
