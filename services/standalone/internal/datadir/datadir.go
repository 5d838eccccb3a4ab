// Package datadir gives a process a directory to itself.
//
// Neither SQLite's nor JetStream's files survive two processes that both believe to be their only owner, and neither
// library prevents it: FerretDB keeps its catalogue in memory, nats-server locks nothing. A claim does.
package datadir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file that carries the lock. It stays behind on purpose: to remove a lock file while another process
// is about to lock it would let two in.
const lockName = "lock"

// Claim is this process's exclusive right to a directory. It ends with Release or with the process, however that dies.
type Claim struct {
	lock *os.File
}

// Take makes dir if it is missing (mode 0700), proves that it can be written to, and claims it. It does not wait for
// another owner to leave.
//
// Errors say what to do about them; errors.Is finds ErrNotWritable and ErrInUse.
func Take(dir string) (*Claim, error) {
	if dir == "" {
		return nil, fmt.Errorf("no data directory given: %w", ErrNotWritable)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory %q: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, notWritable(abs, err)
	}
	lock, err := os.OpenFile(filepath.Join(abs, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, notWritable(abs, err)
	}
	if err := flock(lock); err != nil {
		owner := readOwner(lock)
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("data directory %q: %w by %s: stop that process or choose another directory",
				abs, ErrInUse, owner)
		}
		return nil, fmt.Errorf("lock data directory %q (a local file system is needed): %w", abs, err)
	}
	if err := writeOwner(lock); err != nil {
		lock.Close()
		return nil, notWritable(abs, err)
	}
	return &Claim{lock: lock}, nil
}

// Release gives the directory back.
func (c *Claim) Release() error { return c.lock.Close() }

func notWritable(dir string, cause error) error {
	return fmt.Errorf("data directory %q: %w (%w): make it writable for uid %d, free space on its disk, or choose another directory",
		dir, ErrNotWritable, cause, os.Getuid())
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// writeOwner leaves our process id in the lock file, for the error message of whoever comes second.
func writeOwner(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readOwner(lock *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(lock, 0, 32))
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || convErr != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}
