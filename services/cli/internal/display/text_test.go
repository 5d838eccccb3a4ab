package display

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCleanWritesOutWhatSteersATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"héllo 世界 👩‍🚀":           "héllo 世界 👩‍🚀",
		"می\u200cخواهم":          "می\u200cخواهم",
		"a\x1b[31mb":             `a\x1b[31mb`,
		"a\nb\tc\rd":             `a\nb\tc\rd`,
		"bell\a":                 `bell\a`,
		"c1 \u009b31m \u0085":    `c1 \u009b31m \u0085`,
		"\u202egnp":              `\u202egnp`,
		"\u2066x\u2069":          `\u2066x\u2069`,
		"line\u2028sep":          `line\u2028sep`,
		"no-break\u00a0space":    "no-break space",
		"broken \xff\xc3(":       `broken \xff\xc3(`,
		"\x7f":                   `\x7f`,
		"\U000e0041":             `\U000e0041`,
		"soft\u00adhyphen\ufeff": `soft\u00adhyphen\ufeff`,
	} {
		require.Equal(t, want, Clean(in))
	}
}

func TestCleanLeavesNothingHarmfulAndIsDoneOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clean := Clean(string(rapid.SliceOf(rapid.Byte()).Draw(t, "s")) + rapid.String().Draw(t, "u"))
		require.Equal(t, -1, strings.IndexFunc(clean, harmful), "%q", clean)
		require.Equal(t, clean, Clean(clean))
	})
}

func TestCleanJSONMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := map[string]string{rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value") + "\u009b\u202e\x7f\U000e0041"}
		raw, err := json.MarshalIndent(said, "", "  ")
		require.NoError(t, err)
		clean := CleanJSON(raw)
		require.Equal(t, -1, strings.IndexFunc(strings.ReplaceAll(string(clean), "\n", ""), func(r rune) bool {
			return harmful(r) && Clean(string(r)) != " "
		}), "%q", clean)
		var back map[string]string
		require.NoError(t, json.Unmarshal(clean, &back))
		require.Equal(t, said, back)
	})
}

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
