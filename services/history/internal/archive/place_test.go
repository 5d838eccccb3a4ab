package archive

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/s3test"
)

func newS3(t *testing.T, url, secret string) *S3 {
	t.Helper()
	s, err := NewS3(S3Config{URL: url, AccessKey: s3test.AccessKey, SecretKey: secret})
	require.NoError(t, err)
	return s
}

// TestEveryPlaceKeepsFilesWholeOrNotAtAll is what is asked of each kind of place.
func TestEveryPlaceKeepsFilesWholeOrNotAtAll(t *testing.T) {
	endpoint := s3test.Start(t, "kept", "shared")
	for name, p := range map[string]Place{
		"directory": NewDirectory(filepath.Join(t.TempDir(), "not", "there", "yet")),
		"bucket":    newS3(t, endpoint+"/kept", s3test.SecretKey),
		"prefix":    newS3(t, endpoint+"/shared/slipway/history/", s3test.SecretKey),
	} {
		t.Run(name, func(t *testing.T) {
			file := func(n int64) []byte {
				return written(t, Deployment{ID: "d1"}, document(t, "deployments", bson.D{{Key: "_id", Value: "d1"}, {Key: "seq", Value: n}}))
			}
			const one, two = "shop/2026-03-01/d1.jsonl.gz", "shop/2026-03-02/d2.jsonl.gz"
			require.Empty(t, namesIn(t, p))
			_, err := p.Open(t.Context(), one)
			require.ErrorIs(t, err, ErrNone)

			require.NoError(t, p.Put(t.Context(), one, giving(file(1))))
			require.NoError(t, p.Put(t.Context(), two, giving(file(2))))
			require.NoError(t, p.Put(t.Context(), one, giving(file(3))), "in the place of the one that was there")
			require.Equal(t, []string{one, two}, namesIn(t, p))
			require.Equal(t, file(3), contentOf(t, p, one))

			require.ErrorIs(t, p.Put(t.Context(), one, func(to io.Writer) error {
				_, _ = to.Write([]byte("half"))
				return errGone
			}), errGone)
			require.ErrorIs(t, p.Put(t.Context(), one, giving([]byte("no archive"))), ErrDamaged, "what cannot be read again")
			require.ErrorIs(t, p.Put(t.Context(), one, giving(file(2))), ErrMore, "what was there before that")
			require.ErrorIs(t, p.Put(t.Context(), one, giving(written(t, Deployment{ID: "d1"}))), ErrMore, "less of it")
			require.NoError(t, p.Put(t.Context(), one, giving(file(3))), "the same again")
			require.Equal(t, file(3), contentOf(t, p, one))
			require.Equal(t, []string{one, two}, namesIn(t, p))
			require.ErrorIs(t, p.Each(t.Context(), "", func(string) error { return errGone }), errGone)
		})
	}
}

var errGone = errors.New("gone")

func TestNothingIsLeftOfAFileThatCouldNotBeWritten(t *testing.T) {
	root := t.TempDir()
	d := NewDirectory(root)
	require.ErrorIs(t, d.Put(t.Context(), "shop/d1.jsonl.gz", func(io.Writer) error { return errGone }), errGone)
	left, err := os.ReadDir(filepath.Join(root, "shop"))
	require.NoError(t, err)
	require.Empty(t, left)

	old, young := filepath.Join(root, "shop", "d1.jsonl.gz.part-1"), filepath.Join(root, "shop", "d1.jsonl.gz.part-2")
	for _, path := range []string{old, young} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	long := time.Now().Add(-2 * abandoned)
	require.NoError(t, os.Chtimes(old, long, long))
	require.NoError(t, d.Put(t.Context(), "shop/d1.jsonl.gz", giving(written(t, Deployment{ID: "d1"}))))
	require.NoFileExists(t, old, "a crash had left it")
	require.FileExists(t, young, "somebody may be writing it")
	require.Equal(t, []string{"shop/d1.jsonl.gz"}, namesIn(t, d))
}

func TestStorageThatRefusesIsAnErrorWithoutTheSecret(t *testing.T) {
	endpoint := s3test.Start(t, "kept")
	for name, s := range map[string]*S3{
		"wrong secret": newS3(t, endpoint+"/kept", "wr0ng"), "no bucket": newS3(t, endpoint+"/none", s3test.SecretKey),
	} {
		err := s.Put(t.Context(), "d1.jsonl.gz", giving(written(t, Deployment{ID: "d1"})))
		require.ErrorIs(t, err, errAnswer, name)
		require.NotContains(t, err.Error(), "wr0ng")
		require.NotContains(t, err.Error(), s3test.SecretKey)
		_, err = s.Open(t.Context(), "d1.jsonl.gz")
		require.ErrorIs(t, err, errAnswer, name)
		require.Error(t, s.Each(t.Context(), "", func(string) error { return nil }))
	}
}

