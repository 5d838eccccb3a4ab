package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/web"
)

const patience = time.Minute

// buildGateway builds versitygw, an S3 server, from a module of its own: what it
// needs is in no module of ours. The first build takes minutes.
var buildGateway = sync.OnceValues(func() (string, error) {
	return proctest.Build("s3test", "services/executor/internal/source/s3/testdata/versitygw", "github.com/versity/versitygw/cmd/versitygw")
})

var owner = contract.SourceCredential{AccessKey: "owner", SecretKey: "owners-s3cret"}

// startGateway runs an S3 server on a directory of its own, and returns its URL.
func startGateway(t *testing.T) string {
	t.Helper()
	binary, err := buildGateway()
	require.NoError(t, err)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	dir := t.TempDir()
	for _, sub := range []string{"data", "meta"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	said := &bytes.Buffer{}
	cmd := exec.Command(binary, "--quiet", "--port", address, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+owner.AccessKey, "ROOT_SECRET_KEY="+owner.SecretKey)
	cmd.Stdout, cmd.Stderr = said, said
	child, err := proctest.Start(cmd)
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	for deadline := time.Now().Add(patience); ; {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, conn.Close())
			return "http://" + address
		}
		if !child.Running() || time.Now().After(deadline) {
			child.Kill()
			<-child.Exited()
			require.FailNow(t, "the S3 server does not start", said.String())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// put stores what a URL names: a bucket, or an object.
func put(t *testing.T, at string, content []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at, bytes.NewReader(content))
	require.NoError(t, err)
	req.Header.Set("X-Amz-Content-Sha256", shaOf(content))
	res, err := http.DefaultClient.Do(signer.SignV4(*req, owner.AccessKey, owner.SecretKey, "", defaultRegion))
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fetch fetches an object and returns what came.
func fetch(t *testing.T, s contract.S3Source, c contract.SourceCredential, sha string) ([]byte, error) {
	t.Helper()
	client := web.New(web.Options{
		Guard: netguard.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Max:   64 << 20, Stall: 10 * time.Second, Retry: source.Retry{Tries: 3, Pause: time.Millisecond},
	})
	f, err := os.Create(filepath.Join(t.TempDir(), "package"))
	require.NoError(t, err)
	defer f.Close()
	err = client.Fetch(t.Context(), FileOf(s, c), sha, f)
	got, readErr := os.ReadFile(f.Name())
	require.NoError(t, readErr)
	return got, err
}

func TestObjectsAreFetchedFromAnS3ServerAndTakenUpWhereTheyBroke(t *testing.T) {
	endpoint := startGateway(t)
	content := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	put(t, endpoint+"/builds", nil)
	put(t, endpoint+"/builds/shop/1%20%C3%BC.tgz", content)
	s := contract.S3Source{Endpoint: endpoint, Bucket: "builds", Key: "shop/1 ü.tgz"}

	got, err := fetch(t, s, owner, shaOf(content))
	require.NoError(t, err)
	require.Equal(t, shaOf(content), shaOf(got))

	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	asked := []string{}
	cutting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		if len(asked) == 1 {
			w = &cut{w, 3 << 20}
		}
		proxy := httputil.NewSingleHostReverseProxy(target) // the host in the signature stays
		proxy.ErrorLog = nil
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(cutting.Close)
	s.Endpoint = cutting.URL
	got, err = fetch(t, s, owner, shaOf(content))
	require.NoError(t, err)
	require.Equal(t, shaOf(content), shaOf(got))
	require.Equal(t, []string{"", "bytes=3145728-"}, asked)
	s.Endpoint = endpoint

	for name, c := range map[string]struct {
		spoil func(*contract.S3Source)
		as    contract.SourceCredential
		want  error
		said  string
	}{
		"no key":       {func(s *contract.S3Source) { s.Key = "none" }, owner, source.ErrGone, "404 (NoSuchKey)"},
		"no bucket":    {func(s *contract.S3Source) { s.Bucket = "none" }, owner, source.ErrGone, "404 (NoSuchBucket)"},
		"wrong secret": {func(*contract.S3Source) {}, contract.SourceCredential{AccessKey: "owner", SecretKey: "wr0ng"}, source.ErrDenied, "SignatureDoesNotMatch"},
		"wrong region": {func(s *contract.S3Source) { s.Region = "mars-1" }, owner, source.ErrDenied, "answers 400"},
		"anybody":      {func(*contract.S3Source) {}, contract.SourceCredential{}, source.ErrDenied, "403"},
	} {
		spoiled := s
		c.spoil(&spoiled)
		_, err := fetch(t, spoiled, c.as, shaOf(content))
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.said)
		require.NotContains(t, err.Error(), "wr0ng")
		require.NotContains(t, err.Error(), owner.SecretKey)
	}
}

// cut ends the connection after so many bytes.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) >= c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap implements what http.ResponseController asks for.
func (c *cut) Unwrap() http.ResponseWriter { return c.ResponseWriter }
