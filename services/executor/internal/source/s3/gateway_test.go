package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/s3test"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/sourcetest"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/web"
)

var owner = contract.SourceCredential{AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}

// put stores the object that a URL names.
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
	endpoint := s3test.Start(t, "builds")
	content := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
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
			w = sourcetest.Cut(w, 3<<20)
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
