package hosttest

import (
	"os"
	"path/filepath"
	"syscall"
)

// Gate puts a gate into the home: a command of the host that does `read go <name` there waits until open is called, and
// whoever comes to it first then goes on. Opening it waits for nobody.
func (h *Host) Gate(name string) (open func()) {
	h.t.Helper()
	gate := filepath.Join(h.Home, name)
	h.run("make a gate", func() error { return syscall.Mkfifo(gate, 0o666) })
	return func() {
		h.t.Helper()
		h.run("open a gate", func() error {
			f, err := os.OpenFile(gate, os.O_RDWR, 0) // for reading too, so that it waits for no reader
			if err != nil {
				return err
			}
			h.t.Cleanup(func() { _ = f.Close() }) // what nobody has read yet would be gone
			_, err = f.WriteString("go\n")
			return err
		})
	}
}
