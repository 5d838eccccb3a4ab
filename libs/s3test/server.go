package s3test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// patience bounds the start of the server, on a busy machine too.
const patience = time.Minute

// The keys of the one who owns everything there.
const (
	AccessKey = "owner"
	SecretKey = "owners-s3cret"
)

var build = sync.OnceValues(func() (string, error) {
	return proctest.Build("s3test", "libs/s3test/testdata/versitygw", "github.com/versity/versitygw/cmd/versitygw")
})

// Start runs a server on a directory of its own with these buckets, and returns its URL. It
// ends with the test.
func Start(t testing.TB, buckets ...string) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("build the S3 server: %v", err)
	}
	dir := t.TempDir()
	for _, sub := range append([]string{"meta", "data"}, below("data", buckets)...) {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	said := &bytes.Buffer{}
	cmd := exec.Command(binary, "--quiet", "--port", address, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	cmd.Stdout, cmd.Stderr = said, said
	child, err := proctest.Start(cmd)
	if err != nil {
		t.Fatalf("start the S3 server: %v", err)
	}
	t.Cleanup(child.Kill)
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close() // it has served
			return "http://" + address
		}
		if !child.Running() || time.Now().After(deadline) {
			child.Kill()
			<-child.Exited()
			t.Fatalf("the S3 server does not start: %s", said)
		}
	}
}

func below(dir string, names []string) []string {
	paths := make([]string, 0, len(names))
	for _, name := range names {
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths
}

// freeAddress returns one that nobody listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
