package hostcmd

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// asked is what a session is given on stdin after its first command, with the
// content of that.
func asked(content []byte, more ...any) io.Reader {
	input := bytes.NewBuffer(bytes.Clone(content))
	for _, m := range more {
		switch m := m.(type) {
		case Command:
			input.WriteString(m.Request())
		case []byte:
			input.Write(m)
		}
	}
	return input
}

// built returns a command of which it is known that it can be built.
func built(t testing.TB) func(Command, error) Command {
	return func(c Command, err error) Command {
		t.Helper()
		require.NoError(t, err)
		return c
	}
}

func TestASessionDoesOneStepAfterTheOther(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		must := built(t)
		f := fence(1)
		// All at once: none reads what is another's, whatever the size of content is.
		for i, noisy := range []int{0, 1000, 1 << 16, 3 << 20} {
			version := []string{"v1", "v2", "v3", "v4"}[i]
			p := pack(t, version, map[string]string{"noise": string(noise(noisy))})
			answers := h.session(must(Probe(f, p.release)).Line(), asked(nil,
				must(Stage(f, p.release, p.bundle, "d"+version)), p.data,
				must(Switch(f, p.release, "d"+version)), must(Clean(f, base, 2)),
			))
			require.Len(t, answers, 4)
			require.Equal(t, "no", answers[0].value(KeyStaged))
			require.Equal(t, []string{"transfer", "verify", "unpack"}, answers[1].All(KeyStep))
			require.Equal(t, version, answers[2].value(KeyCurrent))
			for _, a := range answers {
				require.NoError(t, a.err)
				require.Empty(t, a.stderr)
			}
			h.requireCurrent(version)
		}
	})
}

func TestAStepThatFailsEndsTheSession(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		must := built(t)
		p := pack(t, "v2", nil)
		missing, clean := must(Switch(fence(2), p.release, "d")), must(Clean(fence(2), base, 1))
		answers := h.session(must(Probe(fence(2), p.release)).Line(), asked(nil, missing, clean))
		require.Len(t, answers, 2)
		require.ErrorIs(t, answers[1].err, ErrIncomplete)
		require.Equal(t, "slipway: release v2 is not complete in ./apps/web\n", answers[1].stderr)

		damaged := bytes.Repeat([]byte("x"), len(p.data))
		answers = h.session(must(Probe(fence(2), p.release)).Line(), asked(nil, must(Stage(fence(2), p.release, p.bundle, "d")), damaged, clean))
		require.Len(t, answers, 2)
		require.ErrorIs(t, answers[1].err, ErrChecksum)
		h.requireCurrent("v1")

		// One that has a shell of its own.
		nowhere := File{Directory: h.below("nowhere"), Name: "web.conf"}
		kept := h.below(".slipway/init/d")
		require.NoError(t, os.MkdirAll(kept, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(kept, "was"), nil, 0o600))
		restore := must(Restore(fence(2), base, "d", nowhere))
		answers = h.session(restore.Line(), asked(nil, must(Restore(fence(2), base, "other", nowhere))))
		require.Len(t, answers, 1)
		require.Error(t, answers[0].err)
	})
}

// TestASessionGoesOnWhereNothingCameOfContent has each end that staging can have, but the last.
func TestASessionGoesOnWhereNothingCameOfContent(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		must := built(t)
		v1, v2 := pack(t, "v1", shared()), pack(t, "v2", shared("new"))
		require.NoError(t, h.stage(fence(1), v1).err)
		require.NoError(t, os.WriteFile(h.below("releases/v1/lib/b"), []byte("X"), 0o644))
		stage := func(p payload) Command { return must(Stage(fence(2), p.release, p.bundle, "d")) }
		rest, linked, large := v2.rest(t, Lacks{}), v2.linked(t, v1), v2.linked(t, v1)
		large.bundle.Disk = 1 << 50 // more than any disk has
		answers := h.session(must(Probe(fence(2), v2.release)).Line(), asked(nil,
			stage(rest), rest.data, stage(large), large.data, stage(linked), linked.data, stage(v1), v1.data, must(Switch(fence(2), v1.release, "d"))))
		require.Len(t, answers, 6)
		for i, want := range []string{"no", "no", "no", "no", "yes", ""} {
			require.NoError(t, answers[i].err, answers[i].stderr)
			require.Equal(t, want, answers[i].value(KeyStaged))
		}
		require.Equal(t, []string{"all"}, answers[2].All(KeyLacks))
		require.Equal(t, "v1", answers[5].value(KeyCurrent))
	})
}

