package hostcmd

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/*.golden from what the commands are now")

// TestWireText pins every byte that a host is sent.
func TestWireText(t *testing.T) {
	f := Fence{Installation: "4kq0c2", Token: 42, Wait: 20e9}
	nasty := Release{Base: `it's "$(here)" \ -rf größe`, Version: "1.4.0-rc.1+b7", Digest: digestOf("package")}
	bundle := Bundle{How: Linked, Codec: "zstd", SHA256: digestOf("bundle"), Size: 123456, Manifest: digestOf("manifest"), Files: 12, Paths: 15, Unpacked: 234567}
	hook := Task{
		Base: "/srv/web", Version: "1.4.0", Deployment: "cq3kd", Mark: "during-0", User: "www-data", Script: "bin/it's $(here)",
		Environment: []Variable{{"SLIPWAY_TO", "green"}},
	}
	shared := Shared{Files: []string{"config/it's $(here)"}, Directories: []string{"log", "-rf"}}
	prepared := Preparation{Base: "/srv/web", Version: "1.4.0", Runtimes: []Runtime{UV(Python{UV: "/opt/it's $(here)"}), Fallback(Python{})}}
	container := Container{
		Application: Application{Base: "/srv/web", Name: "web", Deployment: "cq3kd", StopWait: 10e9}, Version: "1.4.0", Order: StopFirst, Settle: 5e9,
		Restart: "unless-stopped", Network: "host", User: "1000:1000", Ports: []Port{{"127.0.0.1", 8080, 80, "tcp"}},
		Mounts: []Mount{{"/srv/it's here", "/data", true}}, Command: []string{"serve", "it's $(here)"}, Environment: []Variable{{"LISTEN", "it's"}},
	}
	conf := File{Directory: "/etc/it's $(here)/conf.d", Name: "web.conf", Content: "[program:web]\n"}
	line := func(c Command, err error) (string, error) { return c.Line(), err }
	request := func(c Command, err error) (string, error) { return strings.TrimSuffix(c.Request(), "\n"), err }
	for name, build := range map[string]func() (string, error){
		"inspect":           func() (string, error) { return line(Inspect("/srv/web")) },
		"manifest":          func() (string, error) { return line(Manifest("-web", "1.4.0")) },
		"tail":              func() (string, error) { return line(Tail("/srv/web", "shared/log/it's $(here)", 200, 65536)) },
		"session-deploy":    func() (string, error) { return line(Probe(f, nasty)) },
		"session-rollback":  func() (string, error) { return line(Look(f, "/srv/web", "1.4.0", "", "cq3kd")) },
		"session-prepare":   func() (string, error) { return line(Prepare(f, prepared)) },
		"session-command":   func() (string, error) { return line(Claim(f)) },
		"probe":             func() (string, error) { return request(Probe(f, nasty)) },
		"stage":             func() (string, error) { return request(Stage(f, nasty, bundle, "cq3kd")) },
		"share":             func() (string, error) { return request(Share(f, "/srv/web", "1.4.0", shared)) },
		"switch":            func() (string, error) { return request(Switch(f, nasty, "cq3kd")) },
		"try":               func() (string, error) { return request(Try(f, nasty, "cq3kd")) },
		"prove":             func() (string, error) { return request(Prove(f, "/srv/web", "1.4.0", "cq3kd")) },
		"clean":             func() (string, error) { return request(Clean(f, "-web", 5)) },
		"look":              func() (string, error) { return request(Look(f, "/srv/web", "1.4.0", "", "cq3kd")) },
		"rollback":          func() (string, error) { return request(Rollback(f, "/srv/web", "1.4.0", "", "cq3kd")) },
		"rollback-to":       func() (string, error) { return request(Rollback(f, "/srv/web", "1.4.0", "1.3.9", "cq3kd")) },
		"session-container": func() (string, error) { return line(Settle(f, container.Application)) },
		"replace":           func() (string, error) { return request(Replace(f, container)) },
		"settle":            func() (string, error) { return request(Settle(f, container.Application)) },
		"bring-back":        func() (string, error) { return request(BringBack(f, container.Application, "1.4.0")) },
		"sweep":             func() (string, error) { return request(Sweep(f, container.Application)) },
		"prepare-docker": func() (string, error) {
			return request(Prepare(f, Preparation{Base: "/srv/web", Version: "1.4.0", Runtimes: []Runtime{Docker(Image{From: "build", Source: "Dockerfile", Context: "."})}}))
		},
		"claim":        func() (string, error) { return request(Claim(f)) },
		"session-init": func() (string, error) { return line(Install(f, "/srv/web", "cq3kd", conf)) },
		"install":      func() (string, error) { return request(Install(f, "/srv/web", "cq3kd", conf)) },
		"restore":      func() (string, error) { return request(Restore(f, "/srv/web", "cq3kd", conf)) },
		"perform": func() (string, error) {
			return request(Perform(f, Task{Base: "/srv/web", Deployment: "cq3kd", Command: `it's "$SLIPWAY_TO" \ ü`}))
		},
		"prepare": func() (string, error) {
			return request(Prepare(f, Preparation{Base: "/srv/web", Version: "1.4.0", Runtimes: []Runtime{Entry("app.jar", "", ".jar", false)}}))
		},
		"publish":      func() (string, error) { return request(Publish(f, "/srv/web", "/opt/it's.jar", "app.jar")) },
		"perform-hook": func() (string, error) { return request(Perform(f, hook)) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := build()
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got+"\n"), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test -run TestWireText -update")
			require.Equal(t, string(want), got+"\n")
			require.Less(t, len(got), 24<<10, "small beside a packet, and far below ARG_MAX")
		})
	}
}

// TestTextOfOwnTasks pins what is run on a host beside the scripts.
func TestTextOfOwnTasks(t *testing.T) {
	unit := RestartUnit("shop@1.service", true)
	require.Equal(t, []Variable{{"SLIPWAY_UNIT", "shop@1.service"}, {"SLIPWAY_SCOPE", "user"}}, unit.Environment)
	require.Equal(t, `if [ "$SLIPWAY_SCOPE" = user ]; then
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
exec systemctl --user restart -- "$SLIPWAY_UNIT"
fi
[ "$(id -u)" != 0 ] || exec systemctl restart -- "$SLIPWAY_UNIT"
exec sudo -n systemctl restart -- "$SLIPWAY_UNIT"`, unit.Command)
	require.Equal(t, unit.Command, RestartUnit("other", false).Command)
	require.Equal(t, Variable{"SLIPWAY_SCOPE", "system"}, RestartUnit("other", false).Environment[1])
	require.Equal(t, []Variable{{"SLIPWAY_PIDFILE", ""}, {"SLIPWAY_PATTERN", "shop"}, {"SLIPWAY_FOR", "5"}}, FindPattern("shop", 5900e6).Environment)
	require.Equal(t, []Variable{{"SLIPWAY_PIDFILE", "/run/a"}, {"SLIPWAY_PATTERN", ""}, {"SLIPWAY_FOR", "0"}}, FindPidfile("/run/a", 0).Environment)
	require.Equal(t, aliveScript, FindPidfile("/run/a", 0).Command)
}

func TestScriptsNeedNoEscaping(t *testing.T) {
	scripts, err := files.ReadDir("scripts")
	require.NoError(t, err)
	for _, entry := range scripts {
		text, err := files.ReadFile("scripts/" + entry.Name())
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") {
				require.NotContains(t, line, "'", entry.Name())
				require.NotContains(t, line, `\`, entry.Name())
			}
		}
	}
}
