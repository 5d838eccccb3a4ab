package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// standIn does with .venv what Python does as far as these scripts see it: the steps of a
// job are tested with the real one.
const standIn = `#!/bin/sh
case "$1 $2" in
"-m venv")
	mkdir -p .venv/bin
	touch .venv/pyvenv.cfg
	cp "$0" .venv/bin/python
	;;
"-m pip")
	echo "slipway prepared evil"
	for last; do :; done
	cat "$last" >.venv/installing || exit 3
	mv .venv/installing .venv/installed
	;;
esac
`

// pythonOf is an environment for v2, by the stand-in.
func pythonOf(t *testing.T, requirements, index string) Preparation {
	t.Helper()
	program := filepath.Join(t.TempDir(), "python3")
	require.NoError(t, os.WriteFile(program, []byte(standIn), 0o755))
	return Preparation{
		Base: base, Version: "v2", Runtimes: []Runtime{Fallback(Python{Requirements: requirements, Interpreter: program, Index: index})},
	}
}

func (h *host) prepare(token uint64, p Preparation) answer {
	h.t.Helper()
	c, err := Prepare(fence(token), p)
	require.NoError(h.t, err)
	return h.run(c, strings.NewReader(p.Content()))
}

// requirePrepared holds a release to its marker: what counts as made is whole.
func (h *host) requirePrepared(version string) {
	h.t.Helper()
	marker, err := os.ReadFile(h.below(".slipway/prepared", version))
	if err != nil || !strings.HasSuffix(string(marker), " made\n") {
		return
	}
	lies := ".venv/installed"
	if strings.HasPrefix(string(marker), "entry ") {
		lies = "app.jar"
	}
	require.FileExists(h.t, h.below("releases", version, lies))
}

func TestWhatAReleaseNeedsIsMadeOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pythonOf(t, "VERSION", "")
		h.fails(ErrIncomplete, must(t, p), nil)
		require.NoError(t, h.stage(fence(1), pack(t, "v2", nil)).err)
		a := h.prepare(1, p)
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, []Result{{KeyPrepared, "fallback"}}, a.Results, "what tools print is no result")
		require.Contains(t, a.stderr, "slipway prepared evil")

		again := h.prepare(2, p)
		require.NoError(t, again.err)
		runtime, before := again.Prepared()
		require.Equal(t, "fallback", runtime)
		require.True(t, before)
		require.NotContains(t, again.stderr, "evil")

		require.NoError(t, os.Remove(h.below("releases/v2/.venv/bin/python")))
		_, before = h.prepare(3, p).Prepared()
		require.False(t, before, "what is damaged is made anew")
		require.FileExists(t, h.below("releases/v2/.venv/installed"))
	})
}

func TestWhatAReleaseNeedsIsMadeAnewOnceInADeployment(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pythonOf(t, "VERSION", "")
		require.NoError(t, h.stage(fence(1), pack(t, "v2", nil)).err)
		require.NoError(t, h.prepare(1, p).err)
		p.Rebuild, p.Environment = true, []Variable{{"SLIPWAY_DEPLOYMENT", "d1"}}
		a := h.prepare(2, p)
		require.NoError(t, a.err, a.stderr)
		_, before := a.Prepared()
		require.False(t, before)
		_, before = h.prepare(3, p).Prepared()
		require.True(t, before, "an attempt that comes after another of the same deployment")

		p.Environment[0].Value = "d2"
		require.NoError(t, os.Symlink("releases/v2", h.below("current")))
		a = h.prepare(4, p)
		require.ErrorIs(t, a.err, ErrConflict)
		require.Contains(t, a.err.Error(), "release v2 runs: what it needs is not made anew under it")
		require.FileExists(t, h.below("releases/v2/.venv/installed"))
	})
}

// must builds the command that a preparation is.
func must(t *testing.T, p Preparation) Command {
	t.Helper()
	c, err := Prepare(fence(1), p)
	require.NoError(t, err)
	c.Size = 0 // it fails before it reads
	return c
}

func TestWhatCannotBeMadeSaysWhy(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, h.stage(fence(1), pack(t, "v2", nil)).err)
		neither := Python{UV: "/no/uv", Interpreter: "no-python"}
		for name, c := range map[string]struct {
			runtimes []Runtime
			want     error
			reason   string
		}{
			"neither is there": {
				[]Runtime{UV(neither), Fallback(neither)},
				ErrMissingTool, "/no/uv is not installed (PATH is " + h.path + "); no-python is not installed",
			},
			"nothing to install": {pythonOf(t, "", "").Runtimes, ErrNoFile, "requirements.txt is not in the release"},
			"a tool fails":       {pythonOf(t, "VERSION", "").Runtimes, nil, ""},
			"no file":            {[]Runtime{Entry("app", "none", "", true)}, ErrNoFile, "none is not in the release"},
			"no jar":             {[]Runtime{Entry("app.jar", "", ".jar", false)}, ErrNoFile, "there is no file *.jar"},
			"a link in the way":  {[]Runtime{Entry("last", "VERSION", "", false)}, ErrConflict, "last is in the package already"},
		} {
			a := h.prepare(1, Preparation{Base: base, Version: "v2", Runtimes: c.runtimes})
			if c.want == nil {
				require.NoError(t, a.err, name)
				continue
			}
			require.ErrorIs(t, a.err, c.want, name)
			require.Contains(t, a.err.Error(), c.reason, name)
		}
	})
}

