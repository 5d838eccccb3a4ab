package hosttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// rootHome is the home of every session on a host with a root of its own: that of root, who alone can make such hosts.
const rootHome = "/root"

// enterRoot is run as the first process of a host with a root of its own, in namespaces of its own. Its arguments are
// the host's directory, its name, and the command that it becomes. What the host changes goes to a file system in
// memory that lies over the machine's; where the machine keeps what is its own, the host finds an empty directory. The
// host's directory is where it was, as sshd's configuration names files in it.
const enterRoot = `set -e
dir=$1 name=$2; shift 2
root=$dir/root
mkdir -p "$root"
mount -t tmpfs -o mode=755 hosttest "$root"
mkdir "$root/new" "$root/work" "$root/host"
mount -t overlay -o "lowerdir=/,upperdir=$root/new,workdir=$root/work" hosttest "$root/host"
cd "$root/host"
mount -t proc proc proc
mount --rbind /dev dev
for own in root home run tmp var/tmp var/log; do
	[ ! -e "$own" ] || mount -t tmpfs -o "mode=$(stat -c %a "$own")" hosttest "$own"
done
mkdir -p run/sshd ".$dir"
mount --bind "$dir" ".$dir"
[ ! -e "$dir/shadow" ] || cat "$dir/shadow" >etc/shadow
echo "$name" >/proc/sys/kernel/hostname
exec chroot . "$@"
`

// rootCommand is the command line that runs the rest on a root of its own, and what it needs of the kernel.
func (h *Host) rootCommand() ([]string, *syscall.SysProcAttr) {
	return []string{"/bin/sh", "-c", enterRoot, "sh", h.dir, h.Name}, &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS, // Go makes the mounts private then
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
}

// Outside returns where the test finds a file of the host: the path itself or, on a host with a root of its own, the
// same one there while the host runs. The target of a link is not translated.
func (h *Host) Outside(path string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.opts.root {
		return path
	}
	if h.daemon == nil {
		h.t.Errorf("hosttest: %s: %s: it is stopped", h.Name, path)
		return filepath.Join(h.dir, "stopped", path)
	}
	return filepath.Join("/proc", strconv.Itoa(h.daemon.PID()), "root", path)
}

// openCgroup returns the directory of the cgroup that the host's processes belong to, or nil if they stay in that of
// the test.
func (h *Host) openCgroup() (*os.File, error) {
	if h.opts.cgroup == "" {
		return nil, nil
	}
	dir, err := os.Open(h.opts.cgroup)
	if err != nil {
		return nil, fmt.Errorf("WithCgroup: %w", err)
	}
	return dir, nil
}
