package bundles

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// claim makes a directory of this process's own, with a lock that the kernel
// drops when the process ends, however it ends.
func claim(dir string) (own string, lock *os.File, err error) {
	staging, err := os.MkdirTemp(dir, ".new-*")
	if err != nil {
		return "", nil, err
	}
	lock, err = os.OpenFile(filepath.Join(staging, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	// The name that others look for appears only once the lock is held.
	own = filepath.Join(dir, "executor-"+filepath.Base(staging)[len(".new-"):])
	if err := os.Rename(staging, own); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return own, lock, nil
}
