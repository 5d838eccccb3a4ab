package executor

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// lives are hosts that go through the same deployments, each cut off at a point of its
// own.
type lives struct {
	*system
	hosts []*hosttest.Host
	ways  []*cutting
	ids   [][]string // of a host's deployments
	work  *contract.Work
	one   contract.Package
	two   contract.Package // shares a file with the first
}

func (s *system) lives(n int) *lives {
	s.t.Helper()
	l := &lives{system: s, hosts: hosttest.Start(s.t, n), ids: make([][]string, n), work: around()}
	for _, h := range l.hosts {
		l.ways = append(l.ways, newCutting(s.t, h))
		require.NoError(s.t, os.MkdirAll(filepath.Join(h.Home, app.Path, "shared"), 0o755))
		require.NoError(s.t, os.WriteFile(filepath.Join(h.Home, app.Path, "shared/.env"), []byte("x"), 0o600))
	}
	l.work.Linked = &contract.Linked{Files: []string{".env"}, Directories: []string{"log"}}
	for i := range l.work.Hooks {
		l.work.Hooks[i].Command = confession
	}
	l.work.Restart.Command, l.work.Checks[0].Command = `echo restart >>"$HOME/told"`, `echo check >>"$HOME/told"`
	same := noise("same", 100_000)
	l.one = s.pack("1.0", map[string][]byte{"VERSION": []byte("1.0"), "same": same})
	l.two = s.pack("2.0", map[string][]byte{"VERSION": []byte("2.0"), "same": same, "more": noise("more", 50_000)})
	return l
}

// confession is a hook that writes down which one it is, and what has ended well by
// then: if it is run after it has, it says so itself.
const confession = `echo "$SLIPWAY_HOOK:" $(ls "$HOME/apps/shop/.slipway/hooks/$SLIPWAY_DEPLOYMENT") >>"$HOME/told"`

// stories are the deployments that a host goes through.
var stories = []struct {
	name string
	job  func(*lives, contract.Target) contract.Body
}{
	{"first", func(l *lives, t contract.Target) contract.Body {
		return contract.DeployJob{Application: app, Work: l.work, Target: t, Package: l.one}
	}},
	{"next", func(l *lives, t contract.Target) contract.Body {
		return contract.DeployJob{Application: app, Work: l.work, Target: t, Package: l.two}
	}},
	{"rollback", func(l *lives, t contract.Target) contract.Body {
		return contract.RollbackJob{Application: app, Work: l.work, Target: t, From: "2.0"}
	}},
}

// offer gives a host its part of a story, on a way that breaks so.
func (l *lives) offer(i, story int, rule breach) {
	l.t.Helper()
	l.ways[i].arm(rule)
	target := l.target(l.hosts[i])
	target.Address, target.Port = "127.0.0.1", l.ways[i].port
	l.ids[i] = append(l.ids[i], l.system.offer(l.hosts[i].Name, stories[story].job(l, target)))
}

// last is the deployment that a host was offered last.
func (l *lives) last(i int) string { return l.ids[i][len(l.ids[i])-1] }

// fate is what came of a story on a host.
type fate struct {
	ended contract.JobEndedEvent
	files []string // all that lies in the home: names, where links lead, and what the applications say
	told  []string // what ran for the application
	story []contract.Message
}

// fate waits until the host's part has ended.
func (l *lives) fate(i int) fate {
	l.t.Helper()
	h, id := l.hosts[i], l.last(i)
	f := fate{ended: l.await(id, h.Name), story: l.story(id, h.Name)}
	f.ended.Note = ""
	f.told = strings.Split(told(l.t, h), "\n")
	require.Eventually(l.t, func() bool { return lockIsFree(h) }, patience, 5*time.Millisecond, "something holds the lock of the host")
	names := []string{h.Name, "HOST", l.bus.Installation(), "INSTALLATION"}
	for n, id := range l.ids[i] {
		names = append(names, id, "DEPLOYMENT-"+stories[n].name)
	}
	f.files = lying(l.t, h.Home, strings.NewReplacer(names...))
	return f
}

// lying is all that lies in a directory, by names that are the same everywhere.
func lying(t *testing.T, dir string, anonymous *strings.Replacer) (files []string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line := d.Type().String() + " " + path
		if to, err := root.Readlink(path); err == nil {
			line += " -> " + to
		}
		if d.Name() == "VERSION" {
			content, err := root.ReadFile(path)
			if err != nil {
				return err
			}
			line += ": " + string(content)
		}
		files = append(files, anonymous.Replace(line))
		return nil
	}))
	return files
}

