package hostcmd

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/dockertest"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

// dock is a host that has Docker.
type dock struct {
	*host
	*dockertest.Docker
	listen string // where its containers serve
	token  uint64
}

func newDock(t *testing.T, h *host, d *dockertest.Docker) *dock {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.Symlink(d.Program(), filepath.Join(bin, "docker")))
	h.path = bin + ":" + h.path
	h.env = []string{"DOCKER_HOST=" + d.Host}
	return &dock{host: h, Docker: d, listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(proctest.ReservePort(t)))}
}

// application is that of a deployment which brings this version.
func (d *dock) application(version string) Application {
	return Application{Base: base, Name: "shop", Deployment: "dep-" + version, StopWait: 10 * time.Second}
}

func (d *dock) container(version string) Container {
	return Container{
		Application: d.application(version), Version: version, Order: StopFirst, Restart: "unless-stopped", Network: "host",
		Environment: []Variable{{"LISTEN", d.listen}},
	}
}

func (d *dock) fence() Fence {
	d.token++
	return fence(d.token)
}

// stageFiles brings a release to the host.
func (d *dock) stageFiles(version string, files map[string]string) payload {
	d.t.Helper()
	p := pack(d.t, version, files)
	a := d.stage(d.fence(), p)
	require.NoError(d.t, a.err, a.stderr)
	return p
}

// image has the image of a release be there.
func (d *dock) image(version string, i Image) answer {
	d.t.Helper()
	p := Preparation{Base: base, Version: version, Runtimes: []Runtime{Docker(i)}, Environment: []Variable{
		{"SLIPWAY_APPLICATION", "shop"}, {"SLIPWAY_DEPLOYMENT", "dep-" + version},
	}}
	c, err := Prepare(d.fence(), p)
	require.NoError(d.t, err)
	return d.run(c, strings.NewReader(p.Content()))
}

// replace switches to a release and runs its container.
func (d *dock) replace(p payload, c Container) answer {
	d.t.Helper()
	d.must(Try(d.fence(), p.release, c.Deployment))
	return d.start(c)
}

func (d *dock) start(c Container) answer {
	d.t.Helper()
	command, err := Replace(d.fence(), c)
	require.NoError(d.t, err)
	return d.run(command, strings.NewReader(c.Content()))
}

// ship does all of a deployment of this version that goes well.
func (d *dock) ship(version string) {
	d.t.Helper()
	p := d.stageBuilt(version, dockertest.Plain)
	a := d.replace(p, d.container(version))
	require.NoError(d.t, a.err, a.stderr)
	d.must(Settle(d.fence(), d.application(version)))
	d.must(Prove(d.fence(), base, version, "dep-"+version))
}

func (d *dock) stageBuilt(version, dockerfile string) payload {
	d.t.Helper()
	p := d.stageFiles(version, map[string]string{
		"server": string(dockertest.Server(d.t)), "version": version, "Dockerfile": dockerfile,
	})
	a := d.image(version, Image{From: "build", Source: "Dockerfile", Context: "."})
	require.NoError(d.t, a.err, a.stderr)
	return p
}

// serves waits for what containers serve.
func (d *dock) serves(version string) {
	d.t.Helper()
	eventually(d.t, version+" serves", func() bool { return d.get("/") == version })
}

func (d *dock) get(path string) string {
	response, err := http.Get("http://" + d.listen + path) //nolint:noctx // on this machine
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

// containers is the versions of the containers that are in this state.
func (d *dock) containers(state string) []string {
	d.t.Helper()
	return slices.Sorted(slices.Values(strings.Fields(d.Run("container", "ls", "--all", "--filter", "status="+state,
		"--format", `{{.Label "slipway.version"}}`))))
}

func (d *dock) images() []string {
	d.t.Helper()
	return slices.Sorted(slices.Values(strings.Fields(d.Run("image", "ls", "--filter", "dangling=false", "--format", "{{.Repository}}:{{.Tag}}"))))
}

func TestAContainerTakesThePlaceOfAnotherAndMakesWayAgain(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		d := newDock(t, h, dockertest.Start(t))
		d.ship("v1")
		d.serves("v1")
		d.ship("v2")
		d.serves("v2")
		require.Equal(t, []string{"v2"}, d.containers("running"))
		require.Equal(t, []string{"v1"}, d.containers("exited"), "it stays with its release")
		policy := func() string {
			return d.Run("container", "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", d.Run("container", "ls", "--quiet"))
		}
		require.Equal(t, "unless-stopped", policy())

		for version, want := range map[string]string{
			"sick3": "the container is not healthy: the container is not healthy\nthe server is sick",
			"dead3": "the container is not healthy: the container ended with status 3\nno configuration: giving up",
		} {
			a := d.replace(d.stageBuilt(version, dockertest.Dockerfile), d.container(version))
			require.ErrorIs(t, a.err, ErrUnhealthy)
			require.Contains(t, a.err.Error(), want)
			d.requireCurrent(version)
			require.Equal(t, "v2", d.must(BringBack(d.fence(), d.application(version), version)).value(KeyCurrent))
			d.serves("v2")
			d.requireCurrent("v2")
			require.Equal(t, []string{"v2"}, d.containers("running"))
			require.Equal(t, []string{"v1"}, d.containers("exited"), "of what failed nothing is left")
		}
		require.Equal(t, "unless-stopped", policy())

		// Back to the release before: its own container runs.
		own := d.Run("container", "ls", "--all", "--quiet", "--filter", "status=exited")
		d.must(Rollback(d.fence(), base, "v2", "", "back"))
		back := d.container("v1")
		back.Deployment, back.Again, back.Environment = "back", true, nil
		a := d.start(back)
		require.NoError(t, a.err, a.stderr)
		d.must(Settle(d.fence(), back.Application))
		d.serves("v1")
		require.Equal(t, own, d.Run("container", "ls", "--quiet"))
		require.Equal(t, []string{"v2"}, d.containers("exited"))

		// What clean removed takes its container and its image with it.
		require.Len(t, d.images(), 4)
		d.must(Clean(d.fence(), base, 1))
		d.must(Sweep(d.fence(), back.Application))
		require.Equal(t, []string{"v1"}, d.releases())
		require.Len(t, d.images(), 1)
		require.Empty(t, d.containers("exited"))
	})
}

