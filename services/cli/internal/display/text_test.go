package display

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClipCutsBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"東京都", 4, "東…"}, {"東京都", 5, "東京…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"👩‍🚀👩‍🚀", 3, "👩‍🚀…"}, {"x", 0, ""}, {"xy", 1, "…"},
	} {
		require.Equal(t, c.want, clip(c.in, c.width))
	}
}

func TestTimesAndSizesForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0s", 0: "0.0s", 3140 * time.Millisecond: "3.1s", 59 * time.Second: "59s", 125 * time.Second: "2m05s",
		62 * time.Minute: "1h02m",
	} {
		require.Equal(t, want, length(d))
	}
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_999: "1.0 MB", 20_000_000: "20.0 MB", 3_100_000_000: "3.1 GB",
	} {
		require.Equal(t, want, Size(n))
	}
}
