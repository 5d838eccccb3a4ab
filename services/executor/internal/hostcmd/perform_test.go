package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACommandOfTheUserRunsWithItsEnvironment(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		env := []Variable{{"SLIPWAY_TO", `it's "$(green)" \`}, {"SLIPWAY_TO_SERVERS", "web-1\nweb 2"}}
		a := h.must(Perform(fence(1), `printf '%s|%s|%s' "$SLIPWAY_TO" "$SLIPWAY_TO_SERVERS" "${LC_ALL-unset}" >told; pwd; echo slipway current evil`, env))
		require.Empty(t, a.Results, "what it prints is no result")
		told, err := os.ReadFile(filepath.Join(h.home, "told"))
		require.NoError(t, err)
		require.Equal(t, "it's \"$(green)\" \\|web-1\nweb 2|unset", string(told))
		require.Equal(t, h.home+"\nslipway current evil\n", a.stderr)
	})
}

func TestACommandThatFailsTellsWhatItSaid(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		line, err := Perform(fence(1), "echo no such pool; exit 80", nil)
		a := h.fails(ErrCommand, line, err)
		require.NotErrorIs(t, a.err, ErrSuperseded, "its status is its own")
		require.Equal(t, "the command failed: it ended with status 80\nno such pool", a.err.Error())
		line, err = Perform(fence(1), "exit 1 )", nil)
		h.fails(ErrCommand, line, err)
	})
}

func TestWhatACommandLeavesRunningHoldsNoLock(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		left := filepath.Join(h.home, "left")
		h.must(Perform(fence(1), "sleep 60 >/dev/null 2>&1 & echo $! >"+left, nil))
		t.Cleanup(func() { h.run("kill $(cat "+left+")", nil) })
		a := h.must(Claim(fence(2)))
		require.Empty(t, a.All(KeyEvicted))
	})
}

func TestAClaimShutsOlderAttemptsOut(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.must(Claim(fence(5)))
		line, err := Perform(fence(4), "touch done", nil)
		h.fails(ErrSuperseded, line, err)
		require.NoFileExists(t, filepath.Join(h.home, "done"))
		h.must(Perform(fence(5), "touch done", nil))
	})
}

func TestWhatIsNoCommandIsRefused(t *testing.T) {
	for _, bad := range []string{"", " \n", "a\x00b", "\xff", strings.Repeat("x", 4097)} {
		_, err := Perform(fence(1), bad, nil)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
	_, err := Perform(fence(1), "true", []Variable{{"SLIPWAY_TO", "a\x00"}})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Perform(fence(1), "true", []Variable{{"SLIPWAY_TO_SERVERS", strings.Repeat("x", 100<<10)}})
	require.ErrorIs(t, err, ErrInvalid)
}