func TestContentThatIsLeftUnreadIsNotTakenForCommands(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	for _, land := range lands {
		h := newHost(t, land)
		must := built(t)
		p := pack(t, "v1", nil)
		require.NoError(t, h.stage(fence(1), p).err)
		c := must(Stage(fence(2), p.release, p.bundle, "d")) // nothing is read of it: it is there
		c.Size = 1 << 20
		evil := []byte(strings.Repeat("claim 0 0; canary\n$(canary)\n", 1<<20/28+1))[:1<<20]
		answers := h.session(must(Probe(fence(2), p.release)).Line(), asked(nil, c, evil, must(Switch(fence(2), p.release, "d"))))
		require.Len(t, answers, 2, land.name)
		require.NoError(t, answers[1].err)
		require.Equal(t, []Result{{KeyStaged, "yes"}}, answers[1].Results)
		require.NoFileExists(t, h.below("current"), "the session is over")

		// Little, too, where the step dies before it reads.
		other := p.release
		other.Digest = digestOf("other")
		c = must(Stage(fence(2), other, p.bundle, "d"))
		c.Size = 1000
		answers = h.session(must(Probe(fence(2), pack(t, "v2", nil).release)).Line(), asked(nil, c, evil[:1000], must(Switch(fence(2), p.release, "d"))))
		require.Len(t, answers, 2, land.name)
		require.ErrorIs(t, answers[1].err, ErrConflict)
		require.NoFileExists(t, h.below("current"), "the session is over")

		// A line that breaks off is no command, and neither is what no step is called.
		answers = h.session(must(Probe(fence(2), p.release)).Line(), asked(nil, []byte("'switch' '0' '0' ; canary")))
		require.Len(t, answers, 1)
		answers = h.session(must(Probe(fence(2), p.release)).Line(), asked(nil, []byte("canary 0 0\n")))
		require.Error(t, answers[1].err)
	}
	require.True(t, lives())
}

func TestContentMayGoOnUntilTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		must := built(t)
		p := pack(t, "v1", map[string]string{"noise": string(noise(1 << 20))})
		first, c := must(Probe(fence(1), p.release)), must(Stage(fence(1), p.release, p.bundle, "d"))
		c.Size = UntilEnd
		require.True(t, c.Follows(first))
		require.False(t, must(Switch(fence(1), p.release, "d")).Follows(c), "nobody could ask for it")
		answers := h.session(first.Line(), asked(nil, c, p.data))
		require.NoError(t, answers[1].err)
		h.must(Switch(fence(1), p.release, "d"))
		h.requireCurrent("v1")
	})
}

func TestAHostSaysThatItCannotCutContent(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		if h.name == "busybox" {
			return // its shell finds its dd without the path
		}
		old := t.TempDir()
		script := "#!/bin/sh\ncase $* in *fullblock*) exit 1 ;; esac\nexec /usr/bin/dd \"$@\"\n"
		require.NoError(t, os.WriteFile(filepath.Join(old, "dd"), []byte(script), 0o755))
		must := built(t)
		p := pack(t, "v1", map[string]string{"noise": string(noise(1 << 20))})
		require.Empty(t, h.must(Probe(fence(1), p.release)).All(KeyUncut), "nobody sends any")
		h.path = old + ":" + h.path
		first, c := must(Probe(fence(1), p.release)), must(Stage(fence(1), p.release, p.bundle, "d"))
		answers := h.session(first.Line(), asked(nil, c, p.data))
		require.NoError(t, answers[1].err)
		require.Len(t, answers[1].All(KeyUncut), 1)
	})
}

func TestCommandsKnowTheirSession(t *testing.T) {
	must := built(t)
	r := Release{base, "v1", digestOf("v1")}
	probe, clean, look := must(Probe(fence(1), r)), must(Clean(fence(1), base, 1)), must(Look(fence(1), base, "1.0", "", "d"))
	require.True(t, clean.Follows(probe))
	require.True(t, clean.Follows(look))
	require.False(t, probe.Follows(look))
	require.False(t, must(Probe(fence(2), r)).Follows(probe), "another fence")
	require.False(t, must(Claim(fence(1))).Follows(probe))
}

// TestRequestsComeThroughEveryShell holds lines of requests to what Quote gives
// on command lines.
func TestRequestsComeThroughEveryShell(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	for _, land := range lands {
		rapid.Check(t, func(t *rapid.T) {
			words := rapid.SliceOfN(text("\n", "\n\n", "\t", "\r", "\x01", "\x7f"), 1, 20).Draw(t, "words")
			request := Command{Step: "x", Args: words}.Request()
			require.Equal(t, 1, strings.Count(request, "\n"))
			cmd := exec.Command(land.shell, "-c", `nl="
"; ask() { shift 3; printf '%s\0' "$@"; }; IFS= read -r request; eval "ask $request"`)
			cmd.Env, cmd.Stdin = []string{"PATH=" + land.path}, strings.NewReader(request)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", land.name, out)
			require.Equal(t, strings.Join(words, "\x00")+"\x00", string(out), land.name)
		})
	}
	require.True(t, lives(), "something was executed")
}
