package executor

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/dockertest"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

// dock has a host with a Docker run containers that serve at an address.
type dock struct {
	*runs
	docker *dockertest.Docker
	listen string
}

func newDock(t *testing.T, r contract.Runtime) *dock {
	t.Helper()
	daemon := dockertest.Start(t)
	d := &dock{docker: daemon, listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(proctest.ReservePort(t)))}
	r.Docker.Network, r.Docker.Replace, r.Docker.Restart, r.Docker.Stop = "host", contract.ReplaceStopFirst, "unless-stopped", 10_000
	d.runs = newRuns(t, r, hosttest.WithEnvironment("DOCKER_HOST="+daemon.Host, "PATH="+filepath.Dir(daemon.Program())+":/usr/bin:/bin:/usr/sbin:/sbin"))
	d.work.Environment = []contract.Variable{{Name: "LISTEN", Value: d.listen}}
	return d
}

// version stores a package of a version, whose image is built on the host.
func (d *dock) version(version, dockerfile string) contract.Package {
	d.t.Helper()
	return d.bundle(version, map[string]string{"Dockerfile": dockerfile, "server": string(dockertest.Server(d.t)), "version": version})
}

// deployed has a version deployed that goes well.
func (d *dock) deployed(version string) contract.JobEndedEvent {
	d.t.Helper()
	_, ended := d.deploy(d.version(version, dockertest.Plain))
	require.Equal(d.t, "succeeded", ended.State, "%+v", ended.Failure)
	return ended
}

// served is what the container serves; empty where nobody does.
func (d *dock) served() string {
	response, err := http.Get("http://" + d.listen) //nolint:noctx // on this machine
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

func (d *dock) serves(version string) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return d.served() == version }, patience, 5*time.Millisecond, version)
	require.Equal(d.t, version, d.current())
	require.Equal(d.t, version, d.containers("running"))
}

// containers is the versions of the containers in a state, the newest first.
func (d *dock) containers(state string) string {
	d.t.Helper()
	return strings.ReplaceAll(d.docker.Run("container", "ls", "--all", "--filter", "status="+state, "--format", `{{.Label "slipway.version"}}`), "\n", " ")
}

func TestAReleaseRunsInAContainerThatIsBuiltOnTheHost(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{}})
	id, ended := d.deploy(d.version("1.0", dockertest.Dockerfile))
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Changed: true}, ended)
	require.Equal(t, "started, connect, stage, prepare, switch, restart, clean, succeeded", ran(d.story(id, d.host.Name)))
	d.serves("1.0")
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "2.0", Previous: "1.0", Changed: true}, d.deployed("2.0"))
	d.serves("2.0")

	known := d.work
	d.work = contract.Work{}
	_, ended = d.rollBack("2.0", "")
	require.Equal(t, contract.FailPrepare, ended.Failure.Code, "current would say what does not run")
	d.serves("2.0")
	d.work = known

	id, ended = d.rollBack("2.0", "")
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Previous: "2.0", Changed: true}, ended)
	require.Equal(t, "started, connect, prepare, switch, restart, clean, succeeded", ran(d.story(id, d.host.Name)))
	require.Equal(t, "the release was prepared before", d.prepared(id))
	d.serves("1.0")
	require.Equal(t, "2.0", d.containers("exited"))

	// Containers and images go with their releases, and what was lost is made again.
	for _, version := range []string{"3.0", "4.0", "5.0"} {
		d.deployed(version)
	}
	d.serves("5.0")
	require.Equal(t, "4.0 3.0", d.containers("exited"), "three releases are kept")
	require.Len(t, strings.Fields(d.docker.Run("image", "ls", "--quiet", "--filter", "label=slipway.application=shop")), 3)
	d.docker.Run("container", "prune", "--force")
	d.docker.Run("image", "prune", "--all", "--force")
	id, ended = d.rollBack("5.0", "4.0")
	require.Equal(t, "succeeded", ended.State)
	require.Empty(t, d.prepared(id), "the image is built anew")
	d.serves("4.0")
}

