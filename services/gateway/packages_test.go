package gateway_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func tarball(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "hello", Mode: 0o644, Size: 5}))
	_, err := w.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func tarGz(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(tarball(t))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// upload sends content as a package.
func (f *fixture) upload(application, version, filename string, content any, more ...string) *reply {
	f.Helper()
	q := url.Values{"application": {application}, "version": {version}, "filename": {filename}}
	for pair := range slices.Chunk(more, 2) {
		q.Set(pair[0], pair[1])
	}
	return f.send(request{method: "POST", path: "/v1/packages?" + q.Encode(), body: content, media: "application/octet-stream"})
}

// objects returns the ids of the objects in the store, and how many chunks lie
// there.
func (f *fixture) objects() (ids []string, chunks uint64) {
	f.Helper()
	store, err := f.bus.JetStream().ObjectStore(f.Context(), contract.ObjectsPackages)
	require.NoError(f, err)
	all, err := store.List(f.Context())
	if !errors.Is(err, jetstream.ErrNoObjectsFound) {
		require.NoError(f, err)
	}
	for _, o := range all {
		ids = append(ids, o.Name)
	}
	stream, err := f.bus.JetStream().Stream(f.Context(), "OBJ_"+contract.ObjectsPackages)
	require.NoError(f, err)
	info, err := stream.Info(f.Context(), jetstream.WithSubjectFilter("$O."+contract.ObjectsPackages+".C.>"))
	require.NoError(f, err)
	for _, n := range info.State.Subjects {
		chunks += n
	}
	return ids, chunks
}

func (f *fixture) nothingIsKept() {
	f.Helper()
	ids, chunks := f.objects()
	require.Empty(f, ids)
	require.Zero(f, chunks)
	require.Empty(f, f.get("/v1/packages").column("id"))
}

func TestAPackageIsUploadedReadListedAndDeleted(t *testing.T) {
	f := start(t)
	content := tarGz(t)
	created := f.upload("shop", "1.0", "shop.tar.gz", content, "sha256", strings.ToUpper(digest(content))).is(201)
	path := "/v1/packages/" + created.id()
	require.Equal(t, path, created.Header.Get("Location"))
	require.Equal(t, "tar.gz", created.text("format"))
	require.Equal(t, digest(content), created.text("sha256"))
	require.EqualValues(t, len(content), created.object()["size"])
	require.JSONEq(t, string(created.raw), string(f.get(path).is(200).raw))

	store, err := f.bus.JetStream().ObjectStore(t.Context(), contract.ObjectsPackages)
	require.NoError(t, err)
	stored, err := store.GetBytes(t.Context(), created.id())
	require.NoError(t, err)
	require.Equal(t, content, stored, "any client of the object store can read it")

	f.upload("shop", "2.0", "shop.tar.gz", content).is(201)
	f.upload("blog", "1.0", "blog.jar", []byte("PK\x03\x04 a jar")).is(201)
	require.Equal(t, []string{"blog", "shop", "shop"}, f.pages("/v1/packages?limit=2", "application"))
	require.Equal(t, []string{"2.0", "1.0"}, f.get("/v1/packages?application=shop").column("version"))
	require.Equal(t, []string{created.id()}, f.get("/v1/packages?application=shop&version=1.0").column("id"))
	require.Contains(t, f.get("/v1/packages?application=-").refused(422, "invalid_request"), "application")

	f.delete(path).is(204)
	f.get(path).refused(404, "not_found")
	f.delete(path).refused(404, "not_found")
	ids, _ := f.objects()
	require.Len(t, ids, 2)
	f.upload("shop", "1.0", "shop.tar.gz", tarGz(t)).is(201)
}

func TestTheFormatFollowsFromTheName(t *testing.T) {
	f := start(t)
	gz, plain := tarGz(t), tarball(t)
	zst := append([]byte{0x28, 0xb5, 0x2f, 0xfd}, "zstd"...)
	for name, c := range map[string]struct {
		content []byte
		format  string
	}{
		"a.tar.gz": {gz, "tar.gz"}, "b.TGZ": {gz, "tar.gz"}, "c.tar.zst": {zst, "tar.zst"}, "d.tar": {plain, "tar"},
		"e.zip": {[]byte("PK\x03\x04zip"), "zip"}, "f.jar": {[]byte("PK\x03\x04jar"), "file"}, "g": {gz, "file"},
	} {
		require.Equal(t, c.format, f.upload("app", name, name, c.content).is(201).text("format"), name)
	}
	for _, name := range []string{"x.tar.gz", "x.tar.zst", "x.tar", "x.zip"} {
		bad := f.upload("app", "bad", name, []byte("<html>not found</html>")).refused(422, "invalid_request")
		require.Contains(t, bad, "filename", name)
	}
	f.upload("app", "bad", "x.tar", append([]byte("hello"), make([]byte, 1024)...)).refused(422, "invalid_request")
}

func TestAVersionHasOneContent(t *testing.T) {
	f := start(t)
	first := f.upload("app", "1", "app", []byte("content")).is(201)
	again := f.upload("app", "1", "other-name", []byte("content")).is(200)
	require.JSONEq(t, string(first.raw), string(again.raw))
	f.upload("app", "1", "app", []byte("other content")).refused(409, "version_conflict")
	f.upload("app", "1", "app", []byte("content"), "sha256", digest([]byte("x"))).refused(422, "digest_mismatch")
	ids, chunks := f.objects()
	require.Equal(t, []string{first.id()}, ids)
	require.EqualValues(t, 1, chunks)
}

func TestOfUploadsAtOnceOneIsStored(t *testing.T) {
	f := start(t)
	other := f.run()
	replies := make(chan *reply, 8)
	for i := range cap(replies) {
		go func() {
			base := []string{f.url, other}[i%2]
			replies <- f.send(request{
				method: "POST", path: "/v1/packages?application=app&version=1&filename=app", url: base,
				body: []byte("content"), media: "application/octet-stream",
			})
		}()
	}
	ids, created := map[string]bool{}, 0
	for range cap(replies) {
		r := <-replies
		ids[r.id()] = true
		if r.StatusCode == 201 {
			created++
		}
	}
	require.Len(t, ids, 1)
	require.Equal(t, 1, created)
	stored, chunks := f.objects()
	require.Len(t, stored, 1)
	require.EqualValues(t, 1, chunks)
}

func TestWhatAPackageMayNotBe(t *testing.T) {
	f := start(t)
	bad := f.upload("Shop", "-1", "../x", []byte("x"), "sha256", "abc", "colour", "red").refused(422, "invalid_request")
	for _, name := range []string{"application", "version", "filename", "sha256", "colour"} {
		require.Contains(t, bad, name)
	}
	send := func(path, media string, body any) *reply {
		return f.send(request{method: "POST", path: path, body: body, media: media})
	}
	bad = send("/v1/packages", "application/octet-stream", []byte("x")).refused(422, "invalid_request")
	require.Equal(t, map[string]string{"application": "is required", "version": "is required", "filename": "is required"}, bad)
	for _, name := range []string{"-x", "a\nb", "..", `a\b`, strings.Repeat("x", 256)} {
		require.Contains(t, f.upload("a", "1", name, []byte("x")).refused(422, "invalid_request"), "filename", name)
	}
	require.Contains(t, f.upload("a", "1", "x", []byte{}).refused(422, "invalid_request"), "body")
	require.Contains(t, f.upload("a", "1", "x", []byte("x"), "sha256", "").refused(422, "invalid_request"), "sha256")
	send("/v1/packages?application=a&version=1&filename=x", "text/plain", []byte("x")).refused(415, "unsupported_media_type")

	bad = f.post("/v1/packages", object{"application": "A", "version": "", "url": "ftp://x", "sha256": "abc", "size": 1}).
		refused(422, "invalid_request")
	for _, name := range []string{"application", "version", "url", "sha256", "size", "filename"} {
		require.Contains(t, bad, name)
	}
	f.post("/v1/packages?application=x", object{}).refused(422, "invalid_request")
	f.nothingIsKept()
}

func TestAPackageThatIsNotWhatWasAnnouncedLeavesNothing(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.MaxPackage = 1 << 20 })
	big := bytes.Repeat([]byte("x"), 1<<20+1)
	stream := struct{ io.Reader }{bytes.NewReader(big)} // of no known length

	f.upload("app", "1", "app", big).refused(413, "payload_too_large")
	f.upload("app", "1", "app", stream).refused(413, "payload_too_large")
	f.nothingIsKept()
	f.upload("app", "1", "app", big[:1<<20], "sha256", digest(big)).refused(422, "digest_mismatch")
	f.nothingIsKept()
	f.upload("app", "1", "app", big[:1<<20]).is(201)
}

