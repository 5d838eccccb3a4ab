package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// watchPause is how long a watcher rests between two looks. A link that is replaced by removing and making it is away for
// some ten microseconds; over hundreds of switches the watchers would see that, and leave the processor to the tests.
const watchPause = time.Millisecond

// watch looks at what current points at on each host, over and over, until the test ends. From the first release on, the
// link must never be missing or lead to a release that is not there whole; and the highest token that the host has seen
// must never sink. Each breach fails the test.
func watch(t testing.TB, hosts []*hosttest.Host) {
	t.Helper()
	stop := startWatching(t, hosts, watchPause)
	t.Cleanup(func() {
		for _, w := range stop() {
			if w.breach != nil {
				t.Errorf("%s: %v", w.host.Name, w.breach)
			}
		}
	})
}

// startWatching has each host looked at, with a pause between two looks, until the function that it returns is called,
// which returns what was seen, in the order of the hosts. A watcher ends at the first breach.
func startWatching(t testing.TB, hosts []*hosttest.Host, pause time.Duration) (stop func() []watcher) {
	t.Helper()
	done := make(chan struct{})
	var watching sync.WaitGroup
	watchers := make([]watcher, len(hosts))
	for i, h := range hosts {
		watchers[i] = watcher{host: h, base: filepath.Join(h.Home, appPath)}
		w := &watchers[i]
		watching.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(pause):
				}
				if w.breach = w.look(); w.breach != nil {
					return
				}
			}
		})
	}
	stop = sync.OnceValue(func() []watcher {
		close(done)
		watching.Wait()
		looks, switches := 0, 0
		for _, w := range watchers {
			looks += w.looks
			switches += len(w.ran)
		}
		t.Logf("current was looked at %d times over %d switches", looks, switches)
		return watchers
	})
	t.Cleanup(func() { stop() })
	return stop
}

// watcher is what is known of one host.
type watcher struct {
	host  *hosttest.Host
	base  string
	link  string   // what current was at the last look
	token uint64   // the highest that the host has seen
	ran   []string // versions, in the order in which they were seen
	looks int

	breach error // what must not be, as it was seen
}

func (w *watcher) look() error {
	w.looks++
	link, err := os.Readlink(filepath.Join(w.base, "current"))
	switch {
	case os.IsNotExist(err) && w.link == "":
		return nil
	case err != nil:
		return fmt.Errorf("current was %q and is away: %w", w.link, err)
	}
	// Every look sees whether the release is there; a new link, and one look in a few hundred, whether it is whole.
	closely := link != w.link || w.looks%256 == 0
	if !closely {
		_, err = os.Stat(filepath.Join(w.base, link, manifestName))
	} else {
		err = checkRelease(filepath.Join(w.base, link))
	}
	if err != nil {
		// Between the look at the link and that at the release, others may have been switched to and this one removed.
		if now, again := os.Readlink(filepath.Join(w.base, "current")); again == nil && now != link {
			return nil
		}
		return fmt.Errorf("current points at %q, which is not complete: %w", link, err)
	}
	if link != w.link {
		w.link, w.ran = link, append(w.ran, filepath.Base(link))
	}
	if closely {
		return w.lookAtToken()
	}
	return nil
}

// lookAtToken reads the fence of the host: one file for each installation and server, of which there is one. One that is
// being written has a name with a dot.
func (w *watcher) lookAtToken() error {
	files, err := filepath.Glob(filepath.Join(w.host.Home, ".slipway", "fence", "[^.]*"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("fences on the host: %q, %w", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	token, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return fmt.Errorf("the fence of the host: %w", err)
	}
	if token < w.token {
		return fmt.Errorf("the fence of the host sank from %d to %d", w.token, token)
	}
	w.token = token
	return nil
}

func TestAWatcherSeesEveryBreach(t *testing.T) {
	h := &hosttest.Host{Home: t.TempDir()}
	base := filepath.Join(h.Home, appPath)
	release, link, fence := filepath.Join(base, "releases", "v1"), filepath.Join(base, "current"), filepath.Join(h.Home, ".slipway", "fence", "x")
	write := func(file, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	for name, text := range contentOf("v1", 0) {
		write(filepath.Join(release, name), text)
	}
	write(fence, "7\n")
	w := watcher{host: h, base: base}
	require.NoError(t, w.look(), "there is no release yet")
	require.NoError(t, os.Symlink("releases/v1", link))
	require.NoError(t, w.look())

	require.NoError(t, os.Remove(link))
	require.ErrorContains(t, w.look(), "is away")
	require.NoError(t, os.Symlink("releases/v2", link))
	require.ErrorContains(t, w.look(), "not complete")

	require.NoError(t, os.Rename(release, filepath.Join(base, "releases", "v2")))
	write(fence, "6\n")
	require.ErrorContains(t, w.look(), "sank from 7 to 6")
	write(filepath.Join(base, "releases", "v2", "VERSION"), "v")
	w.link = ""
	require.ErrorContains(t, w.look(), "not what was shipped")
}