func TestAContainerThatNobodyIsToWatchCountsOnceItWasStartedAndAnImageIsMadeAnew(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{}})
	sick := d.version("sick0", dockertest.Dockerfile)
	_, ended := d.deploy(sick)
	require.Equal(t, "failed", ended.State)
	d.work.Unchecked = true
	_, ended = d.deploy(sick)
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	require.Equal(t, "sick0", d.current())

	id, _ := d.deploy(sick)
	require.Equal(t, "the release was prepared before", d.prepared(id))
	d.work.Runtime.Rebuild = true
	id, ended = d.deploy(sick)
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	require.Empty(t, d.prepared(id), "also where it runs")
}

// TestWhatRanBeforeServesAgain has releases fail that are not what they should be, while
// somebody asks for what is served.
func TestWhatRanBeforeServesAgain(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{}})
	_, ended := d.deploy(d.version("sick0", dockertest.Dockerfile))
	require.Equal(t, "failed", ended.State)
	require.Empty(t, ended.Release)
	require.Equal(t, "nothing ran before, so nothing runs", ended.Note)
	require.NoFileExists(t, d.below("current"))
	require.Empty(t, d.containers("running"))

	d.deployed("1.0")
	stop, answers := make(chan struct{}), sync.Map{}
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				count, _ := answers.LoadOrStore(d.served(), new(atomic.Int64))
				count.(*atomic.Int64).Add(1) //nolint:forcetypeassert // so it was stored
			}
		}
	})
	deployed := func(version, dockerfile, code, reason string) {
		t.Helper()
		d.serves("1.0")
		_, ended := d.deploy(d.version(version, dockerfile))
		require.Equal(t, "failed", ended.State)
		require.Equal(t, code, ended.Failure.Code)
		require.Contains(t, ended.Failure.Reason, reason)
		require.Equal(t, "1.0", ended.Release)
		require.False(t, ended.Changed)
		require.Equal(t, "release 1.0, which ran before, runs again", ended.Note)
		d.serves("1.0")
		require.Empty(t, d.containers("exited"), "of what failed nothing is left")
	}
	deployed("sick2", dockertest.Dockerfile, contract.FailRestart, "the container is not healthy\nthe server is sick")
	settle := &d.work.Runtime.Docker.Settle
	*settle = 10_000 // that it ends is seen only while it is to run: longer than a busy machine needs for it
	deployed("dead3", dockertest.Plain, contract.FailRestart, "the container ended with status 3\nno configuration: giving up")
	*settle = 0
	d.work.Checks = []contract.HostCheck{{Name: "version", HTTP: &contract.HTTPCheck{URL: "http://" + d.listen, Method: "GET", Status: "200", Body: "never"}, Tries: 2, Interval: 1, Timeout: 10_000}}
	deployed("4.0", dockertest.Plain, contract.FailCheck, "version, try 2 of 2")
	d.work.Checks = nil
	d.work.Hooks = []contract.Hook{{Step: "during", Name: "migrate", Command: "exit 1"}}
	deployed("5.0", dockertest.Plain, contract.FailCommand, "migrate")
	close(stop)
	asking.Wait()
	answers.Range(func(served, count any) bool {
		t.Logf("%d times %q was served", count.(*atomic.Int64).Load(), served) //nolint:forcetypeassert // as above
		return true
	})

	// Of a rollback, too.
	d.work.Hooks = nil
	d.deployed("6.0")
	d.docker.Run("container", "rm", d.docker.Run("container", "ls", "--all", "--quiet", "--filter", "label=slipway.version=1.0"))
	d.work.Environment = []contract.Variable{{Name: "LISTEN", Value: "256.0.0.1:1"}}
	*settle = 10_000
	_, ended = d.rollBack("6.0", "")
	*settle = 0
	require.Equal(t, "failed", ended.State)
	require.Equal(t, "6.0", ended.Release)
	d.serves("6.0")
	d.work.Environment = []contract.Variable{{Name: "LISTEN", Value: d.listen}}
	_, ended = d.rollBack("6.0", "")
	require.Equal(t, "succeeded", ended.State)
	d.serves("1.0")
}

