package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheMachineOfTheTestIsRead(t *testing.T) {
	r, err := NewMeter().Read()
	require.NoError(t, err)
	for _, percent := range []float64{r.Memory, r.Disk} {
		require.Positive(t, percent)
		require.LessOrEqual(t, percent, 100.0)
	}
}

func TestProcessorsAreMeasuredFromReadingToReading(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	m := &Meter{proc: dir, root: "/"}
	now := time.Now()
	_, err := m.Read()
	require.ErrorIs(t, err, ErrUnreadable)

	write("stat", "cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1 1 1\n")
	got, err := m.cpu(now)
	require.NoError(t, err)
	require.Equal(t, 20.0, got)
	write("stat", "cpu  60 0 10 120 10 0 0 0 5 0\n")
	got, err = m.cpu(now.Add(time.Millisecond))
	require.NoError(t, err)
	require.Equal(t, 20.0, got, "too soon")
	got, err = m.cpu(now.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, 50.0, got)
	write("stat", "cpu  110 0 10 121 5 0 0 0 5 0\n") // less time was spent waiting for disks than before
	got, err = m.cpu(now.Add(2 * time.Second))
	require.NoError(t, err)
	require.Equal(t, 100.0, got)
	write("stat", "cpu  109 0 10 131 5 0 0 0 5 0\n")
	got, err = m.cpu(now.Add(3 * time.Second))
	require.NoError(t, err)
	require.Equal(t, 100.0, got, "nothing can be said")

	write("meminfo", "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    750 kB\n")
	got, err = m.memory()
	require.NoError(t, err)
	require.Equal(t, 25.0, got)
	for _, broken := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h i"} {
		write("stat", broken)
		_, err := m.cpu(now)
		require.Error(t, err, broken)
	}
	write("meminfo", "nothing")
	_, err = m.memory()
	require.Error(t, err)
}
