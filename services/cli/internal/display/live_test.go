package display

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/vt"
)

func TestABlockIsRedrawnInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := vt.New(40, 10)
		_, _ = screen.Write([]byte("before\n"))
		var frame atomic.Value
		frame.Store([]string{"one", "two", "three"})
		live := Start(screen, func(int, int) []string { return frame.Load().([]string) })
		synctest.Wait()
		require.Equal(t, []string{"before", "one", "two", "three"}, screen.Lines())

		frame.Store([]string{"\x1b[31mONE\x1b[0m", "2"})
		<-time.After(drawEvery)
		synctest.Wait()
		require.Equal(t, []string{"before", "ONE", "2"}, screen.Lines())

		frame.Store([]string{"last", "of", "all", "lines"})
		live.Stop()
		_, _ = screen.Write([]byte("after\n"))
		require.Equal(t, []string{"before", "last", "of", "all", "lines", "after"}, screen.Lines())
		require.Empty(t, screen.Unknown())
	})
}

func TestABlockAtTheEndOfTheScreenScrollsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := vt.New(40, 5)
		for i := range 7 {
			_, _ = fmt.Fprintf(screen, "old %d\n", i)
		}
		n := 0
		live := Start(screen, func(_, height int) []string {
			n++
			lines := make([]string, height-1)
			for i := range lines {
				lines[i] = fmt.Sprintf("line %d of frame %d", i, n)
			}
			return lines
		})
		<-time.After(10 * drawEvery)
		live.Stop()
		lines := screen.Lines()
		require.Len(t, lines, 7+4)
		require.Equal(t, "old 6", lines[6])
		require.Equal(t, fmt.Sprintf("line 0 of frame %d", n), lines[7])
	})
}

func TestDrawingIsGentle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, idle := vt.New(40, 10), vt.New(40, 10)
		n := 0
		one := Start(busy, func(int, int) []string { n++; return []string{fmt.Sprint(n)} })
		other := Start(idle, func(int, int) []string { return []string{"always the same"} })
		<-time.After(10 * time.Second)
		one.Stop()
		other.Stop()
		require.LessOrEqual(t, busy.Writes(), 10*10)
		require.Greater(t, busy.Writes(), 10*5)
		require.Equal(t, 2, idle.Writes(), "the first and the last")
	})
}

func TestATerminalMadeNarrowerLeavesNothingBehind(t *testing.T) {
	screen := vt.New(10, 20)
	s := screenOf(screen)
	s.draw([]string{"0123456789abcdef"}) // as a terminal leaves it that was wider a moment ago
	require.Equal(t, []string{"0123456789", "abcdef"}, screen.Lines())
	s.draw([]string{"short"})
	require.Equal(t, []string{"short"}, screen.Lines())
}

func screenOf(t Terminal) *screen { return &screen{terminal: t} }
