package harmless

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTextWritesOutWhatSteersATerminal(t *testing.T) {
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
		require.Equal(t, want, Text(in))
	}
}

func TestTextLeavesNothingHarmfulAndIsDoneOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clean := Text(string(rapid.SliceOf(rapid.Byte()).Draw(t, "s")) + rapid.String().Draw(t, "u"))
		require.Equal(t, -1, strings.IndexFunc(clean, harmful), "%q", clean)
		require.Equal(t, clean, Text(clean))
	})
}

func TestJSONMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := map[string]string{rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value") + "\u009b\u202e\x7f\U000e0041"}
		raw, err := json.MarshalIndent(said, "", "  ")
		require.NoError(t, err)
		clean := JSON(raw)
		require.Equal(t, -1, strings.IndexFunc(strings.ReplaceAll(string(clean), "\n", ""), func(r rune) bool {
			return harmful(r) && Text(string(r)) != " "
		}), "%q", clean)
		var back map[string]string
		require.NoError(t, json.Unmarshal(clean, &back))
		require.Equal(t, said, back)
	})
}
