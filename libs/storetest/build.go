package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// buildOnce builds slipway-standalone and returns the path of the binary.
var buildOnce = sync.OnceValues(build)

func build() (binary string, err error) {
	_, self, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(self) {
		return "", errors.New("the sources cannot be found: the test is built without paths (-trimpath)")
	}
	root := filepath.Join(filepath.Dir(self), "..", "..")
	dir := filepath.Join(root, "build", "storetest")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// The tests of several packages run at the same time and share the binary.
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	binary = filepath.Join(dir, "slipway-standalone")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/slipway-standalone")
	cmd.Dir = filepath.Join(root, "services", "standalone")
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
