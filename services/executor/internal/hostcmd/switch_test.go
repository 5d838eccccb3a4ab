package hostcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// rollback runs one for a deployment of its own.
func (h *host) rollback(token uint64, from, to string) answer {
	h.t.Helper()
	c, err := Rollback(fence(token), base, from, to, fmt.Sprintf("back-%d", token))
	require.NoError(h.t, err)
	return h.run(c, nil)
}

func (h *host) inspect() answer {
	h.t.Helper()
	return h.must(Inspect(base))
}

func TestSwitchTellsWhatRanBefore(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		want := []Result{{KeyPrevious, "v1"}, {KeyCurrent, "v2"}}
		require.Equal(t, want, h.deploy(2, "v2").Results)
		again := h.must(Switch(fence(3), pack(t, "v2", nil).release, "dep-v2"))
		require.Equal(t, want, again.Results, "a repeat keeps the record")
		h.requireCurrent("v2")
	})
}

func TestSwitchRefusesWhatIsInTheWay(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pack(t, "v1", nil)
		require.NoError(t, h.stage(fence(1), p).err)
		inTheWay := map[string]func(string) error{
			"a directory": func(at string) error { return os.MkdirAll(filepath.Join(at, "precious"), 0o755) },
			"a file":      func(at string) error { return os.WriteFile(at, []byte("precious"), 0o644) },
		}
		for name, put := range inTheWay {
			require.NoError(t, put(h.below("current")))
			c, err := Switch(fence(1), p.release, "d")
			h.fails(ErrNotALink, c, err)
			c, err = Probe(fence(1), p.release)
			h.fails(ErrNotALink, c, err)
			require.Equal(t, StateBlocked, h.inspect().value(KeyState))
			info, err := os.Lstat(h.below("current"))
			require.NoError(t, err)
			require.Zero(t, info.Mode()&os.ModeSymlink, name)
			require.NoError(t, os.RemoveAll(h.below("current")))
		}
		// A link of someone else's is replaced, as one takes over a deployment.
		require.NoError(t, os.Symlink("/somewhere/else", h.below("current")))
		require.Equal(t, StateForeign, h.inspect().value(KeyState))
		h.must(Switch(fence(1), p.release, "d"))
		h.requireCurrent("v1")
	})
}

func TestReadersNeverMissTheCurrentRelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		switches := 50
		if h.name == "dash" {
			switches = 200
		}
		h.deploy(1, "v1")
		v2 := pack(t, "v2", nil)
		require.NoError(t, h.stage(fence(1), v2).err)
		next := v2.release

		var stop atomic.Bool
		seen := make(chan error, 1)
		var reads atomic.Int64
		go func() {
			for !stop.Load() {
				version, err := os.ReadFile(h.below("current", "VERSION"))
				if err == nil && string(version) != "v1" && string(version) != "v2" {
					err = fmt.Errorf("read %q", version)
				}
				if err != nil {
					seen <- err
					return
				}
				reads.Add(1)
			}
			seen <- nil
		}()
		for i := range switches {
			next.Version = fmt.Sprintf("v%d", 2-i%2)
			next.Digest = digestOf(next.Version)
			h.must(Switch(fence(uint64(i+2)), next, fmt.Sprint("d", i)))
		}
		stop.Store(true)
		require.NoError(t, <-seen)
		require.Greater(t, reads.Load(), int64(switches))
	})
}

func TestRollbackGoesBackAndNeverForth(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			h.deploy(uint64(i+1), version)
		}
		a := h.rollback(4, "v3", "")
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, []Result{{KeyRolledBack, "v3"}, {KeyCurrent, "v2"}}, a.Results)
		h.requireCurrent("v2")
		before, err := os.ReadFile(h.below(".slipway/previous/v2"))
		require.NoError(t, err)
		require.Equal(t, "v1\n", string(before), "what ran before v2 is still what did")

		a = h.rollback(5, "v2", "")
		require.Equal(t, "v1", a.value(KeyCurrent))
		h.requireCurrent("v1")

		require.ErrorIs(t, h.rollback(6, "v1", "").err, ErrNoRollback)
		h.requireCurrent("v1")

		a = h.rollback(7, "v3", "")
		require.Equal(t, []Result{{KeyUnchanged, "v1"}}, a.Results, "v3 does not run")
	})
}

func TestRepeatedRollbackDoesNotGoFurther(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			h.deploy(uint64(i+1), version)
		}
		want := []Result{{KeyRolledBack, "v3"}, {KeyCurrent, "v2"}}
		for token := uint64(4); token < 7; token++ {
			c, err := Rollback(fence(token), base, "v3", "", "the-same")
			require.Equal(t, want, h.must(c, err).Results)
			h.requireCurrent("v2")
		}
		h.deploy(8, "v4")
		a := h.must(Rollback(fence(9), base, "v3", "", "the-same"))
		require.Equal(t, []Result{{KeyUnchanged, "v4"}}, a.Results, "what came since stays")
	})
}

