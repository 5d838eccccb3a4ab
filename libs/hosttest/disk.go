package hosttest

import (
	"fmt"
	"syscall"
)

func (h *Host) mountHome() error {
	size := fmt.Sprintf("size=%d,mode=0700", h.opts.diskBytes)
	if err := syscall.Mount("tmpfs", h.Home, "tmpfs", 0, size); err != nil {
		return fmt.Errorf("WithSmallDisk needs the right to mount (CAP_SYS_ADMIN): mount tmpfs on %s: %w", h.Home, err)
	}
	h.mounted = true
	return nil
}

// unmountHome detaches the file system at once, even if the test itself still has a file of it open.
func (h *Host) unmountHome() error {
	if !h.mounted {
		return nil
	}
	h.mounted = false
	if err := syscall.Unmount(h.Home, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", h.Home, err)
	}
	return nil
}