// between returns the URL of a server in between, which may answer a request itself, and
// change the answer to one.
func between(t *testing.T, endpoint string, answers func(http.ResponseWriter, *http.Request) bool, change func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answers(w, r) {
			return
		}
		proxy := httputil.NewSingleHostReverseProxy(target) // the host in the signature stays
		proxy.ModifyResponse = change
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func unanswered(http.ResponseWriter, *http.Request) bool { return false }
func unchanged(*http.Response) error                     { return nil }

// TestWhatStorageHasKeptOtherwiseIsNoticed has a server in between answer with less.
func TestWhatStorageHasKeptOtherwiseIsNoticed(t *testing.T) {
	at := between(t, s3test.Start(t, "kept"), unanswered, func(res *http.Response) error {
		if res.Request.Method == http.MethodGet && res.StatusCode == http.StatusOK {
			body, err := io.ReadAll(res.Body)
			body[len(body)/2] ^= 1
			res.Body = io.NopCloser(bytes.NewReader(body))
			return err
		}
		return nil
	})
	err := newS3(t, at+"/kept", s3test.SecretKey).Put(t.Context(), "d1.jsonl.gz", giving(written(t, Deployment{ID: "d1"})))
	require.ErrorIs(t, err, ErrDamaged)
}

// TestWhatAnotherPutsIntoStorageMeanwhileStays has another file come between the look at what
// there is and the one that is put.
func TestWhatAnotherPutsIntoStorageMeanwhileStays(t *testing.T) {
	endpoint := s3test.Start(t, "kept")
	direct := newS3(t, endpoint+"/kept", s3test.SecretKey)
	file := func(n int64) []byte {
		return written(t, Deployment{ID: "d1"}, document(t, "deployments", bson.D{{Key: "_id", Value: "d1"}, {Key: "seq", Value: n}}))
	}
	const name = "shop/d1.jsonl.gz"
	newest := int64(10)
	at := between(t, endpoint, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			newest++
			assert.NoError(t, direct.Put(t.Context(), name, giving(file(newest))))
		}
		return false
	}, unchanged)
	late := newS3(t, at+"/kept", s3test.SecretKey)
	for _, there := range []string{"none", "one"} {
		require.ErrorIs(t, late.Put(t.Context(), name, giving(file(newest))), ErrMore, there)
		require.Equal(t, file(newest), contentOf(t, direct, name), there)
	}
}

func TestStorageThatTakesNoConditionsKeepsFiles(t *testing.T) {
	at := between(t, s3test.Start(t, "kept"), func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-Match")+r.Header.Get("If-None-Match") == "" || r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = io.WriteString(w, "<Error><Code>NotImplemented</Code></Error>")
		return true
	}, unchanged)
	s := newS3(t, at+"/kept", s3test.SecretKey)
	file := written(t, Deployment{ID: "d1"})
	for range 2 {
		require.NoError(t, s.Put(t.Context(), "d1.jsonl.gz", giving(file)))
	}
	require.Equal(t, file, contentOf(t, s, "d1.jsonl.gz"))
}

func TestAURLOfStorageIsCheckedWithoutANetwork(t *testing.T) {
	for url, sound := range map[string]bool{
		"https://s3.eu-central-1.amazonaws.com/bucket": true, "http://127.0.0.1:9000/bucket/a/b/": true,
		"": false, "s3://bucket": false, "https://s3.example.com": false, "https://s3.example.com/": false,
		"https://user:pass@s3.example.com/bucket": false, "https://s3.example.com/bucket?x=y": false, "https:///bucket": false,
	} {
		_, err := NewS3(S3Config{URL: url})
		if sound {
			require.NoError(t, err, url)
			continue
		}
		require.ErrorIs(t, err, ErrPlace, url)
		require.NotContains(t, err.Error(), "pass")
	}
	s, err := NewS3(S3Config{URL: "https://s3.example.com/bucket/a/"})
	require.NoError(t, err)
	require.Equal(t, "https://s3.example.com/bucket/a/b.jsonl.gz", s.Where("b.jsonl.gz"))
}

func giving(content []byte) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	}
}

func namesIn(t *testing.T, p Place) []string {
	t.Helper()
	names := []string{}
	require.NoError(t, p.Each(t.Context(), "", func(name string) error { names = append(names, name); return nil }))
	return names
}

func contentOf(t *testing.T, p Place, name string) []byte {
	t.Helper()
	f, err := p.Open(t.Context(), name)
	require.NoError(t, err)
	defer f.Close()
	content, err := io.ReadAll(f)
	require.NoError(t, err)
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	again, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, content, again, "it can be read twice")
	return content
}
