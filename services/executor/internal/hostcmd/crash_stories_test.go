package hostcmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// crash is a step that is killed, on a host that is as before leaves it.
type crash struct {
	before func(h *host)
	step   func(token uint64) Command
	stdin  []byte
	then   func(token uint64) []any // what else the session is asked for, as asked takes it
	whole  *payload                 // a repeat sends all of it, as an executor does that is told that everything lacks
	want   string                   // current in the end
	kept   []string                 // releases in the end
	runs   []string                 // what current may be after a crash
	end    func(h *host)
	stale  bool // a marker without a release is there, so not all that has a marker is whole
}

// crashes are all of them, by name.
func crashes(t *testing.T) map[string]crash {
	t.Helper()
	all := map[string]crash{}
	for _, group := range []func(*testing.T) map[string]crash{stagings, additions, switches, preparations, upkeeps} {
		for name, c := range group(t) {
			require.NotContains(t, all, name)
			all[name] = c
		}
	}
	return all
}

// three has three releases on a host, of which the last runs.
func three(h *host) {
	for i, version := range []string{"v1", "v2", "v3"} {
		h.deploy(uint64(i+1), version)
	}
}

// stagings bring a whole release to the host, or begin to.
func stagings(t *testing.T) map[string]crash {
	t.Helper()
	v1, v2, v3 := pack(t, "v1", nil), pack(t, "v2", nil), pack(t, "v3", nil)
	step := built(t)
	return map[string]crash{
		"first probe": {
			before: func(*host) {},
			step:   func(n uint64) Command { return step(Probe(fence(n), v1.release)) },
			kept:   []string{}, runs: []string{""},
		},
		"a session of all steps": {
			before: func(h *host) { h.deploy(1, "v1"); h.deploy(2, "v2") },
			step:   func(n uint64) Command { return step(Probe(fence(n), v3.release)) },
			then: func(n uint64) []any {
				return []any{
					step(Stage(fence(n), v3.release, v3.bundle, "d")), v3.data,
					step(Switch(fence(n), v3.release, "d")), step(Clean(fence(n), base, 3)),
				}
			},
			want: "v3", kept: []string{"v1", "v2", "v3"}, runs: []string{"v2", "v3"},
		},
		"first stage": {
			before: func(*host) {},
			step:   func(n uint64) Command { return step(Stage(fence(n), v1.release, v1.bundle, "d")) },
			stdin:  v1.data,
			kept:   []string{"v1"}, runs: []string{""},
		},
		"stage over leftovers": {
			before: func(h *host) {
				h.deploy(1, "v1")
				require.NoError(h.t, os.MkdirAll(h.below("releases/v2/half"), 0o755))
				require.NoError(h.t, os.MkdirAll(h.below(".slipway/stage/tree/v2"), 0o755))
			},
			step:  func(n uint64) Command { return step(Stage(fence(n), v2.release, v2.bundle, "d")) },
			stdin: v2.data,
			want:  "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
		"stage over a marker without a release": {
			before: func(h *host) {
				h.deploy(1, "v1")
				require.NoError(h.t, os.WriteFile(h.below(".slipway/releases/v2"), []byte("digest="+digestOf("other")+"\n"), 0o644))
			},
			step:  func(n uint64) Command { return step(Stage(fence(n), v2.release, v2.bundle, "d")) },
			stdin: v2.data,
			want:  "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"}, stale: true,
		},
	}
}

