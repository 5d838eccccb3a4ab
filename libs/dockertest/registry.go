package dockertest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Registry runs a registry on loopback, for as long as the test, and returns its address. Docker
// asks those of loopback without TLS.
func Registry(t testing.TB) (address string) {
	t.Helper()
	daemon := program(t, "docker-registry", "docker-registry")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_ = free.Close()
	dir := t.TempDir()
	settings := fmt.Sprintf("version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %q}\n", dir, address)
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, exec.Command(daemon, "serve", file), filepath.Join(dir, "log"), func() bool { return dial("tcp", address) })
	return address
}
