package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/git"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/s3"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/web"
)

// Fetcher is a bundles.Source of all packages.
type Fetcher struct {
	Uploads bundles.Source // of packages without a source
	Keys    seal.Keys      // open credentials
	Web     *web.Client
	Git     *git.Git
}

// Fetch implements bundles.Source. Beyond the errors named there it fails with
// those of package source.
func (f *Fetcher) Fetch(ctx context.Context, p contract.Package, to *os.File) error {
	if p.Source == nil {
		return f.Uploads.Fetch(ctx, p, to)
	}
	err := f.fetch(ctx, p, *p.Source, to)
	if errors.Is(err, source.ErrLocal) {
		return fmt.Errorf("%w: %w", bundles.ErrLocal, err)
	}
	return err
}

func (f *Fetcher) fetch(ctx context.Context, p contract.Package, s contract.Source, to *os.File) error {
	c, err := f.open(p.ID, s)
	if err != nil {
		return err
	}
	switch {
	case s.URL != nil:
		return f.Web.Fetch(ctx, web.FileOf(*s.URL, c), p.SHA256, to)
	case s.S3 != nil:
		return f.Web.Fetch(ctx, s3.FileOf(*s.S3, c), p.SHA256, to)
	case s.Git != nil && s.Git.Digest() != p.SHA256:
		return fmt.Errorf("%w: its digest is not that of its commit", bundles.ErrAltered)
	case s.Git != nil:
		return f.Git.Fetch(ctx, *s.Git, c, to)
	default:
		return fmt.Errorf("%w: it is of a kind that this executor does not know; a newer one may", source.ErrRefused)
	}
}

// Resolve returns the commit that a branch or tag is. It fails with the errors of
// package source.
func (f *Fetcher) Resolve(ctx context.Context, ask contract.ResolveRef) (commit string, err error) {
	g := contract.GitSource{URL: ask.URL, Ref: ask.Ref, HostKey: ask.HostKey}
	c, err := f.open(ask.Package, contract.Source{Git: &g, Credential: ask.Credential})
	if err != nil {
		return "", err
	}
	return f.Git.Resolve(ctx, g, c)
}

// open opens the credential of the source of a package.
func (f *Fetcher) open(pkg string, s contract.Source) (contract.SourceCredential, error) {
	var c contract.SourceCredential
	if s.Credential == "" {
		return c, nil
	}
	clear, err := f.Keys.Open(s.Context(pkg), seal.Sealed(s.Credential))
	if err != nil {
		return c, fmt.Errorf("%w: %w", source.ErrCredential, err)
	}
	if err := json.Unmarshal(clear, &c); err != nil { // the error of json would quote the secret
		return c, fmt.Errorf("%w: its content is damaged", source.ErrCredential)
	}
	return c, nil
}
