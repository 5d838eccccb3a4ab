package hostcmd

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAWriteIntoASharedFileIsFoundInTheOtherRelease is what hard links cost: who writes
// into a file in place writes into other releases, and is told of it there.
func TestAWriteIntoASharedFileIsFoundInTheOtherRelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1, v2 := pack(t, "v1", shared()), pack(t, "v2", shared("new"))
		h.ship(1, v1)
		a := h.stage(fence(2), v2.linked(t, v1))
		require.NoError(t, a.err, a.stderr)
		h.must(Switch(fence(2), v2.release, "dep-v2"))
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted))

		require.NoError(t, os.WriteFile(h.below("releases/v2/bin/c  d"), []byte("X"), 0o644))
		require.NoError(t, os.WriteFile(h.below("releases/v2/log"), []byte("what no package brought is nobody's business"), 0o644))
		soon := time.Now().Add(time.Hour)
		require.NoError(t, os.Chtimes(h.below("releases/v2/lib/a"), soon, soon)) // touched, and still the same
		version, files := h.must(Inspect(base)).Drifted()
		require.Equal(t, "v2", version)
		require.Equal(t, 1, files)

		a = h.must(Rollback(fence(3), base, "v2", "", "back"))
		require.Equal(t, "v1", a.value(KeyCurrent), "a way back is not refused")
		version, files = a.Drifted()
		require.Equal(t, "v1", version)
		require.Equal(t, 1, files)

		require.NoError(t, os.Remove(h.below("releases/v2/lib/b")))
		version, files = h.must(Switch(fence(4), v2.release, "again")).Drifted()
		require.Equal(t, "v2", version)
		require.Equal(t, 2, files, "one is gone")
	})
}

// TestAFileThatIsTakenAwayIsMissedWhateverTimesAreSetBack looks below the release, too, and
// at directories whose times a copying tool has put back.
func TestAFileThatIsTakenAwayIsMissedWhateverTimesAreSetBack(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1 := pack(t, "v1", shared())
		h.ship(1, v1)
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted))
		dir := h.below("releases/v1/lib")
		was, err := os.Stat(dir)
		require.NoError(t, err)
		require.NoError(t, os.Remove(dir+"/b"))
		require.NoError(t, os.Chtimes(dir, was.ModTime(), was.ModTime()))
		version, files := h.must(Inspect(base)).Drifted()
		require.Equal(t, "v1", version)
		require.Equal(t, 1, files)
	})
}
