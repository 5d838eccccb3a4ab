package dockertest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// patience bounds the wait for a daemon to start.
const patience = 60 * time.Second

// ownSystem has a daemon be the first process of its namespace: the kernel ends all
// others, those of containers too, when it ends, however that comes. What it stores is in
// memory, where only it sees it. There, its directory may lie on an overlay, which cannot
// hold another.
const ownSystem = `mount -t proc proc /proc && mount -t tmpfs -o mode=711 tmpfs "$1" && shift && exec "$@"`

// Docker is a dockerd that runs.
type Docker struct {
	Host string // what DOCKER_HOST is to be for its clients

	t      testing.TB
	client string // path of the program
}

// Start runs a dockerd. Cleanup, of all its containers too, is registered with t.
func Start(t testing.TB) *Docker {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatalf("dockertest runs dockerd: run the test as root, not as uid %d", os.Geteuid())
	}
	daemon, client := program(t, "dockerd", "docker.io"), program(t, "docker", "docker.io")
	dir, err := os.MkdirTemp("", "dockertest") //nolint:usetesting // its path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, settings, log := filepath.Join(dir, "sock"), filepath.Join(dir, "daemon.json"), filepath.Join(dir, "log")
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte("{}"), 0o600); err != nil { // in the place of the machine's
		t.Fatal(err)
	}
	d := &Docker{Host: "unix://" + socket, t: t, client: client}
	// overlay2: with vfs, Docker sleeps to the end of the second after each layer that it builds.
	cmd := exec.Command("/bin/sh", "-c", ownSystem, "sh", data, daemon, "--host="+d.Host, "--data-root="+data, "--exec-root="+filepath.Join(dir, "exec"),
		"--pidfile="+filepath.Join(dir, "pid"), "--config-file="+settings, "--storage-driver=overlay2",
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS, // Go makes the mounts private then
		Cloneflags:   syscall.CLONE_NEWPID,
	}
	run(t, cmd, log, func() bool { return dial("unix", socket) })
	t.Cleanup(func() {
		if all := strings.Fields(d.Run("container", "ls", "--all", "--quiet")); len(all) > 0 {
			d.Run(append([]string{"container", "rm", "--force", "--volumes"}, all...)...)
		}
	})
	return d
}

// Run runs docker with these arguments and returns what it says on stdout, without
// space around it. Where it fails, so does the test.
func (d *Docker) Run(args ...string) string {
	d.t.Helper()
	out, err := d.Command(args...).Output()
	if err != nil {
		said := ""
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // it comes from Output itself
			said = string(exit.Stderr)
		}
		d.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return strings.TrimSpace(string(out))
}

// Command returns docker with these arguments.
func (d *Docker) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(d.client, args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.Host)
	return cmd
}

// Program is the path of the client.
func (d *Docker) Program() string { return d.client }

// program is the path of a program. Debian's comes before what else a machine has.
func program(t testing.TB, name, debian string) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/" + name, "/usr/sbin/" + name, name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("dockertest needs %s: apt-get install %s", name, debian)
	return ""
}

// run starts a daemon, returns once it is ready, and ends it with the test.
func run(t testing.TB, cmd *exec.Cmd, log string, ready func() bool) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	child, err := proctest.Start(cmd)
	if err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(child.Kill)
	for deadline := time.Now().Add(patience); !ready(); {
		select {
		case <-child.Exited():
		case <-time.After(5 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		words, _ := os.ReadFile(log)
		t.Fatalf("%s does not start:\n%s", cmd.Path, words)
	}
}

func dial(network, address string) bool {
	conn, err := net.Dial(network, address) //nolint:noctx // on this machine
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
