package platform

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// What lies in a release.
const (
	scriptName = "script"
	directory  = "site" // empty, until the script fills it
)

// The application of a path is called by its last part, as far as that can be in a name, and
// by what tells it from others.
const (
	longestName = 40
	digits      = 8
)

// link is where clients find what a script has made.
func (w wanted) link() string { return path.Clean(w.path) }

// base is where the releases lie, beside the link.
func (w wanted) base() string {
	return path.Join(path.Dir(w.link()), "."+path.Base(w.link())+".slipway")
}

// application is the native one: a path is one application, whatever its deployments are
// called.
func (w wanted) application() string {
	var name strings.Builder
	for _, r := range strings.ToLower(path.Base(w.link())) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) && name.Len() > 0 {
			name.WriteRune(r)
		}
	}
	sum := sha256.Sum256([]byte(w.link()))
	short := name.String()
	if short == "" {
		short = project
	}
	return short[:min(len(short), longestName)] + "-" + hex.EncodeToString(sum[:])[:digits]
}

// upload stores the release of a deployment: its script, and the directory that is to be
// filled.
func (w wanted) upload(ctx context.Context, r *dialects.Request, number uint64) error {
	var content bytes.Buffer
	archive := tar.NewWriter(&content) // into memory: that cannot fail
	_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755})
	_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: scriptName, Mode: 0o755, Size: int64(len(w.script))})
	_, _ = archive.Write([]byte(w.script))
	_ = archive.Close()
	query := url.Values{"project": {project}, "application": {w.application()}, "version": {strconv.FormatUint(number, 10)}, "filename": {scriptName + ".tar"}}
	return r.Do(ctx, dialects.Operation{Route: "POST /v1/packages", Query: query, Content: &content}, nil)
}
