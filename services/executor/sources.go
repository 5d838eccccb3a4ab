package executor

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/fetch"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/git"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/web"
)

// sourcePause is how long a source is left alone after a first try that failed.
const sourcePause = time.Second

// fetcher returns what brings packages here, wherever they lie.
func (s *Service) fetcher(uploads bundles.Objects) (*fetch.Fetcher, error) {
	c := s.cfg.Sources
	ranges, err := netguard.ParseRanges(c.Allow)
	if err != nil {
		return nil, fmt.Errorf("sources.allow: %w", err)
	}
	roots, ca, err := trusted(c.CA)
	if err != nil {
		return nil, fmt.Errorf("sources.ca: %w", err)
	}
	guard, retry := netguard.New(ranges), source.Retry{Tries: c.Tries, Pause: sourcePause}
	return &fetch.Fetcher{
		Uploads: uploads,
		Keys:    s.keys,
		Web:     web.New(web.Options{Guard: guard, Roots: roots, Max: int64(c.MaxPackage), Stall: c.Stall, Retry: retry}),
		Git: git.New(git.Options{
			Guard: guard, CA: ca, Directories: c.Directories, Max: int64(c.MaxPackage), Stall: c.Stall, Retry: retry,
		}),
	}, nil
}

// trusted reads a file of certificates; without one, the system's are trusted. The
// path that it returns is absolute: git changes directories.
func trusted(path string) (*x509.CertPool, string, error) {
	if path == "" {
		return nil, "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, "", fmt.Errorf("%s holds no certificate in PEM", path)
	}
	path, err = filepath.Abs(path)
	return roots, path, err
}
