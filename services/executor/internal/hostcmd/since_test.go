package hostcmd

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// told stands before each program on the path and tells what was run, and by which process.
const told = "#!/bin/sh\necho \"${0##*/} $PPID\" >>\"$TOLD\"\nexec \"/usr/bin/${0##*/}\" \"$@\"\n"

// TestAFirstDeploymentTakesFewPrograms counts what CHANGELOG.md counts, but for the login shell
// and the sh that this starts. Each process costs a host a millisecond of CPU.
func TestAFirstDeploymentTakesFewPrograms(t *testing.T) {
	for _, land := range userlands(t)[:2] {
		t.Run(land.name, func(t *testing.T) {
			dir := filepath.Dir(land.shell)
			for _, tool := range strings.Fields("mkdir mv rm cp find xargs awk sed stat wc touch ln readlink flock df tar sha256sum tee dd sync date sort head tail ls cat sleep chmod") {
				require.FileExists(t, "/usr/bin/"+tool)
				require.NoError(t, os.WriteFile(filepath.Join(dir, tool), []byte(told), 0o755))
			}
			land.path = dir
			h := newHost(t, land)
			log := filepath.Join(t.TempDir(), "told")
			h.env = []string{"TOLD=" + log}
			must := built(t)
			h.must(Claim(fence(1))) // the login is known, the application is not
			require.NoError(t, os.Remove(log))
			p := pack(t, "v1", map[string]string{"bin/app": "x"}).plain(t)
			answers := h.session(must(Probe(fence(1), p.release)).Line(), asked(nil,
				must(Stage(fence(1), p.release, p.bundle, "d")), p.data,
				must(Switch(fence(1), p.release, "d")), must(Clean(fence(1), base, 5))))
			require.Len(t, answers, 4)
			for _, a := range answers {
				require.NoError(t, a.err, a.stderr)
			}
			var programs []string
			by := map[string]string{}
			for line := range strings.Lines(read(t, log)) {
				program, parent, _ := strings.Cut(strings.TrimSpace(line), " ")
				programs, by[program] = append(programs, program), parent
			}
			require.Equal(t, strings.Fields("flock mkdir dd sha256sum tar sync ln"), programs)
			require.Equal(t, by["flock"], by["sync"], "the session's shell does it, and none beside it")
			h.requireCurrent("v1")
		})
	}
}

// TestWhatIsWrittenRightAfterStagingIsNoticed stages with each kind of find. Those that look
// at whole seconds take what is written in the same second for older.
func TestWhatIsWrittenRightAfterStagingIsNoticed(t *testing.T) {
	lands := userlands(t)
	linked, hard := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(busybox, filepath.Join(linked, "find")))
	copied, err := exec.Command("cp", busybox, filepath.Join(hard, "busybox")).CombinedOutput()
	require.NoError(t, err, string(copied))
	for _, applet := range []string{"find", "sed", "xargs"} {
		require.NoError(t, os.Link(filepath.Join(hard, "busybox"), filepath.Join(hard, applet)))
	}
	// The marker of the release is no newer then, as where the file system keeps whole seconds.
	ahead := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(ahead, "sync"), []byte("#!/bin/sh\nexec touch -d \"1 hour\" \"$2/../../.slipway/since/v1\"\n"), 0o755))
	at := func(land userland, path string) userland { land.path = path; return land }
	for name, c := range map[string]struct {
		land    userland
		setBack bool
		later   string // the path that it has afterwards
	}{
		"dash":                      {lands[0], false, ""},
		"bash":                      {lands[1], false, ""},
		"busybox":                   {lands[2], true, ""},
		"busybox, another find":     {at(lands[2], "/usr/bin:/bin"), false, ""},
		"a file system of seconds":  {at(lands[0], ahead+":"+lands[0].path), true, ""},
		"a link":                    {at(lands[0], linked+":"+lands[0].path), true, ""},
		"one file with other names": {at(lands[0], hard+":"+lands[0].path), true, ""},
		"none, and one later":       {at(lands[0], without(t, "find")), true, lands[2].path},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, c.land)
			p := pack(t, "v1", shared()).plain(t)
			before := time.Now()
			h.ship(1, p)
			require.Empty(t, h.must(Inspect(base)).All(KeyDrifted))
			require.NoError(t, os.WriteFile(h.below("releases/v1/lib/a"), []byte("X"), 0o644))
			h.path = cmp.Or(c.later, h.path)
			version, files := h.must(Inspect(base)).Drifted()
			require.Equal(t, "v1", version)
			require.Equal(t, 1, files)
			info, err := os.Stat(h.below(".slipway/since/v1"))
			require.NoError(t, err)
			require.Equal(t, c.setBack, info.ModTime().Before(before.Add(-time.Second)), "%s, staged at %s", info.ModTime(), before)
		})
	}
}

func TestAReleaseThatAnEarlierVersionStagedIsJudgedByItsManifest(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.ship(1, pack(t, "v1", shared()))
		require.NoError(t, os.WriteFile(h.below("releases/v1/lib/a"), []byte("X"), 0o644))
		dated := func(path string, from time.Duration) {
			at := time.Now().Add(from)
			require.NoError(t, os.Chtimes(h.below(path), at, at))
		}
		dated(".slipway/since/v1", time.Hour)
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted), "nothing is newer, which is all that is asked")

		require.NoError(t, os.Remove(h.below(".slipway/since/v1")))
		dated(Listing("v1"), time.Hour)
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted))
		dated(Listing("v1"), -time.Hour)
		_, files := h.must(Inspect(base)).Drifted()
		require.Equal(t, 1, files)
	})
}

func TestTheNewestReleaseIsOfferedWhereNoneRuns(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for i, version := range []string{"v1", "v2", "v3"} {
			require.NoError(t, h.stage(fence(uint64(i+1)), pack(t, version, nil)).err)
		}
		offered := func() string {
			b, _ := h.must(Probe(fence(4), pack(t, "v4", nil).release)).Base()
			return b.Version
		}
		ago := func(path string, hours int) {
			at := time.Now().Add(time.Duration(-hours) * time.Hour)
			require.NoError(t, os.Chtimes(h.below(path), at, at))
		}
		ago(".slipway/since/v1", 3)
		ago(".slipway/since/v2", 1)
		ago(".slipway/since/v3", 2)
		require.Equal(t, "v2", offered())

		// An earlier version of Slipway staged it.
		require.NoError(t, os.Remove(h.below(".slipway/since/v3")))
		ago(Listing("v3"), 0)
		require.Equal(t, "v3", offered())
	})
}
