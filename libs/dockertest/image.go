package dockertest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// Dockerfile is that of an image around Server, which has its HEALTHCHECK ask the server
// itself. Its directory holds the files server and version.
const Dockerfile = `FROM scratch
COPY server version /
HEALTHCHECK --interval=100ms --timeout=10s --retries=2 CMD ["/server", "healthy"]
ENTRYPOINT ["/server"]
`

// Plain is the same without a HEALTHCHECK.
const Plain = `FROM scratch
COPY server version /
ENTRYPOINT ["/server"]
`

// Server returns the program of slipway-dockertest-server, statically linked. Its own
// documentation says what it does.
func Server(t testing.TB) []byte {
	t.Helper()
	program, err := server()
	if err != nil {
		t.Fatalf("dockertest: %v", err)
	}
	return program
}

// server is built once. Without cgo in net, none is left in the program.
var server = sync.OnceValues(func() ([]byte, error) {
	path, err := proctest.Build("dockertest", "libs", "./dockertest/server", "-tags=netgo", "-ldflags=-s -w")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Save builds an image of this version under a name, returns what docker save makes of it,
// and removes it.
func (d *Docker) Save(name, version, dockerfile string) []byte {
	d.t.Helper()
	d.Build(name, version, dockerfile)
	file := filepath.Join(d.t.TempDir(), "image.tar")
	d.Run("image", "save", "--output", file, name)
	d.Run("image", "rm", name)
	saved, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	return saved
}

// Build builds an image of this version under a name.
func (d *Docker) Build(name, version, dockerfile string) {
	d.t.Helper()
	dir := d.t.TempDir()
	for file, content := range map[string][]byte{"server": Server(d.t), "version": []byte(version), "Dockerfile": []byte(dockerfile)} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	d.Run("image", "build", "--tag", name, dir)
}