// TestAnyTextArrivesInAContainer has no value run, change, or reach another variable or the
// client of docker.
func TestAnyTextArrivesInAContainer(t *testing.T) {
	d := onDock(t)
	p := d.stageBuilt("v1", dockertest.Plain)
	c := d.container("v1")
	c.Environment = append(c.Environment,
		Variable{"A", "it's \"$(touch /tmp/no)\" `x` \\ $HOME\n\n  größe\t\r\n"}, Variable{"EMPTY", ""}, Variable{"PATH", "/nowhere"},
		Variable{"HOME", "/nowhere"}, Variable{"docker", "/nowhere"}, Variable{"id", "x"}, Variable{"exports", "y"}, Variable{"LC_ALL", "z"})
	a := d.replace(p, c)
	require.NoError(t, a.err, a.stderr)
	var got []string
	eventually(t, "the container serves", func() bool {
		got = strings.Split(d.get("/env"), "\x00")
		return len(got) > 1
	})
	for _, v := range c.Environment {
		require.Contains(t, got, v.Name+"="+v.Value)
	}
	require.False(t, slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "SLIPWAY_") || strings.HasPrefix(v, "DOCKER_") }))
}

func TestAContainerIsAskedForAsItIsSaid(t *testing.T) {
	d := onDock(t)
	p := d.stageBuilt("v1", dockertest.Plain)
	dir := t.TempDir()
	c := d.container("v1")
	c.Network, c.Order, c.User, c.Restart = "none", StartFirst, "1000:1000", "on-failure"
	c.Ports = []Port{{Host: 8080, Container: 80, Protocol: "tcp"}, {Address: "::1", Host: 5353, Container: 53, Protocol: "udp"}}
	c.Mounts = []Mount{{Source: dir, Target: "/it's here", ReadOnly: true}, {Source: "data", Target: "/data"}}
	c.Command = []string{"serve", "--it's", "$HOME", ""}
	a := d.replace(p, c)
	require.NoError(t, a.err, a.stderr)
	asked := func(format string) string {
		return d.Run("container", "inspect", "--format", format, d.Run("container", "ls", "--quiet"))
	}
	require.Equal(t, `["serve","--it's","$HOME",""]`, asked("{{json .Args}}"))
	require.Equal(t, "1000:1000 none no on-failure", asked(`{{.Config.User}} {{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}} {{index .Config.Labels "slipway.restart"}}`))
	require.JSONEq(t, `{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"53/udp":[{"HostIp":"::1","HostPort":"5353"}]}`, asked("{{json .HostConfig.PortBindings}}"))
	require.ElementsMatch(t, []string{"bind /it's here false", "volume /data true"}, // Docker gives them in any order
		strings.Split(asked(`{{range $i, $m := .Mounts}}{{if $i}}|{{end}}{{$m.Type}} {{$m.Destination}} {{$m.RW}}{{end}}`), "|"))
}

// askDocker stands before the shim of docker. What only asks needs not be died before: all is then
// as before whatever changes something next.
const askDocker = `#!/bin/sh
case $2 in ls | inspect) exec /usr/bin/docker "$@" ;; esac
. "${0%/*}/shim"
`