// rawUpload begins an upload and returns its connection.
func (f *fixture) rawUpload(length int, first []byte) net.Conn {
	f.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(f.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(f, err)
	f.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /v1/packages?application=app&version=1&filename=app HTTP/1.1\r\nHost: x\r\n"+
		"Authorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", f.token, length)
	require.NoError(f, err)
	_, err = conn.Write(first)
	require.NoError(f, err)
	return conn
}

func (f *fixture) chunksArrive() {
	f.Helper()
	f.eventually(func() bool { _, chunks := f.objects(); return chunks > 0 }, "no chunk arrives")
}

func TestAnUploadThatDiesHalfWayLeavesNothing(t *testing.T) {
	f := start(t)
	conn := f.rawUpload(2<<20, make([]byte, 1<<20))
	f.chunksArrive()
	require.NoError(t, conn.Close())
	f.eventually(func() bool { _, chunks := f.objects(); return chunks == 0 }, "the chunks stay")
	f.nothingIsKept()
}

func TestAnUploadThatStallsIsCutOff(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Upload = 200 * time.Millisecond })
	conn := f.rawUpload(2<<20, make([]byte, 1<<20))
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	answer, err := io.ReadAll(conn)
	require.NoError(t, err, "the connection is closed")
	require.Contains(t, string(answer), "HTTP/1.1 408 ")
	require.Contains(t, string(answer), `"code":"timeout"`)
	f.nothingIsKept()
}

