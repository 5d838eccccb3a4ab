package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// task is a command in the home directory.
func task(command string) Task { return Task{Base: base, Deployment: "d", Command: command} }

// with runs a task with an environment.
func (h *host) with(env []Variable, token uint64, t Task) answer {
	h.t.Helper()
	t.Environment = env
	c, err := Perform(fence(token), t)
	require.NoError(h.t, err)
	return h.run(c, strings.NewReader(t.Content()))
}

func TestACommandOfTheUserRunsWithItsEnvironment(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		env := []Variable{{"SLIPWAY_TO", `it's "$(green)" \`}, {"SLIPWAY_TO_SERVERS", "web-1\nweb 2"}}
		a := h.with(env, 1, task(`printf '%s|%s|%s' "$SLIPWAY_TO" "$SLIPWAY_TO_SERVERS" "${LC_ALL-unset}" >told; pwd; cat; echo slipway current evil
			echo slipway end >&2; echo slipway task >&2; echo slipway: no >&2; echo slipway over 0; echo slipway task`))
		require.NoError(t, a.err, a.stderr)
		require.Empty(t, a.Results, "what it prints is no result")
		require.Equal(t, "it's \"$(green)\" \\|web-1\nweb 2|unset", read(t, filepath.Join(h.home, "told")))
		require.Equal(t, [2]string{
			h.home + "\nslipway current evil\nslipway over 0\nslipway task\n", "slipway end\nslipway task\nslipway: no\n",
		}, a.said)
	})
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}

// TestAnyTextArrivesInTheEnvironment has no value run, change, or reach another
// variable, not even those that the scripts themselves use.
func TestAnyTextArrivesInTheEnvironment(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	var hosts []*host
	for _, land := range lands {
		hosts = append(hosts, newHost(t, land))
	}
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"nl", "name", "value", "line", "base", "LC_ALL", "ENV", "CDPATH", "x"}),
		rapid.StringMatching(`[A-Z_][A-Z0-9_]{3,8}X`),
	)
	token := uint64(0)
	rapid.Check(t, func(rt *rapid.T) {
		h := rapid.SampledFrom(hosts).Draw(rt, "host")
		token++
		values := rapid.MapOfN(name, text("\n", "\n\n", "\r", "\t", "\x01", "slipway: x"), 1, 20).Draw(rt, "values")
		var env []Variable
		command, want := "printf '%s\\0'", ""
		for name, value := range values {
			env = append(env, Variable{name, value})
			command += ` "$` + name + `"`
			want += value + "\x00"
		}
		a := h.with(env, token, task(command+" >told"))
		require.NoError(rt, a.err, a.stderr)
		got, err := os.ReadFile(filepath.Join(h.home, "told"))
		require.NoError(rt, err)
		require.Equal(rt, want, string(got), h.name)
	})
	require.True(t, lives(), "something was executed")
}

func TestATaskWhoseEnvironmentBreaksOffDoesNotRun(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		hook := task(`printf "%s" "$A$B" >told`)
		hook.Mark, hook.Environment = "before-0", []Variable{{"A", "one\ntwo"}, {"B", "three"}}
		c, err := Perform(fence(1), hook)
		require.NoError(t, err)
		c.Size = UntilEnd // as the end of the connection looks to the host
		whole := hook.Content()
		for n := range len(whole) {
			require.ErrorIs(t, h.run(c, strings.NewReader(whole[:n])).err, ErrCommand, whole[:n])
			require.NoFileExists(t, filepath.Join(h.home, "told"))
		}
		a := h.run(c, strings.NewReader(whole))
		require.NoError(t, a.err, a.stderr)
		require.Empty(t, a.All(KeyRan), "none of the others counts as having run")
		require.Equal(t, "one\ntwothree", read(t, filepath.Join(h.home, "told")))
	})
}

func TestATaskRunsInItsRelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pack(t, "v1", map[string]string{"bin/hook it's": "#!/bin/sh\npwd; cat VERSION; echo \"$SLIPWAY_RELEASE\"\n"})
		require.NoError(t, h.stage(fence(1), p).err)
		h.must(Switch(fence(1), p.release, "d"))
		in := h.below("releases/v1")
		said := in + "\nv1" + in + "\n"
		hook := Task{Base: base, Version: "v1", Deployment: "d", Script: "bin/hook it's"}
		require.Equal(t, said, h.must(Perform(fence(1), hook)).said[0], "sh takes what is not executable")
		require.NoError(t, os.Chmod(h.below("releases/v1/bin/hook it's"), 0o755))
		require.Equal(t, said, h.must(Perform(fence(1), hook)).said[0])
		hook.Script, hook.Command = "", "cat VERSION"
		require.Equal(t, "v1", h.must(Perform(fence(1), hook)).said[0])
		hook.Version = "v2"
		c, err := Perform(fence(1), hook)
		h.fails(ErrIncomplete, c, err)
	})
}

func TestATaskThatEndedWellIsNotRepeatedForItsDeployment(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		hook := task("echo x >>ran; exit $(cat status)")
		hook.Mark = "before-0"
		status := func(s string) { require.NoError(t, os.WriteFile(filepath.Join(h.home, "status"), []byte(s), 0o644)) }
		status("3")
		c, err := Perform(fence(1), hook)
		h.fails(ErrCommand, c, err)
		status("0")
		require.Empty(t, h.must(Perform(fence(1), hook)).Results)
		require.Equal(t, []string{"before-0"}, h.must(Perform(fence(2), hook)).All(KeyRan))
		require.Equal(t, "x\nx\n", read(t, filepath.Join(h.home, "ran")))
		hook.Mark = "before-1"
		require.Empty(t, h.must(Perform(fence(2), hook)).Results)
		hook.Deployment = "e"
		require.Empty(t, h.must(Perform(fence(3), hook)).Results)
		require.Equal(t, []string{"e"}, names(t, h.below(".slipway/hooks")), "one deployment is remembered")
	})
}

func TestATaskRunsAsItsUser(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		bin := filepath.Join(t.TempDir(), "bin")
		require.NoError(t, os.Mkdir(bin, 0o755))
		own := task(`echo "$A"`)
		own.User = "nobody-here"
		if h.name == "busybox" { // it has no sudo
			c, err := Perform(fence(1), own)
			h.fails(ErrMissingTool, c, err)
		}
		// What sudo is asked, and what it does: it empties the environment.
		sudo := "#!/bin/sh\necho \"$1 $2 $3 $4\"\nshift 4\nexec env -i PATH=\"$PATH\" \"$@\"\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, "sudo"), []byte(sudo), 0o755))
		h.path = bin + ":" + h.path
		a := h.with([]Variable{{"A", "it's\nhere"}}, 1, own)
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "-n -u nobody-here --\nit's\nhere\n", a.said[0])
		own.User = "root" // who runs this test
		if os.Geteuid() == 0 {
			require.Equal(t, "\n", h.must(Perform(fence(1), own)).said[0], "the login needs no sudo")
		}
	})
}

func TestTheStatusOfACommandIsItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		c, err := Perform(fence(1), task("echo no such pool; exit 80"))
		a := h.fails(ErrCommand, c, err)
		require.NotErrorIs(t, a.err, ErrSuperseded)
		require.Equal(t, "the command failed: it ended with status 80", a.err.Error())
		require.Equal(t, "no such pool\n", a.said[0])
		c, err = Perform(fence(1), task("exit 1 )"))
		h.fails(ErrCommand, c, err)
	})
}

func TestWhatACommandLeavesRunningHoldsNoLock(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		left := filepath.Join(h.home, "left")
		h.must(Perform(fence(1), task("sleep 60 >/dev/null 2>&1 & echo $! >"+left)))
		t.Cleanup(func() { h.session("kill $(cat "+left+")", nil) })
		a := h.must(Claim(fence(2)))
		require.Empty(t, a.All(KeyEvicted))
	})
}

func TestAClaimShutsOlderAttemptsOut(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.must(Claim(fence(5)))
		c, err := Perform(fence(4), task("touch done"))
		h.fails(ErrSuperseded, c, err)
		require.NoFileExists(t, filepath.Join(h.home, "done"))
		h.must(Perform(fence(5), task("touch done")))
	})
}

func TestWhatIsNoTaskIsRefused(t *testing.T) {
	for _, bad := range []string{"", " \n", "a\x00b", "\xff", strings.Repeat("x", 4097)} {
		_, err := Perform(fence(1), task(bad))
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
	for _, bad := range []Task{
		{Base: base, Deployment: "d", Script: "x"},
		{Base: base, Deployment: "d", Version: "v1", Script: "x", Command: "true"},
		{Base: base, Deployment: "d", Command: "true", User: "-u root"},
		{Base: base, Deployment: "d", Command: "true", Mark: "../x"},
		{Base: base, Command: "true"},
		{Deployment: "d", Command: "true"},
	} {
		_, err := Perform(fence(1), bad)
		require.ErrorIs(t, err, ErrInvalid, "%+v", bad)
	}
	for _, bad := range []Variable{{"A", "a\x00"}, {"A", "\xff"}, {"A B", ""}, {"", ""}, {"1A", ""}, {"A\nB", ""}, {"A", strings.Repeat("x", 100<<10)}} {
		t1 := task("true")
		t1.Environment = []Variable{bad}
		_, err := Perform(fence(1), t1)
		require.ErrorIs(t, err, ErrInvalid, "%.20q", bad)
	}
}
