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
	for name, build := range map[string]func() (string, error){
		"probe":       func() (string, error) { return Probe(f, nasty, 5000) },
		"stage":       func() (string, error) { return Stage(f, nasty, bundle, "cq3kd") },
		"manifest":    func() (string, error) { return Manifest("-web", "1.4.0") },
		"switch":      func() (string, error) { return Switch(f, nasty, "cq3kd") },
		"rollback":    func() (string, error) { return Rollback(f, "/srv/web", "1.4.0", "", "cq3kd") },
		"rollback-to": func() (string, error) { return Rollback(f, "/srv/web", "1.4.0", "1.3.9", "cq3kd") },
		"claim":       func() (string, error) { return Claim(f) },
		"perform": func() (string, error) {
			return Perform(f, Task{Base: "/srv/web", Deployment: "cq3kd", Command: `it's "$SLIPWAY_TO" \ ü`})
		},
		"perform-hook": func() (string, error) {
			return Perform(f, Task{
				Base: "/srv/web", Version: "1.4.0", Deployment: "cq3kd", Mark: "during-0", User: "www-data", Script: "bin/it's $(here)",
			})
		},
		"try":   func() (string, error) { return Try(f, nasty, "cq3kd") },
		"prove": func() (string, error) { return Prove(f, "/srv/web", "1.4.0", "cq3kd") },
		"share": func() (string, error) {
			return Share(f, "/srv/web", "1.4.0", Shared{Files: []string{"config/it's $(here)"}, Directories: []string{"log", "-rf"}})
		},
		"clean":   func() (string, error) { return Clean(f, "-web", 5) },
		"tail":    func() (string, error) { return Tail("/srv/web", "shared/log/it's $(here)", 200, 65536) },
		"inspect": func() (string, error) { return Inspect("/srv/web") },
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
			require.Less(t, len(got), 16<<10, "small beside a packet or two, and far below ARG_MAX")
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