// TestContainersSurviveDeathBetweenAnyTwoCommands kills what changes containers before each
// program that it runs and that changes something. A newer token that repeats it comes to the
// same end.
func TestContainersSurviveDeathBetweenAnyTwoCommands(t *testing.T) {
	d := newDock(t, newHost(t, shimmed(t)), dockertest.Start(t))
	d.path = filepath.Dir(d.shell)
	for _, tool := range names(t, d.path) { // what changes nothing need not be died before
		if !slices.Contains([]string{"sh", "shim", "mv", "rm", "ln"}, tool) {
			require.NoError(t, os.Remove(filepath.Join(d.path, tool)))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(d.path, "docker"), []byte(askDocker), 0o755))
	d.path += ":/usr/bin"
	calls := filepath.Join(t.TempDir(), "calls")
	crashAt := func(call int) {
		d.env = []string{"DOCKER_HOST=" + d.Host, "CRASH_COUNT=" + calls, "CRASH_AT=" + strconv.Itoa(call)}
	}
	const never = 1_000_000
	crashAt(never)
	d.ship("v1")
	p := d.stageBuilt("v2", dockertest.Plain)
	c := d.container("v2")
	replace := func() (Command, error) { return Replace(d.fence(), c) }
	for name, does := range map[string]struct {
		step func() (Command, error)
		want string // what serves then
	}{
		"replace":    {replace, "v2"},
		"bring back": {func() (Command, error) { return BringBack(d.fence(), c.Application, "v2") }, "v1"},
		"settle":     {func() (Command, error) { return Settle(d.fence(), c.Application) }, "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			do := func() answer {
				command, err := does.step()
				require.NoError(t, err)
				if command.Size == 0 {
					return d.run(command, nil)
				}
				return d.run(command, strings.NewReader(c.Content()))
			}
			for at, killed := 1, true; killed; at++ {
				// From a host that runs v1, and was switched to v2.
				d.must(BringBack(d.fence(), c.Application, "v2"))
				require.Equal(t, "unless-stopped", d.Run("container", "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", d.Run("container", "ls", "--quiet")))
				d.must(Try(d.fence(), p.release, c.Deployment))
				if name != "replace" {
					require.NoError(t, d.start(c).err)
				}
				require.NoError(t, os.WriteFile(calls, nil, 0o600))
				crashAt(at)
				killed = do().killed
				crashAt(never)
				d.requireSound()
				a := do()
				require.NoError(t, a.err, "killed at %d: %s", at, a.stderr)
				d.serves(does.want)
				require.Equal(t, []string{does.want}, d.containers("running"))
			}
		})
	}
}

func TestWhatIsNoContainerIsRefused(t *testing.T) {
	good := Container{
		Application: Application{Base: base, Name: "shop", Deployment: "d", StopWait: time.Second}, Version: "v1", Order: StartFirst, Restart: "no",
	}
	_, err := Replace(fence(1), good)
	require.NoError(t, err)
	for name, change := range map[string]func(c *Container){
		"a name":      func(c *Container) { c.Name = "-x" },
		"a path":      func(c *Container) { c.Base = "" },
		"an order":    func(c *Container) { c.Order = "" },
		"a policy":    func(c *Container) { c.Restart = "always" },
		"a network":   func(c *Container) { c.Network = "--privileged" },
		"a user":      func(c *Container) { c.User = "a b" },
		"a port":      func(c *Container) { c.Ports = []Port{{"", 0, 80, "tcp"}} },
		"a protocol":  func(c *Container) { c.Ports = []Port{{"", 80, 80, "tcp,x"}} },
		"an address":  func(c *Container) { c.Ports = []Port{{"host", 80, 80, "tcp"}} },
		"an option":   func(c *Container) { c.Mounts = []Mount{{"/a,readonly", "/b", false}} },
		"a target":    func(c *Container) { c.Mounts = []Mount{{"/a", "b", false}} },
		"a word":      func(c *Container) { c.Command = []string{"\x00"} },
		"a variable":  func(c *Container) { c.Environment = []Variable{{"A;B", ""}} },
		"of docker":   func(c *Container) { c.Environment = []Variable{{"DOCKER_HOST", ""}} },
		"of a linker": func(c *Container) { c.Environment = []Variable{{"LD_PRELOAD", ""}} },
	} {
		c := good
		change(&c)
		_, err := Replace(fence(1), c)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
	for _, bad := range []Image{
		{From: "build", Source: "../Dockerfile", Context: "."}, {From: "build", Source: "Dockerfile"}, {From: "load", Source: "/a"},
		{From: "pull", Source: "--all"}, {From: "pull", Source: "a b"}, {From: "fetch", Source: "a"},
	} {
		p := Preparation{Base: base, Version: "v1", Runtimes: []Runtime{Docker(bad)}}
		_, err := Prepare(fence(1), p)
		require.ErrorIs(t, err, ErrInvalid, "%+v", bad)
	}
}