func TestRollbackSkipsWhatWasRolledBackOrIsBroken(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			h.deploy(uint64(i+1), version)
		}
		require.NoError(t, h.rollback(4, "v3", "").err) // v2 runs
		h.deploy(5, "v4")
		require.Equal(t, "v2", h.rollback(6, "v4", "").value(KeyCurrent), "v3 was rolled back")

		h.deploy(7, "v3") // again, and it is good again
		h.deploy(8, "v5")
		require.Equal(t, "v3", h.inspect().value(KeyPrevious))
		require.NoError(t, os.Remove(h.below(".slipway/releases/v3"))) // and is damaged
		require.Equal(t, "v2", h.rollback(9, "v5", "").value(KeyCurrent))
	})
}

func TestReleasesDeployedInTurnsKeepTheirPast(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3", "v2", "v3", "v2"} {
			h.deploy(uint64(i+1), version)
		}
		past, err := os.ReadFile(h.below(".slipway/previous/v2"))
		require.NoError(t, err)
		require.Equal(t, "v3\nv1\n", string(past), "each once")
		require.Equal(t, "v3", h.rollback(10, "v2", "").value(KeyCurrent))
		require.Equal(t, "v1", h.rollback(11, "v3", "").value(KeyCurrent))
	})
}

func TestRollbackToAVersion(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			h.deploy(uint64(i+1), version)
		}
		require.ErrorIs(t, h.rollback(4, "v3", "v9").err, ErrIncomplete)
		require.Equal(t, []Result{{KeyUnchanged, "v3"}}, h.rollback(5, "v3", "v3").Results)
		a := h.rollback(6, "v3", "v1")
		require.Equal(t, []Result{{KeyRolledBack, "v3"}, {KeyCurrent, "v1"}}, a.Results)
		h.requireCurrent("v1")

		require.Equal(t, []Result{{KeyUnchanged, "v1"}}, h.rollback(7, "v3", "v2").Results, "v3 does not run")
		h.requireCurrent("v1")

		// From whatever runs, also to one that was left before.
		a = h.rollback(7, "", "v3")
		require.Equal(t, []Result{{KeyRolledBack, "v1"}, {KeyCurrent, "v3"}}, a.Results)
		require.Equal(t, "v2", h.inspect().value(KeyPrevious), "v1 was rolled back from, v3 was chosen")

		// To one that never ran: what ran before it is what runs now.
		require.NoError(t, h.stage(fence(8), pack(t, "v4", nil)).err)
		require.NoError(t, h.rollback(8, "v3", "v4").err)
		require.Equal(t, "v2", h.inspect().value(KeyPrevious))
	})
}

func TestRollbackWhereNothingRuns(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.Equal(t, []Result{{KeyUnchanged, ""}}, h.rollback(1, "v1", "").Results)
		require.NoError(t, h.stage(fence(2), pack(t, "v1", nil)).err)
		require.Equal(t, []Result{{KeyUnchanged, ""}}, h.rollback(2, "v0", "v1").Results)
		require.Equal(t, []Result{{KeyCurrent, "v1"}}, h.rollback(3, "", "v1").Results)
		h.requireCurrent("v1")
	})
}

func TestCleanRemovesWhatIsUnwantedButNeverWhatRuns(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i := range 4 {
			h.deploy(uint64(i+1), fmt.Sprintf("v%d", i+1))
		}
		a := h.must(Clean(fence(4), base, 5, "v3", "v4", "v9", "v1"))
		require.ElementsMatch(t, []string{"v1", "v3"}, a.All(KeyRemoved))
		require.Equal(t, []string{"v2", "v4"}, h.releases())
		require.Contains(t, h.rollback(5, "v4", "").Results, Result{KeyCurrent, "v2"}, "the way back leads past it")
	})
	_, err := Clean(fence(1), base, 5, "../v1")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestCleanSparesTheWayBackOfWhatMayBeTakenBack(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i := range 4 {
			h.deploy(uint64(i+1), fmt.Sprintf("v%d", i+1))
		}
		for range 2 { // an attempt may have got so far before
			a := h.must(CleanSparing(fence(4), base, 5, "v1", "v3", "v4"))
			require.Equal(t, "v3", a.value(KeySpared))
			require.Equal(t, []string{"v2", "v3", "v4"}, h.releases())
		}
		require.Contains(t, h.rollback(5, "v4", "").Results, Result{KeyCurrent, "v3"}, "what ran before")
		require.Equal(t, []string{"v2"}, h.must(CleanSparing(fence(6), base, 5, "v3", "v2")).All(KeySpared), "v3 runs")
	})
}