// additions are of releases that take files from the one before.
func additions(t *testing.T) map[string]crash {
	t.Helper()
	s1, s2 := pack(t, "v1", shared()), pack(t, "v2", shared("b/new"))
	linked, rest := s2.linked(t, s1), s2.rest(t, Lacks{Ranges: [][2]int{{0, s2.summary.Files - 1}}})
	step := built(t)
	return map[string]crash{
		"stage with links": {
			before: func(h *host) { h.ship(1, s1) },
			step:   func(n uint64) Command { return step(Stage(fence(n), s2.release, linked.bundle, "d")) },
			stdin:  linked.data,
			want:   "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
		"stage of the rest": {
			before: func(h *host) {
				h.ship(1, s1)
				require.NoError(h.t, os.WriteFile(h.below("releases/v1/lib/a"), nil, 0o644))
				require.NoError(h.t, h.stage(fence(1), linked).err)
			},
			step:  func(n uint64) Command { return step(Stage(fence(n), s2.release, rest.bundle, "d")) },
			stdin: rest.data, whole: &s2,
			want: "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
		},
	}
}

// switches have current lead elsewhere.
func switches(t *testing.T) map[string]crash {
	t.Helper()
	v1, v3 := pack(t, "v1", nil), pack(t, "v3", nil)
	step := built(t)
	return map[string]crash{
		"first switch": {
			before: func(h *host) { require.NoError(h.t, h.stage(fence(1), v1).err) },
			step:   func(n uint64) Command { return step(Switch(fence(n), v1.release, "d")) },
			want:   "v1", kept: []string{"v1"}, runs: []string{"", "v1"},
		},
		"switch": {
			before: func(h *host) { h.deploy(1, "v1"); h.deploy(2, "v2"); require.NoError(h.t, h.stage(fence(3), v3).err) },
			step:   func(n uint64) Command { return step(Switch(fence(n), v3.release, "d")) },
			want:   "v3", kept: []string{"v1", "v2", "v3"}, runs: []string{"v2", "v3"},
		},
		"rollback": {
			before: three,
			step:   func(n uint64) Command { return step(Rollback(fence(n), base, "v3", "", "back")) },
			want:   "v2", kept: []string{"v1", "v2", "v3"}, runs: []string{"v3", "v2"},
		},
		"rollback to a version": {
			before: three,
			step:   func(n uint64) Command { return step(Rollback(fence(n), base, "v3", "v1", "back")) },
			want:   "v1", kept: []string{"v1", "v2", "v3"}, runs: []string{"v3", "v1"},
		},
		"switch on trial, and its proof": {
			before: func(h *host) { h.deploy(1, "v1"); h.deploy(2, "v2"); require.NoError(h.t, h.stage(fence(3), v3).err) },
			step:   func(n uint64) Command { return step(Try(fence(n), v3.release, "d")) },
			then:   func(n uint64) []any { return []any{step(Prove(fence(n), base, "v3", "d"))} },
			want:   "v3", kept: []string{"v1", "v2", "v3"}, runs: []string{"v2", "v3"},
			end: func(h *host) { require.FileExists(h.t, h.below(".slipway/successful/v3")) },
		},
	}
}

// preparations make of a release what can be run.
func preparations(t *testing.T) map[string]crash {
	t.Helper()
	v2 := pack(t, "v2", nil)
	jar := Preparation{Base: base, Version: "v2", Runtimes: []Runtime{Entry("app.jar", "VERSION", "", false)}}
	python := pythonOf(t, "VERSION", "")
	step := built(t)
	return map[string]crash{
		"link": {
			before: func(h *host) { h.deploy(1, "v1"); h.stageShared(2) },
			step:   func(n uint64) Command { return step(Share(fence(n), base, "v2", sharing)) },
			want:   "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
			end: func(h *host) { h.requireShared("v2") },
		},
		"link to what is run": {
			before: func(h *host) { h.deploy(1, "v1"); require.NoError(h.t, h.stage(fence(2), v2).err) },
			step:   func(n uint64) Command { return step(Prepare(fence(n), jar)) },
			stdin:  []byte(jar.Content()),
			want:   "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
			end: func(h *host) { require.FileExists(h.t, h.below("releases/v2/app.jar")) },
		},
		"a link elsewhere": {
			before: func(h *host) { h.deploy(1, "v1"); require.NoError(h.t, os.Symlink("/elsewhere", h.below("web"))) },
			step:   func(n uint64) Command { return step(Publish(fence(n), base, "web", "")) },
			want:   "v1", kept: []string{"v1"}, runs: []string{"v1"},
			end: func(h *host) { require.Equal(h.t, "v1", read(t, h.below("web/VERSION"))) },
		},
		"environment over what was made otherwise": {
			before: func(h *host) {
				h.deploy(1, "v1")
				require.NoError(h.t, h.stage(fence(2), v2).err)
				require.NoError(h.t, h.prepare(2, pythonOf(t, "VERSION", "other")).err)
			},
			step:  func(n uint64) Command { return step(Prepare(fence(n), python)) },
			stdin: []byte(python.Content()),
			want:  "v1", kept: []string{"v1", "v2"}, runs: []string{"v1"},
			end: func(h *host) { require.FileExists(h.t, h.below("releases/v2/.venv/installed")) },
		},
	}
}

// upkeeps change what lies around the release that runs.
func upkeeps(t *testing.T) map[string]crash {
	t.Helper()
	conf := File{Directory: t.TempDir(), Name: "shop.conf", Content: "[program:shop]\n"}
	resetConf := func() {
		require.NoError(t, os.WriteFile(filepath.Join(conf.Directory, conf.Name), []byte("[program:old]\n"), 0o644))
	}
	step := built(t)
	return map[string]crash{
		"clean": {
			before: func(h *host) {
				three(h)
				h.deploy(4, "v4")
				require.NoError(h.t, os.MkdirAll(h.below("releases/half"), 0o755))
			},
			step: func(n uint64) Command { return step(Clean(fence(n), base, 1)) },
			want: "v4", kept: []string{"v3", "v4"}, runs: []string{"v4"},
		},
		"install": {
			before: func(h *host) { h.deploy(1, "v1"); resetConf() },
			step:   func(n uint64) Command { return step(Install(fence(n), base, "d", conf)) },
			stdin:  []byte(conf.Content),
			want:   "v1", kept: []string{"v1"}, runs: []string{"v1"},
			end: func(h *host) {
				require.Equal(h.t, []string{conf.Name}, names(h.t, conf.Directory))
				content, err := os.ReadFile(filepath.Join(conf.Directory, conf.Name))
				require.NoError(h.t, err)
				require.Equal(h.t, conf.Content, string(content))
				resetConf()
			},
		},
	}
}
