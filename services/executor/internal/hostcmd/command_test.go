package hostcmd

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestValidateBase(t *testing.T) {
	for _, good := range []string{"/srv/app", "app", ".", "../x", " ", "-rf", "it's $(fine)", "größe", "~user", "a~/b", strings.Repeat("x", 1024)} {
		require.NoError(t, ValidateBase(good), "%q", good)
	}
	for bad, why := range map[string]string{
		"":                        "empty",
		"a\nb":                    "newline",
		"a\x00b":                  "control",
		"a\rb":                    "control",
		"a\x7fb":                  "control",
		"a\u0085b":                "control",
		"a\xffb":                  "UTF-8",
		"~":                       "home directory",
		"~/app":                   "home directory",
		strings.Repeat("x", 1025): "1025 bytes",
	} {
		err := ValidateBase(bad)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
		require.ErrorContains(t, err, why)
	}
}

func TestValidateVersion(t *testing.T) {
	for _, good := range []string{"1", "v1.2.3-rc.1+build_5", strings.Repeat("9", 128)} {
		require.NoError(t, ValidateVersion(good))
	}
	for _, bad := range []string{"", ".", "..", ".hidden", "-rf", "_x", "a/b", "a b", "ü", "a\n", "a'b", strings.Repeat("9", 129)} {
		require.ErrorIs(t, ValidateVersion(bad), ErrInvalid, "%q", bad)
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := Stage(Fence{Installation: "a b", Wait: 1}, Release{Base: "\n", Version: "/", Digest: "x"}, Bundle{SHA256: "Y"}, "d d")
	require.ErrorIs(t, err, ErrInvalid)
	for _, what := range []string{"installation", "token 0", "wait", "path", "version", "digest", "bundle sha256", "deployment"} {
		require.ErrorContains(t, err, what)
	}
	_, err = Clean(Fence{Installation: "a", Token: math.MaxInt64 + 1, Wait: time.Second}, "x", 0)
	require.ErrorContains(t, err, "releases to keep")
	require.ErrorContains(t, err, "token 9223372036854775808")
	_, err = Rollback(fence(1), "x", "v1", "v 2", "d")
	require.ErrorContains(t, err, `"v 2"`)
	_, err = Rollback(fence(1), "x", "", "", "d")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Rollback(fence(1), "x", "", "v2", "d")
	require.NoError(t, err)
	_, err = Inspect("")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestWhetherThereIsRoomIsAskedForMuchAlone(t *testing.T) {
	for disk, want := range map[int64]string{0: "0", 1<<20 - 1: "0", 1 << 20: "1024", 1<<20 + 1: "1025", -5: "0", math.MaxInt64: "9007199254740992"} {
		require.Equal(t, want, Bundle{Disk: disk}.askedKB(), "%d", disk)
	}
}

func TestParseTakesResultsFromAnythingElse(t *testing.T) {
	out := Parse("Welcome to web-1\nslipway staged yes\r\nslipway step transfer\n slipway step no\nslipway\nslipway unchanged\n" +
		"slipway step verify\nslipway release v1 abc\nslipway release v2 def\nbye")
	require.Equal(t, []string{"transfer", "verify"}, out.All(KeyStep))
	require.Equal(t, "Welcome to web-1\n slipway step no\nslipway\nbye", out.Text)
	v, ok := out.Get(KeyStaged)
	require.True(t, ok)
	require.Equal(t, "yes", v)
	v, ok = out.Get(KeyUnchanged)
	require.True(t, ok)
	require.Empty(t, v)
	_, ok = out.Get(KeyCurrent)
	require.False(t, ok)
	require.Equal(t, map[string]string{"v1": "abc", "v2": "def"}, out.Releases())
}

func TestCheckTellsWhatTheHostSaid(t *testing.T) {
	require.NoError(t, Check(0, "a warning"))
	for code, want := range exitErrors {
		require.ErrorIs(t, Check(code, ""), want)
	}
	err := Check(ExitDiskFull, "motd\ntar: ./x: Cannot write\nslipway: 5 KiB free\n")
	require.ErrorIs(t, err, ErrDiskFull)
	require.Equal(t, "disk full: 5 KiB free\nmotd\ntar: ./x: Cannot write", err.Error())
	err = Check(127, "bash: sh: command not found\n")
	require.ErrorIs(t, err, ErrFailed)
	require.ErrorContains(t, err, "exit code 127")
	require.ErrorContains(t, err, "command not found")
	require.Less(t, len(Check(1, strings.Repeat("ü", 1<<20)).Error()), 1200)
	require.Less(t, len(Check(1, "slipway: "+strings.Repeat("ü", 1<<20)).Error()), 1200)
}