// TestAReplacementThatIsCutShortIsCarriedToItsEnd ends the executor, or its connections, while a
// container is on its way.
func TestAReplacementThatIsCutShortIsCarriedToItsEnd(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{}})
	d.deployed("1.0")
	before := "1.0"
	// A sick one is seen to run before it is given up.
	dockerfile := strings.Replace(dockertest.Dockerfile, "--retries=2", "--retries=60", 1)
	for _, c := range []struct {
		version, state, serves string
		cut                    func()
	}{
		{"2.0", "succeeded", "2.0", func() { d.end(); d.end = d.executor(takesUp) }},
		{"sick3", "failed", "2.0", func() { d.end(); d.end = d.executor(takesUp) }},
		{"4.0", "succeeded", "4.0", d.host.KillSessions},
		{"sick5", "failed", "4.0", d.host.KillSessions},
	} {
		d.end()
		d.end = d.executor(crashes)
		d.serves(before)
		id := d.offer(d.host.Name, contract.DeployJob{Application: app, Work: &d.work, Target: d.target(d.host), Package: d.version(c.version, dockerfile)})
		require.Eventually(t, func() bool { return d.containers("running") == c.version }, patience, 5*time.Millisecond, c.version)
		c.cut()
		ended := d.await(id, d.host.Name)
		require.Equal(t, c.state, ended.State, "%s: %+v", c.version, ended.Failure)
		require.Equal(t, c.serves, ended.Release)
		d.serves(c.serves)
		before = c.serves
	}
	require.Equal(t, "2.0 1.0", d.containers("exited"))
}

func TestAnImageOfAnArchiveRuns(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{Archive: "images/shop.tar"}})
	saved := d.docker.Save("shop:1", "1.0", dockertest.Plain)
	_, ended := d.deploy(d.bundle("1.0", map[string]string{"images/shop.tar": string(saved)}))
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	d.serves("1.0")

	d.work.Runtime.Docker.Archive = "."
	_, ended = d.deploy(d.store("2.0", "shop.tar", "tar", d.docker.Save("shop:1", "2.0", dockertest.Plain)))
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	d.serves("2.0")
}

func TestAHostWithoutDockerIsTold(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeDocker, Docker: &contract.Docker{}})
	bare := t.TempDir()
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		programs, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, p := range programs {
			if p.Name() != "docker" {
				_ = os.Symlink(filepath.Join(dir, p.Name()), filepath.Join(bare, p.Name())) // both may have one of a name
			}
		}
	}
	d.host = hosttest.Start(t, 1, hosttest.WithEnvironment("PATH="+bare))[0]
	p := d.version("1.0", dockertest.Plain)
	_, ended := d.deploy(p)
	require.Equal(t, contract.FailMissingTool, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "docker is not installed")
	require.NoFileExists(t, d.below("current"))

	// Where each host decides for itself, this one does without.
	d.work.Runtime.Kind = contract.RuntimeAuto
	d.work.Runtime.Python = &contract.Python{Offline: true}
	p = d.bundle("2.0", map[string]string{"Dockerfile": dockertest.Plain, "requirements.txt": ""})
	id, ended := d.deploy(p)
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	require.Regexp(t, "^the host has (uv|fallback)$", d.prepared(id))
}

func TestAHostThatDecidesTakesDocker(t *testing.T) {
	d := newDock(t, contract.Runtime{Kind: contract.RuntimeAuto, Docker: &contract.Docker{}})
	id, ended := d.deploy(d.version("1.0", dockertest.Plain))
	require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
	require.Equal(t, "the host has docker", d.prepared(id))
	d.serves("1.0")
}
