package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// Options are what a Git is told.
type Options struct {
	Guard       netguard.Guard
	CA          string        // PEM file with the certificates to trust for https; empty: the system's
	Directories []string      // below which repositories may be fetched from by file URLs
	Max         int64         // bytes of a package, of what git fetches for one repository, and of its archive
	Stall       time.Duration // without a byte over https, after which git gives up
	Retry       source.Retry
}

// Git fetches from repositories.
type Git struct{ opts Options }

// New returns a Git.
func New(opts Options) *Git { return &Git{opts} }

// Resolve returns the commit that the ref of a source is. It fails with one of the
// errors of package source, or with what ended ctx.
func (g *Git) Resolve(ctx context.Context, s contract.GitSource, c contract.SourceCredential) (commit string, err error) {
	at, err := g.place(s.URL)
	if err != nil {
		return "", err
	}
	err = g.opts.Retry.Do(ctx, func(ctx context.Context) (bool, error) {
		on, err := g.open(ctx, at, access{c, s.HostKey})
		if err != nil {
			return false, err
		}
		defer on.close()
		commit, err = on.resolve(ctx, s.Ref)
		return false, err
	})
	return commit, err
}

// Fetch writes the tree of a commit to the file, which is empty, as a tar archive.
// Next to the file it keeps what it needs meanwhile. It fails with one of the
// errors of package source, or with what ended ctx.
func (g *Git) Fetch(ctx context.Context, s contract.GitSource, c contract.SourceCredential, to *os.File) error {
	at, err := g.place(s.URL)
	if err != nil {
		return err
	}
	if !isHash(s.Commit) {
		return fmt.Errorf("%w: %s: %q is no commit", source.ErrRefused, at, s.Commit)
	}
	beside, err := filepath.Abs(filepath.Dir(to.Name())) // git changes directories
	if err != nil {
		return local(err)
	}
	work, err := os.MkdirTemp(beside, "git-*")
	if err != nil {
		return local(err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	out := newArchive(to, g.opts.Max)
	w := &walk{git: g, work: work, out: out, root: at, access: access{c, s.HostKey}, submodules: s.Submodules}
	if err := w.repository(ctx, at, s, "", 0); err != nil {
		return err
	}
	return out.close()
}

// commit brings a commit into a new repository in dir. Of its history it fetches
// nothing, where the server lets it.
func (g *Git) commit(ctx context.Context, at place, a access, commit, ref, dir string) error {
	return g.opts.Retry.Do(ctx, func(ctx context.Context) (bool, error) {
		if err := os.RemoveAll(dir); err != nil {
			return false, local(err)
		}
		on, err := g.open(ctx, at, a)
		if err != nil {
			return false, err
		}
		defer on.close()
		if err := on.init(ctx, dir, commit); err != nil {
			return false, err
		}
		err = on.fetch(ctx, dir, "--depth=1", commit)
		if errors.Is(err, errUnadvertised) { // an old server gives out the ends of branches and tags alone
			refs := []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
			if strings.HasPrefix(ref, "refs/") {
				refs = append(refs, "+"+ref+":"+ref)
			}
			if err = on.fetch(ctx, dir, refs...); err == nil {
				err = on.has(ctx, dir, commit)
			}
		}
		return false, err
	})
}