func TestCleanKeepsTheNewestAndTheWayBack(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i := range 6 {
			h.deploy(uint64(i+1), fmt.Sprintf("v%d", i+1))
		}
		require.NoError(t, h.stage(fence(7), pack(t, "never-ran", nil)).err)
		for _, dir := range []string{"releases/half", ".slipway/stage/3/tree"} {
			require.NoError(t, os.MkdirAll(h.below(dir), 0o755))
		}
		a := h.must(Clean(fence(7), base, 3))
		require.ElementsMatch(t, []string{"v1", "v2", "v3", "never-ran", "half"}, a.All(KeyRemoved))
		require.Equal(t, []string{"v4", "v5", "v6"}, h.releases())
		for _, marks := range []string{"releases", "manifests", "since", "successful", "previous"} {
			require.Equal(t, []string{"v4", "v5", "v6"}, names(t, h.below(".slipway", marks)))
		}
		h.requireStageCleared()
		require.Empty(t, h.must(Clean(fence(7), base, 3)).Results)

		// An old one that is deployed again is a new one.
		h.deploy(8, "v4")
		a = h.must(Clean(fence(8), base, 2))
		require.Equal(t, []string{"v5"}, a.All(KeyRemoved))

		// The way back stays, however few are to stay.
		require.NoError(t, h.rollback(9, "v4", "").err)
		h.requireCurrent("v6")
		h.deploy(10, "v7")
		h.must(Clean(fence(10), base, 1))
		require.Equal(t, []string{"v6", "v7"}, h.releases())
		h.requireCurrent("v7")
		require.Equal(t, "v6", h.rollback(11, "v7", "").value(KeyCurrent))
	})
}

func TestCleanFollowsNoLinkAndKnowsItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		outside := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(outside, "precious"), nil, 0o644))
		h.deploy(1, "v1")
		h.deploy(2, "v2")
		h.deploy(3, "v3")
		require.NoError(t, os.Symlink(outside, h.below("releases/v1/out")))
		require.NoError(t, os.Symlink(outside, h.below("releases/link")))
		require.NoError(t, os.WriteFile(h.below("releases/README"), nil, 0o644))
		require.NoError(t, os.Mkdir(h.below("releases/.hidden"), 0o755))
		require.NoError(t, os.Mkdir(h.below("releases/not a version"), 0o755))
		require.NoError(t, os.RemoveAll(h.below(".slipway/stage")))
		require.NoError(t, os.Symlink(outside, h.below(".slipway/stage")))

		a := h.must(Clean(fence(4), base, 1))
		require.Equal(t, []string{"v1"}, a.All(KeyRemoved))
		require.ElementsMatch(t, []string{"v2", "v3", "link", "README", ".hidden", "not a version"}, h.releases())
		require.FileExists(t, filepath.Join(outside, "precious"))
	})
}

func TestCleanLeavesAForeignLinkAlone(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, os.MkdirAll(h.below("releases/2020"), 0o755))
		require.NoError(t, os.Symlink(h.below("releases/2020"), h.below("current")))
		require.Empty(t, h.must(Clean(fence(1), base, 1)).Results)
		require.DirExists(t, h.below("releases/2020"))
	})
}

func TestCleanForgetsOldDecisions(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		for i := range 70 {
			require.NoError(t, os.WriteFile(h.below(".slipway/rollback", fmt.Sprint("old", i)), nil, 0o644))
		}
		h.deploy(2, "v2")
		require.NoError(t, h.rollback(3, "v2", "").err)
		h.must(Clean(fence(3), base, 1))
		left := names(t, h.below(".slipway/rollback"))
		require.Len(t, left, 64)
		require.Contains(t, left, "back-3")
	})
}

func TestInspectChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.Equal(t, []Result{{KeyState, StateNone}}, h.inspect().Results)
		require.Empty(t, names(t, h.home))

		h.deploy(1, "v1")
		h.deploy(2, "v2")
		require.NoError(t, h.stage(fence(3), pack(t, "v3", nil)).err)
		require.NoError(t, os.Mkdir(h.below("releases/half"), 0o755))
		a := h.inspect()
		require.Equal(t, "v2", a.value(KeyCurrent))
		require.Equal(t, "v1", a.value(KeyPrevious))
		require.Equal(t, StateComplete, a.value(KeyState))
		require.Equal(t, map[string]string{"v1": digestOf("v1"), "v2": digestOf("v2"), "v3": digestOf("v3")}, a.Releases())

		require.NoError(t, os.Remove(h.below(".slipway/releases/v2")))
		require.Equal(t, StateIncomplete, h.inspect().value(KeyState))
		require.NoError(t, os.RemoveAll(h.below("releases/v2")))
		require.Equal(t, StateDangling, h.inspect().value(KeyState))
	})
}

func TestInspectNeedsNoLock(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		holder := h.startStage(fence(2), large(t, "v2"))
		require.Equal(t, "v1", h.inspect().value(KeyCurrent))
		require.False(t, groupIsGone(holder.Process.Pid))
	})
}
