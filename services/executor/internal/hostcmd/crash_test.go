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
// dies halfway: with one file of what it was to remove gone.
const shim = `#!/bin/sh
echo >>"$CRASH_COUNT"
count=$(/usr/bin/wc -l <"$CRASH_COUNT")
if [ "$count" -ge "$CRASH_AT" ]; then
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
	for _, tool := range strings.Fields("mkdir mkfifo mv rm cp find awk stat wc touch ln readlink flock df tar gzip sha256sum tee sync date sort head tail ls cat sleep") {
		require.FileExists(t, "/usr/bin/"+tool)
		require.NoError(t, os.Symlink("shim", filepath.Join(dir, tool)))
	}
	return userland{"dash", filepath.Join(dir, "sh"), dir}
}

// TestKilledBetweenAnyTwoCommands kills each step before each program that it
// runs, one after another. After every death the host is sound, and a newer
// token that repeats the step gets to the same end as if nothing had happened.
func TestKilledBetweenAnyTwoCommands(t *testing.T) {
	const token, again = 50, 51
	v1, v2, v3 := pack(t, "v1", nil), pack(t, "v2", nil), pack(t, "v3", nil)
	s1, s2 := pack(t, "v1", shared()), pack(t, "v2", shared("b/new"))
	linked, rest := s2.linked(t, s1), s2.rest(t, Lacks{Ranges: [][2]int{{0, s2.summary.Files - 1}}})
	three := func(h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			h.deploy(uint64(i+1), version)
		}
	}
	line := func(line string, err error) string {
		require.NoError(t, err)
		return line
	}
	for name, story := range map[string]struct {
		before func(h *host)
		step   func(token uint64) string
		stdin  []byte
		whole  *payload // a repeat sends all of it, as an executor does that is told that everything lacks
		want   string   // current in the end
		kept   []string // releases in the end
		runs   []string // what current may be after a crash
		end    func(h *host)
		stale  bool // a marker without a release is there, so not all that has a marker is whole
	}{
		"first probe": {
			before: func(*host) {},
			step:   func(n uint64) string { return line(Probe(fence(n), v1.release, 0)) },
			kept:   []string{}, runs: []string{""},
		},
		"first stage": {
			before: func(*host) {},
			step:   func(n uint64) string { return line(Stage(fence(n), v1.release, v1.bundle, "d")) },
			stdin:  v1.data,
			kept:   []string{"v1"}, runs: []string{""},
		},
		"stage over leftovers": {
			before: func(h *host) {
				h.deploy(1, "v1")
				require.NoError(t, os.MkdirAll(h.below("releases/v2/half"), 0o755))
				require.NoError(t, os.MkdirAll(h.below(".slipway/stage/tree/v2"), 0o755))
			},
			step:  func(n uint64) string { return line(Stage(fence(n), v2.release, v2.bundle, "d")) },
			stdin: v2.data,
			want:  "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
		"stage over a marker without a release": {
			before: func(h *host) {
				h.deploy(1, "v1")
				require.NoError(t, os.WriteFile(h.below(".slipway/releases/v2"), []byte("digest="+digestOf("other")+"\n"), 0o644))
			},
			step:  func(n uint64) string { return line(Stage(fence(n), v2.release, v2.bundle, "d")) },
			stdin: v2.data,
			want:  "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"}, stale: true,
		},
		"stage with links": {
			before: func(h *host) { h.ship(1, s1) },
			step:   func(n uint64) string { return line(Stage(fence(n), s2.release, linked.bundle, "d")) },
			stdin:  linked.data,
			want:   "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
		"stage of the rest": {
			before: func(h *host) {
				h.ship(1, s1)
				require.NoError(t, os.WriteFile(h.below("releases/v1/lib/a"), nil, 0o644))
				require.NoError(t, h.stage(fence(1), linked).err)
			},
			step:  func(n uint64) string { return line(Stage(fence(n), s2.release, rest.bundle, "d")) },
			stdin: rest.data, whole: &s2,
			want: "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
		"first switch": {
			before: func(h *host) { require.NoError(t, h.stage(fence(1), v1).err) },
			step:   func(n uint64) string { return line(Switch(fence(n), v1.release, "d")) },
			want:   "v1", kept: []string{"v1"}, runs: []string{"", "v1"},
		},
		"switch": {
			before: func(h *host) { h.deploy(1, "v1"); h.deploy(2, "v2"); require.NoError(t, h.stage(fence(3), v3).err) },
			step:   func(n uint64) string { return line(Switch(fence(n), v3.release, "d")) },
			want:   "v3", kept: []string{"v1", "v2", "v3"}, runs: []string{"v2", "v3"},
		},
		"rollback": {
			before: three,
			step:   func(n uint64) string { return line(Rollback(fence(n), base, "v3", "", "back")) },
			want:   "v2", kept: []string{"v1", "v2", "v3"}, runs: []string{"v3", "v2"},
		},
		"rollback to a version": {
			before: three,
			step:   func(n uint64) string { return line(Rollback(fence(n), base, "v3", "v1", "back")) },
			want:   "v1", kept: []string{"v1", "v2", "v3"}, runs: []string{"v3", "v1"},
		},
		"switch on trial, and its proof": {
			before: func(h *host) { h.deploy(1, "v1"); h.deploy(2, "v2"); require.NoError(t, h.stage(fence(3), v3).err) },
			step: func(n uint64) string {
				return line(Try(fence(n), v3.release, "d")) + " && " + line(Prove(fence(n), base, "v3", "d"))
			},
			want: "v3", kept: []string{"v1", "v2", "v3"}, runs: []string{"v2", "v3"},
			end: func(h *host) { require.FileExists(t, h.below(".slipway/successful/v3")) },
		},
		"link": {
			before: func(h *host) { h.deploy(1, "v1"); h.stageShared(2) },
			step:   func(n uint64) string { return line(Share(fence(n), base, "v2", sharing)) },
			want:   "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
			end: func(h *host) { h.requireShared("v2") },
		},
		"clean": {
			before: func(h *host) {
				three(h)
				h.deploy(4, "v4")
				require.NoError(t, os.MkdirAll(h.below("releases/half"), 0o755))
			},
			step: func(n uint64) string { return line(Clean(fence(n), base, 1)) },
			want: "v4", kept: []string{"v3", "v4"}, runs: []string{"v4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plain := newHost(t, userlands(t)[0])
			story.before(plain)
			land := shimmed(t)
			crash := func(at int) (*host, answer) {
				h := newHost(t, land)
				copied, err := exec.Command("cp", "-a", plain.home+"/.", h.home).CombinedOutput() // links stay links
				require.NoError(t, err, string(copied))
				count := filepath.Join(t.TempDir(), "count")
				h.env = []string{"CRASH_COUNT=" + count, fmt.Sprint("CRASH_AT=", at)}
				a := h.run(story.step(token), bytes.NewReader(story.stdin))
				h.userland, h.env = plain.userland, nil
				return h, a
			}
			for at := 1; ; at++ {
				require.Less(t, at, 100, "the step runs to its end at last")
				h, a := crash(at)
				if !story.stale {
					h.requireSound()
				}
				require.Contains(t, story.runs, h.inspect().value(KeyCurrent), "killed at %d", at)

				repeated := h.run(story.step(again), bytes.NewReader(story.stdin))
				if lacks, _ := repeated.Lacks(); lacks.All && story.whole != nil {
					repeated = h.stage(fence(again), *story.whole)
				}
				require.NoError(t, repeated.err, "killed at %d: %s", at, repeated.stderr)
				h.requireSound()
				end := h.inspect()
				require.Equal(t, story.want, end.value(KeyCurrent), "killed at %d", at)
				require.Equal(t, story.kept, h.releases(), "killed at %d", at)
				if story.end != nil {
					story.end(h)
				}
				if !a.killed {
					require.NoError(t, a.err, a.stderr)
					require.Greater(t, at, 1)
					break
				}
				if story.want != "" {
					requireWayBack(t, story.want, h)
				}
			}
		})
	}
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