// lockIsFree says whether no command is at work on the host.
func lockIsFree(h *hosttest.Host) bool {
	f, err := os.Open(filepath.Join(h.Home, ".slipway/lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// follow looks at current of all hosts over and over, as programs do that run from it,
// until the test ends: once it is there it stays, and leads to a whole release.
func (l *lives) follow() {
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		seen := make([]bool, len(l.hosts))
		for ticker := time.NewTicker(2 * time.Millisecond); ; {
			for i, h := range l.hosts {
				wrong, there := lookAt(filepath.Join(h.Home, app.Path))
				seen[i] = seen[i] || there
				if wrong != "" || seen[i] && !there {
					l.t.Errorf("%s: current is there: %v; %s", h.Name, there, wrong)
				}
			}
			select {
			case <-ticker.C:
			case <-stop:
				ticker.Stop()
				return
			}
		}
	})
	l.t.Cleanup(func() {
		close(stop)
		watching.Wait()
	})
}

// lookAt opens what current leads to and says what it lacks, if anything.
func lookAt(base string) (wrong string, there bool) {
	release, err := os.OpenRoot(filepath.Join(base, "current"))
	if os.IsNotExist(err) {
		return "", false
	}
	if err != nil {
		return err.Error(), true
	}
	defer release.Close()
	version, err := release.ReadFile("VERSION")
	if err != nil {
		return err.Error(), true
	}
	if _, err := os.Stat(filepath.Join(base, ".slipway/releases", string(version))); err != nil {
		return err.Error(), true
	}
	if same, err := release.Stat("same"); err != nil || same.Size() != 100_000 {
		return string(version) + " has not all of its files", true
	}
	for _, link := range []string{".env", "log"} {
		if info, err := release.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return string(version) + " is not linked to what is shared", true
		}
	}
	return "", true
}

// requireSame says that a host which was cut off is as one that was not, and that what
// ended well was not done again.
func requireSame(t *testing.T, want, got fate, when string) {
	t.Helper()
	require.Equal(t, want.ended, got.ended, when)
	require.Equal(t, want.files, got.files, when)
	var told []string
	for _, line := range got.told {
		if !slices.Contains(told, line) { // what was cut short is done again, and confesses the same
			told = append(told, line)
		}
	}
	require.Equal(t, want.told, told, when)
	require.Equal(t, 1, strings.Count(steps(got.story), string(deploy.Succeeded)+", "+string(deploy.Succeeded)), when)
}

// stepAt is the step that was under way when the way broke.
func stepAt(story []contract.Message, broke *cut) string {
	for _, m := range story {
		switch b := m.Body.(type) {
		case contract.JobStepEvent:
			if b.EndedAt != nil && broke.when.Before(*b.EndedAt) {
				return b.Step
			}
		case contract.JobEndedEvent:
			if b.Step != nil {
				return b.Step.Step
			}
		}
	}
	return ""
}

// uncut goes through all stories, and returns what came of each, and how many points
// each has.
func (s *system) uncut() (fates []fate, points []int) {
	s.t.Helper()
	l := s.lives(1)
	for story := range stories {
		l.offer(0, story, breach{at: never})
		fates = append(fates, l.fate(0))
		require.Equal(s.t, string(deploy.Succeeded), fates[story].ended.State)
		n, _ := l.ways[0].state()
		points = append(points, n)
	}
	return fates, points
}

func TestAHostThatIsCutOffAtAnyPointOfAnyStepIsAsIfItWereNot(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.Slots = 8 })
	want, points := s.uncut()
	l := s.lives(slices.Max(points)/2 + 1)
	l.follow()
	hosts, cuts := l.hosts, map[string][2]int{} // of a step, by who was about to speak
	for story, kind := range stories {
		hosts = hosts[:min(len(hosts), points[story]/2+1)] // who has no part in a story has none in the next
		at := func(i int) int { return 2*i + story%2 }     // the points of a deployment are those of the next as well
		for i := range hosts {
			l.offer(i, story, breach{at: at(i), deaf: i%2 == 0})
		}
		for i := range hosts {
			got, when := l.fate(i), fmt.Sprintf("%s, cut at %d", kind.name, at(i))
			requireSame(t, want[story], got, when)
			require.Equal(t, ran(want[story].story), ran(got.story), when)
			_, broke := l.ways[i].state()
			if broke == nil {
				continue // it takes a point less now and then
			}
			if broke.sayer == client { // all before it was answered, and it did not reach the host
				require.Equal(t, want[story].told, got.told, when)
			}
			step := stepAt(got.story, broke)
			n := cuts[step]
			n[broke.sayer]++
			cuts[step] = n
		}
	}
	t.Log("requests and answers that were lost:", cuts)
	for _, step := range deploy.KindDeploy.Steps(l.work.Domain(deploy.KindDeploy)) {
		n := cuts[string(step)] // points move a little from host to host, so there is no exact number
		require.GreaterOrEqual(t, n[client]+n[host], 3, step)
	}
}

// TestWhatAnExecutorLeftAtAnyPointAnotherTakesUp has an executor end while each of its
// hosts is at another point: what it asked for there, or what it is told, is on its way.
func TestWhatAnExecutorLeftAtAnyPointAnotherTakesUp(t *testing.T) {
	const every = 5 // odd: who is about to speak changes
	s := newSystem(t)
	stop := s.executor(nil)
	want, points := s.uncut()
	stop()
	l := s.lives(slices.Max(points)/every + 1)
	l.follow()
	for story, kind := range stories {
		stop := s.executor(func(c *Config) { crashes(c); c.Slots = len(l.hosts) })
		for i := range l.hosts {
			l.offer(i, story, breach{at: i*every + story, deaf: i%4 < 2, stall: true})
		}
		for i, h := range l.hosts {
			require.Eventually(t, func() bool {
				_, broke := l.ways[i].state()
				return broke != nil || strings.HasSuffix(steps(s.story(l.last(i), h.Name)), "succeeded, succeeded")
			}, patience, 5*time.Millisecond, "%s, to be left at %d", kind.name, i*every+story)
		}
		stop()
		stop = s.executor(takesUp)
		for i := range l.hosts {
			requireSame(t, want[story], l.fate(i), fmt.Sprintf("%s, left at %d", kind.name, i*every+story))
		}
		stop()
	}
}