func TestTheFirstRuntimeThatAHostHasIsTakenAndKept(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, h.stage(fence(1), pack(t, "v2", map[string]string{"requirements.txt": "a"})).err)
		uv := filepath.Join(t.TempDir(), "uv")
		options := Python{UV: uv, Interpreter: filepath.Join(t.TempDir(), "python3")}
		require.NoError(t, os.WriteFile(options.Interpreter, []byte(standIn), 0o755))
		p := Preparation{Base: base, Version: "v2", Runtimes: []Runtime{UV(options), Fallback(options)}}
		a := h.prepare(1, p)
		require.NoError(t, a.err, a.stderr)
		runtime, _ := a.Prepared()
		require.Equal(t, "fallback", runtime)
		require.NoError(t, os.WriteFile(uv, []byte("#!/bin/sh\nexit 1\n"), 0o755))
		require.NoError(t, os.RemoveAll(h.below("releases/v2/.venv")))
		a = h.prepare(2, p)
		require.NoError(t, a.err, a.stderr)
		runtime, before := a.Prepared()
		require.Equal(t, "fallback", runtime, "though the host has uv by now")
		require.False(t, before)
	})
}

func TestWhatRunsIsNotPreparedInAnotherWay(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v2 := pack(t, "v2", nil)
		require.NoError(t, h.stage(fence(1), v2).err)
		p, other := pythonOf(t, "VERSION", ""), pythonOf(t, "VERSION", "other")
		require.NoError(t, h.prepare(1, p).err)
		require.NoError(t, h.prepare(2, other).err, "it does not run yet")
		require.NoError(t, h.prepare(3, p).err)
		h.must(Switch(fence(4), v2.release, "d"))
		a := h.prepare(5, other)
		require.ErrorIs(t, a.err, ErrConflict)
		require.Contains(t, a.err.Error(), "a version of its own")
		_, before := h.prepare(6, p).Prepared()
		require.True(t, before, "it is as it was")
		p.Runtimes = append([]Runtime{UV(Python{UV: "/no/uv"})}, p.Runtimes...)
		_, before = h.prepare(6, p).Prepared()
		require.True(t, before, "it may be that way, among others")
		other.AsItWas = true
		_, before = h.prepare(7, other).Prepared()
		require.True(t, before, "which will do for a rollback")
	})
}

func TestAPackageThatBringsAnEnvironmentKeepsIt(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, h.stage(fence(1), pack(t, "v2", map[string]string{".venv/bin/own": ""})).err)
		a := h.prepare(1, pythonOf(t, "VERSION", ""))
		require.ErrorIs(t, a.err, ErrConflict)
		require.FileExists(t, h.below("releases/v2/.venv/bin/own"))
	})
}

func TestAnyNameCanBeLinked(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		file, link := "lib/it's $(touch x) \\", "-rf `touch y`"
		require.NoError(t, h.stage(fence(1), pack(t, "v2", map[string]string{file: "content"})).err)
		a := h.prepare(1, Preparation{Base: base, Version: "v2", Runtimes: []Runtime{Entry(link, file, "", true)}})
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "content", read(t, h.below("releases/v2", link)))
		require.NoFileExists(t, h.below("releases/v2/x"))
		require.NoFileExists(t, h.below("releases/v2/y"))
	})
}

func TestWhatWasMadeGoesWithItsRelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, h.stage(fence(1), pack(t, "v2", nil)).err)
		require.NoError(t, h.prepare(1, pythonOf(t, "VERSION", "")).err)
		require.FileExists(t, h.below(".slipway/prepared/v2"))
		h.deploy(2, "v3")
		h.must(Clean(fence(3), base, 1))
		require.NoFileExists(t, h.below(".slipway/prepared/v2"), "clean removed it")
	})
}

func TestNoPreparationIsBuiltOfWhatLeadsOutside(t *testing.T) {
	for _, r := range []Runtime{
		Entry("../app", "a", "", false), Entry("a/b", "a", "", false), Entry("", "a", "", false), Entry("a", "../b", "", false),
		UV(Python{Requirements: "/etc/passwd"}), Fallback(Python{Requirements: "../a"}), Fallback(Python{Index: "a\x00"}),
	} {
		_, err := Prepare(fence(1), Preparation{Base: base, Version: "v2", Runtimes: []Runtime{r}})
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err := Prepare(fence(1), Preparation{Base: base, Version: "v2"})
	require.ErrorIs(t, err, ErrInvalid)
	for _, link := range []string{"", "a/b", "/", "/a/../b", "..", "a\n"} {
		_, err := Publish(fence(1), base, link, "")
		require.ErrorIs(t, err, ErrInvalid, link)
	}
	_, err = Publish(fence(1), base, "a", "../b")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestALinkElsewhereLeadsToWhatRuns(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		token, elsewhere := uint64(2), filepath.Join(h.home, "opt/it's $(here)")
		publish := func(link, inside string) answer {
			t.Helper()
			c, err := Publish(fence(token), base, link, inside)
			require.NoError(t, err)
			return h.run(c, nil)
		}
		for _, link := range []string{elsewhere, "web"} {
			require.NoError(t, publish(link, "").err)
			require.NoError(t, publish(link, "VERSION").err, "in the place of the one that leads to a directory")
			require.NoError(t, publish(link, "VERSION").err)
		}
		token = 3
		h.deploy(token, "v2")
		require.Equal(t, "v2", read(t, elsewhere))
		require.Equal(t, "v2", read(t, h.below("web")))
		require.Equal(t, []string{"it's $(here)"}, names(t, filepath.Dir(elsewhere)), "nothing else is left there")
		require.Equal(t, []string{"VERSION", "last"}, names(t, h.below("current")+"/"), "what the link led to is as it was")

		require.NoError(t, os.MkdirAll(h.below("real"), 0o755))
		for _, link := range []string{"real", "current", h.below("current"), h.below("releases")} {
			require.ErrorIs(t, publish(link, "VERSION").err, ErrNotALink, link)
		}
		h.requireCurrent("v2")
	})
}
