package hostcmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuoteIsFixed(t *testing.T) {
	for in, want := range map[string]string{
		"":        `''`,
		"plain":   `'plain'`,
		"it's":    `'it'\''s'`,
		`back\`:   `'back'\\''`,
		`\'`:      `''\\''\'''`,
		"$(x) `y": "'$(x) `y'",
		"a\nb":    "'a\nb'",
		"ü -rf":   `'ü -rf'`,
	} {
		require.Equal(t, want, Quote(in))
	}
}

// fragments are what shells might take for more than text.
var fragments = []string{
	"'", "'\\''", `"`, "`canary`", "$(canary)", "${IFS}canary", "$HOME", ";canary;", "&canary&", "|canary|", "\\", "\\'", "\\\\",
	" ", "  ", "-", "--", "-rf", "*", "?", "[a]", "{a,b}", "~", "#", "!", "!!", "%s", "%n", "=", ">", "<", "(", ")", "ü", "日本",
	"\u200b", "\u00a0", "a", "B", "0", ".", "..", "\\n", "\\c", "$", "@", "^", ",", ":",
}

func text(more ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom(append(more, fragments...)),
			rapid.StringOfN(rapid.Rune(), 1, 3, 12),
		), 1, 8).Draw(t, "parts")
		return strings.ReplaceAll(strings.Join(parts, ""), "\x00", "")
	})
}

// canary puts a program on the path of every userland that tells that it ran.
func canary(t *testing.T, lands []userland) (lives func() bool) {
	t.Helper()
	dir, sign := t.TempDir(), filepath.Join(t.TempDir(), "sign")
	program := "#!/bin/sh\n: >" + sign + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "canary"), []byte(program), 0o755))
	for i := range lands {
		lands[i].path = dir + ":" + lands[i].path
	}
	return func() bool {
		_, err := os.Lstat(sign)
		return err != nil
	}
}

func TestQuotedTextComesThroughEveryShell(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	for _, land := range lands {
		rapid.Check(t, func(t *rapid.T) {
			words := rapid.SliceOfN(text("\n", "\n\n", "\t", "\x01", "\x7f"), 1, 20).Draw(t, "words")
			line := `printf '%s\0'`
			for _, word := range words {
				line += " " + Quote(word)
			}
			cmd := exec.Command(land.shell, "-c", line)
			cmd.Env = []string{"PATH=" + land.path}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", land.name, out)
			require.Equal(t, strings.Join(words, "\x00")+"\x00", string(out), land.name)
		})
	}
	require.True(t, lives(), "something was executed")
}

// TestNamesNeverRun deploys to paths made of what shells act on. A path that is
// taken is used as it is; nothing else appears in the home directory.
func TestNamesNeverRun(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	name := rapid.Custom(func(t *rapid.T) string { return strings.ReplaceAll(text().Draw(t, "name"), "/", "") }).Filter(func(name string) bool {
		return ValidateBase(name) == nil && name != "." && name != ".." && len(name) <= 200
	})
	rapid.Check(t, func(rt *rapid.T) {
		h := &host{t: t, userland: rapid.SampledFrom(lands).Draw(rt, "land"), home: newHome(t)}
		parts := rapid.SliceOfN(name, 1, 5).Draw(rt, "parts")
		base := strings.Join(parts, "/")
		if ValidateBase(base) != nil {
			rt.Skip("no path, though each part is one")
		}
		c, err := Probe(fence(1), Release{Base: base, Version: "v1", Digest: digestOf("v1")})
		require.NoError(rt, err)
		a := h.run(c, nil)
		require.NoError(rt, a.err, a.stderr)
		require.ElementsMatch(rt, []string{".slipway", parts[0]}, names(t, h.home))
		at := filepath.Join(h.home, parts[0])
		for _, part := range parts[1:] {
			require.Equal(rt, []string{part}, names(t, at))
			at = filepath.Join(at, part)
		}
		require.True(rt, lives(), "something was executed")
	})
}

// TestWholeStoryUnderNastyNames takes a few of the worst through every step.
func TestWholeStoryUnderNastyNames(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	for _, land := range lands {
		for _, name := range []string{
			"-rf", " ", `it's "$(canary)"`, "';canary;'`canary`", `\`, `\'`, `back\nslash\c`, "*#!!%s%n", "größe 日本", "./a b//-c/~d/",
			strings.Repeat("long", 60),
		} {
			h := newHost(t, land)
			story(t, h, name)
			require.True(t, lives(), "%s executed something in %q", land.name, name)
		}
		absolute := newHost(t, land)
		story(t, absolute, filepath.Join(t.TempDir(), "it's $(canary)"))
		require.Equal(t, []string{".slipway"}, names(t, absolute.home))
	}
	require.True(t, lives())
}

// story deploys two versions, rolls back and cleans.
func story(t *testing.T, h *host, name string) {
	t.Helper()
	for i, version := range []string{"v1", "v2"} {
		f := fence(uint64(i + 1))
		p := pack(t, version, nil)
		p.release.Base = name
		h.must(Probe(f, p.release))
		a := h.stage(f, p)
		require.NoError(t, a.err, "%q: %s", name, a.stderr)
		h.must(Switch(f, p.release, "dep-"+version))
	}
	require.Equal(t, "v1", h.must(Rollback(fence(3), name, "v2", "", "back")).value(KeyCurrent))
	require.Equal(t, []string{"v2"}, h.must(Clean(fence(3), name, 1)).All(KeyRemoved))
	a := h.must(Inspect(name))
	require.Equal(t, "v1", a.value(KeyCurrent))
	require.Equal(t, StateComplete, a.value(KeyState))
	at := name
	if !filepath.IsAbs(at) {
		at = filepath.Join(h.home, name)
	}
	content, err := os.ReadFile(filepath.Join(at, "current/VERSION"))
	require.NoError(t, err)
	require.Equal(t, "v1", string(content))
}
