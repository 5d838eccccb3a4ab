package hosttest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Option changes how hosts are made.
type Option func(*options)

type options struct {
	clientKey KeyType
	hostKeys  []KeyType
	diskBytes int64 // 0: the home is an ordinary directory
	password  bool
	forced    string
	root      bool
	cgroup    string
	settings  []string
	variables []string
	userCA    ssh.PublicKey
	hostCA    ssh.Signer
	certify   func(*ssh.Certificate)
}

// WithKey chooses the type of the client's key. The default is Ed25519.
func WithKey(kind KeyType) Option { return func(o *options) { o.clientKey = kind } }

// WithHostKeys gives each host a key of each of these types. The default is one of Ed25519.
func WithHostKeys(kinds ...KeyType) Option { return func(o *options) { o.hostKeys = kinds } }

// WithSmallDisk makes each home a file system of its own (tmpfs) of that many bytes, rounded up to whole pages. It
// needs root.
func WithSmallDisk(bytes int64) Option { return func(o *options) { o.diskBytes = bytes } }

// WithPassword lets the hosts accept Host.Password as well as the key. It needs root: without PAM, sshd looks into
// /etc/shadow, and so it is shown one of its own (see shadow.go); the machine's accounts stay as they are.
func WithPassword() Option { return func(o *options) { o.password = true } }

// WithForcedCommand has every session run this program, by its absolute path, in the place of the command that the client
// asked for, which the program finds in SSH_ORIGINAL_COMMAND. So a test sees from the host's side what is run there.
func WithForcedCommand(path string) Option { return func(o *options) { o.forced = path } }

// WithRoot gives each host a root file system of its own, as well as process ids and a host name. It begins as that of
// the machine, less what is in /root, /home, /run, /tmp and in /var's tmp and log; what the host changes is its own, and
// in memory. Its home is /root; Host.Outside says where the test finds its files. It needs root.
func WithRoot() Option { return func(o *options) { o.root = true } }

// WithCgroup has all processes of the hosts run in this cgroup, a directory of cgroup v2: their CPU time is counted
// there, that of those which have ended, too.
func WithCgroup(dir string) Option { return func(o *options) { o.cgroup = dir } }

// WithSettings puts lines into sshd_config, in the place of those that hosts have by default under the same keywords. So a
// test meets a host as some operators run it, e.g. "MaxStartups 2" or "AllowTcpForwarding no".
func WithSettings(lines ...string) Option {
	return func(o *options) { o.settings = append(o.settings, lines...) }
}

// WithEnvironment gives every session these variables, each as NAME=value.
func WithEnvironment(variables ...string) Option {
	return func(o *options) { o.variables = append(o.variables, variables...) }
}

// WithUserCA lets in whoever shows a certificate of this authority that names the user who runs the test, and nobody by the
// key alone.
func WithUserCA(authority ssh.PublicKey) Option { return func(o *options) { o.userCA = authority } }

// WithHostCertificates has the hosts show certificates of this authority, for their addresses and an hour around now.
// Change, unless it is nil, may make something else of each before it is signed.
func WithHostCertificates(authority ssh.Signer, change func(*ssh.Certificate)) Option {
	return func(o *options) { o.hostCA, o.certify = authority, change }
}

// Start runs n hosts, which share one client key, and returns when all of them greet. Cleanup is registered with t. If
// the test fails, it logs the end of what each sshd wrote.
func Start(t testing.TB, n int, opts ...Option) []*Host {
	t.Helper()
	o := options{clientKey: Ed25519, hostKeys: []KeyType{Ed25519}}
	for _, opt := range opts {
		opt(&o)
	}
	sshd, err := findDaemon()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	current, err := user.Current()
	if err != nil {
		t.Fatalf("hosttest: who runs the test: %v", err)
	}
	private, public, err := newKey(o.clientKey)
	if err != nil {
		t.Fatalf("hosttest: %v", err)
	}

	root := t.TempDir()
	hosts := make([]*Host, n)
	for i := range hosts {
		number := hostNumber.Add(1)
		hosts[i] = &Host{
			Name: fmt.Sprintf("host-%d", number), Addr: loopbackAddress(number), User: current.Username,
			PrivateKeyPEM: private, t: t, opts: o, sshd: sshd,
		}
		hosts[i].dir = filepath.Join(root, hosts[i].Name)
		hosts[i].Home = hosts[i].path("home")
		if o.root {
			hosts[i].Home = rootHome
		}
	}
	t.Cleanup(func() { cleanUp(t, hosts) })
	if err := inParallel(hosts, func(h *Host) error { return h.bringUp(public) }); err != nil {
		t.Fatalf("hosttest: %v", err)
	}
	return hosts
}

// hostNumber counts the hosts of the process, so that no two of them share a name or, as a rule, an address.
var hostNumber atomic.Int64

func (h *Host) bringUp(clientKey string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := os.MkdirAll(h.path("home"), 0o700); err != nil {
		return err
	}
	if h.opts.diskBytes > 0 {
		if err := h.mountHome(); err != nil {
			return err
		}
	}
	hold, err := reserve(h.Addr)
	if err != nil {
		return err
	}
	h.hold, h.Addr, h.Port = hold, hold.addr, hold.port
	if err := h.writeFiles(clientKey); err != nil {
		return err
	}
	return h.launch()
}

func (o options) check() error {
	if o.root && o.diskBytes > 0 {
		return fmt.Errorf("hosttest.WithSmallDisk mounts a home on the machine; with WithRoot there is none")
	}
	if os.Geteuid() == 0 {
		return nil
	}
	if o.diskBytes > 0 {
		return fmt.Errorf("hosttest.WithSmallDisk mounts a file system: run the test as root, not as uid %d", os.Geteuid())
	}
	if o.root {
		return fmt.Errorf("hosttest.WithRoot mounts file systems: run the test as root, not as uid %d", os.Geteuid())
	}
	if o.password {
		return fmt.Errorf("hosttest.WithPassword mounts a private /etc/shadow: run the test as root, not as uid %d", os.Geteuid())
	}
	return nil
}

// findDaemon returns the path of sshd, which must be absolute: sshd runs itself again for each connection.
func findDaemon() (string, error) {
	// A user's PATH often leaves out sbin.
	for _, name := range []string{"sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if path, err = filepath.Abs(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("hosttest needs OpenSSH's sshd: apt-get install openssh-server")
}

func cleanUp(t testing.TB, hosts []*Host) {
	for _, h := range hosts {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	if err := killAll(hosts); err != nil {
		t.Errorf("hosttest: cleanup: %v", err)
	}
	if t.Failed() {
		share := max(1<<10, int64(64<<10/len(hosts)))
		for _, h := range hosts {
			t.Logf("the end of the log of %s:\n%s", h.Name, h.logTail(share))
		}
	}
	for _, h := range hosts {
		h.hold.release()
		if err := h.unmountHome(); err != nil {
			t.Errorf("hosttest: cleanup: %v", err)
		}
	}
}

// inParallel does something with each host at once and returns the first host's error.
func inParallel(hosts []*Host, do func(*Host) error) error {
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() { errs[i] = do(h) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", hosts[i].Name, err)
		}
	}
	return nil
}
