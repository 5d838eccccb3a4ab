package proctest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
)

// Build builds the package of a program in a module of this repository, both as
// paths (the module's below the root, the package's as go takes it), and returns
// the path of the binary, which stays under build/ in a directory of this name.
// The module is built alone, without the workspace, and with these flags of go
// build besides. The tests of several packages run at the same time and share the
// binary. Even where nothing is to be done this takes the best part of a second:
// call it once in a process.
func Build(name, module, pkg string, flags ...string) (binary string, err error) {
	_, self, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(self) {
		return "", errors.New("the sources cannot be found: the test is built without paths (-trimpath)")
	}
	root := filepath.Join(filepath.Dir(self), "..", "..")
	dir := filepath.Join(root, "build", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	binary = filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", binary}, flags, []string{pkg})...)
	cmd.Dir = filepath.Join(root, module)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s in %s: %w\n%s", cmd, cmd.Dir, err, out)
	}
	return binary, nil
}

// lock waits for the lock file at path. A process that dies gives it back.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, err
		}
	}
}