func TestAnUploadOutlastsARestartOfTheBroker(t *testing.T) {
	f := start(t)
	conn := f.rawUpload(4<<20, make([]byte, 1<<20))
	f.chunksArrive()
	f.broker.Restart()
	_, err := conn.Write(make([]byte, 3<<20))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	status := make([]byte, len("HTTP/1.1 201"))
	_, err = io.ReadFull(conn, status)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 201", string(status))
	require.Equal(t, []string{digest(make([]byte, 4<<20))}, f.get("/v1/packages").column("sha256"))
}

// depot is a server that packages are fetched from.
func depot(t testing.TB) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/app-1.tar.gz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tarGz(t)) })
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		if n == 1 {
			http.Redirect(w, r, "/app-1.tar.gz", http.StatusFound)
			return
		}
		http.Redirect(w, r, fmt.Sprint("/hop/", n-1), http.StatusFound)
	})
	mux.HandleFunc("/to-file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func fetchOf(u, sha string) object {
	return object{"application": "app", "version": "1", "url": u, "sha256": sha}
}

func TestAPackageIsFetchedFromAURL(t *testing.T) {
	f := start(t, func(c *gateway.Config) {
		c.Fetch.Allow = []string{"127.0.0.0/8"}
		c.Limits.MaxPackage = 1 << 20
	})
	from := depot(t)
	sha := digest(tarGz(t))

	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/missing": {422, "fetch_failed"}, "/hop/6": {422, "fetch_failed"}, "/to-file": {422, "fetch_failed"},
		"/half": {422, "fetch_failed"}, "/endless": {413, "payload_too_large"},
	} {
		f.post("/v1/packages", fetchOf(from.URL+path, sha).with(object{"filename": "app"})).refused(want.status, want.code)
	}
	f.post("/v1/packages", fetchOf(from.URL+"/app-1.tar.gz", digest(nil))).refused(422, "digest_mismatch")
	f.nothingIsKept()

	got := f.post("/v1/packages", fetchOf(from.URL+"/app-1.tar.gz?token=secret", sha)).is(201)
	require.Equal(t, "app-1.tar.gz", got.text("filename"))
	require.Equal(t, "tar.gz", got.text("format"))
	again := f.post("/v1/packages", fetchOf(from.URL+"/missing.tar.gz", sha)).is(200)
	require.Equal(t, got.id(), again.id(), "what is known by its digest is not fetched again")
	f.post("/v1/packages", fetchOf(from.URL+"/app-1.tar.gz", digest(nil))).refused(409, "version_conflict")
	hops := fetchOf(from.URL+"/hop/5", sha).with(object{"version": "2", "filename": "x.tar.gz"})
	f.post("/v1/packages", hops).is(201)

	require.Contains(t, f.post("/v1/packages", fetchOf(from.URL+"/", sha)).refused(422, "invalid_request"), "filename")
}

