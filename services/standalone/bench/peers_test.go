//go:build bench

package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

var (
	pyinfra    = flag.String("pyinfra", "pyinfra", "the program pyinfra; `make peers` has one in a directory of its own")
	peerRounds = flag.Int("peer-rounds", 1, "rounds that the peers take part in: some are slow")
)

// peer is a tool that others ship with. What it runs is in peers/<name>.
type peer struct {
	name    string
	command func(hosts string, count int) []string // hosts: a file with a name a line
}

// openSSH runs a command that does nothing on all hosts at once, and ships nothing.
var openSSH = peer{"openssh", func(string, int) []string { return []string{"sh", "run.sh"} }}

func allPeers() []peer {
	return []peer{
		{"sshkit", func(string, int) []string { return []string{"ruby", "deploy.rb"} }},
		{"fabric", func(string, int) []string { return []string{"fab", "ship"} }},
		{"parallel-ssh", func(string, int) []string { return []string{"sh", "deploy.sh"} }},
		{"pyinfra", func(_ string, count int) []string {
			return []string{*pyinfra, "--yes", "--parallel", strconv.Itoa(count), "inventory.py", "deploy.py"}
		}},
		{"ansible", func(hosts string, count int) []string {
			return []string{"ansible-playbook", "--inventory", hosts, "--forks", strconv.Itoa(count), "playbook.yml"}
		}},
	}
}

// peers are the contenders beside Slipway and the limit. They must be installed.
func (f *fleet) peers() []contender {
	f.t.Helper()
	for _, program := range []string{"ruby", "fab", "parallel-ssh", "ansible-playbook", *pyinfra} {
		_, err := exec.LookPath(program)
		require.NoError(f.t, err, "`make peers` installs what Slipway is compared with, as root on Debian")
	}
	var contenders []contender
	for _, p := range allPeers() {
		contenders = append(contenders, f.peer(p))
	}
	return contenders
}

func (f *fleet) peer(p peer) contender {
	f.t.Helper()
	group := f.all.add(f.t, p.name)
	base := "/srv/" + p.name
	dir, err := os.MkdirTemp("", "slipway-bench-") // short, as the sockets of ssh need it
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var command *exec.Cmd
	return contender{
		name: p.name, base: base, cpu: group.cpu,
		prepare: func(to []site, s shipment) {
			archive := filepath.Join(dir, "archive.tar.gz")
			require.NoError(f.t, os.WriteFile(archive, s.archive, 0o600))
			config, hosts := writeSSHConfig(f.t, dir, to)
			argv := p.command(hosts, len(to))
			command = exec.Command(argv[0], argv[1:]...)
			command.Dir = filepath.Join("peers", p.name)
			command.Env = []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
				"SHIP_SSH_CONFIG=" + config, "SHIP_HOSTS=" + hosts, "SHIP_COUNT=" + strconv.Itoa(len(to)),
				"SHIP_ARCHIVE=" + archive, "SHIP_SHA256=" + s.sha256, "SHIP_VERSION=" + s.version, "SHIP_BASE=" + base,
				"ANSIBLE_CONFIG=ansible.cfg", "ANSIBLE_SSH_COMMON_ARGS=-F " + config,
			}
		},
		ship: func([]site, shipment) error { return group.run(command, filepath.Join(dir, "log")) },
		end:  group.end,
	}
}

// peerPatience bounds one deployment of a peer. Ansible takes more than a minute
// where the machine is idle.
const peerPatience = 15 * time.Minute

// run has the command, with all that it starts, run in the cgroup, and returns
// when it has ended. It fails with what the command has written.
func (c cgroup) run(cmd *exec.Cmd, log string) error {
	said, err := os.Create(log)
	if err != nil {
		return err
	}
	defer said.Close()
	group, err := os.Open(string(c))
	if err != nil {
		return err
	}
	defer group.Close()
	cmd.Stdout, cmd.Stderr = said, said // no pipe: what outlives the command, as ssh's masters do, would keep it open
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	child, err := proctest.Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-child.Exited():
	case <-time.After(peerPatience):
		child.Kill()
	}
	if child.Code() != 0 {
		text, _ := os.ReadFile(log)
		return fmt.Errorf("%s ended with %d: %s", cmd, child.Code(), text)
	}
	return nil
}