func TestAPackageWithoutADigestIsFetchedEachTime(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Fetch.Allow = []string{"127.0.0.0/8"} })
	from := depot(t)
	blind := func(path string) *reply {
		return f.post("/v1/packages", object{"application": "app", "version": "1", "url": from.URL + path, "unverified": true, "filename": "app-1.tar.gz"})
	}
	blind("/missing").refused(422, "fetch_failed")
	first := blind("/app-1.tar.gz").is(201)
	require.Equal(t, digest(tarGz(t)), first.text("sha256"))
	require.Equal(t, first.id(), blind("/app-1.tar.gz").is(200).id())
	blind("/missing").refused(422, "fetch_failed")

	both := fetchOf(from.URL+"/app-1.tar.gz", digest(nil)).with(object{"unverified": true})
	require.Contains(t, f.post("/v1/packages", both).refused(422, "invalid_request"), "sha256")
	both["unverified"] = false
	delete(both, "sha256")
	require.Contains(t, f.post("/v1/packages", both).refused(422, "invalid_request"), "sha256")
}

func TestWhatIsNotPublicIsNotFetched(t *testing.T) {
	f := start(t)
	inside := depot(t)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, u := range []string{
		inside.URL + "/app-1.tar.gz", "http://localhost" + port + "/app", "http://[::1]" + port + "/app",
		"http://[::ffff:127.0.0.1]" + port + "/app", "http://0.0.0.0" + port + "/app",
		"http://10.0.0.1/app", "http://169.254.169.254/latest/meta-data", "http://[fd00::1]/app", "http://[fe80::1]/app",
	} {
		res := f.post("/v1/packages", fetchOf(u, digest(nil)).with(object{"filename": "app"}))
		res.refused(422, "fetch_refused")
	}
	for _, u := range []string{"file:///etc/passwd", "gopher://x/", "//x/y", "x", "http://", "http://a b/", "http:///x"} {
		bad := f.post("/v1/packages", fetchOf(u, digest(nil)).with(object{"filename": "app"})).refused(422, "invalid_request")
		require.Contains(t, bad, "url", u)
	}
	f.nothingIsKept()
}

func TestARedirectIntoThePrivateNetworkIsNotFollowed(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Fetch.Allow = []string{"127.0.0.1/32"} })
	inside := depot(t)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	trap := httptest.NewServer(http.RedirectHandler("http://127.0.0.2"+port+"/app-1.tar.gz", http.StatusFound))
	t.Cleanup(trap.Close)
	f.post("/v1/packages", fetchOf(trap.URL+"/app-1.tar.gz", digest(tarGz(t)))).refused(422, "fetch_refused")
	f.nothingIsKept()
}

func TestAFetchThatTakesTooLongIsCutOff(t *testing.T) {
	f := start(t, func(c *gateway.Config) {
		c.Fetch.Allow = []string{"127.0.0.0/8"}
		c.Fetch.Timeout = 200 * time.Millisecond
	})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	f.post("/v1/packages", fetchOf(slow.URL+"/app", digest(nil))).refused(422, "fetch_failed")
}
