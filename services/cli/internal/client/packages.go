package client

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Package is what can be deployed.
type Package struct {
	ID          string    `json:"id"`
	Project     string    `json:"project,omitempty"` // whose deployments may ship it; empty: all
	Application string    `json:"application"`
	Version     string    `json:"version"`
	Filename    string    `json:"filename"`
	Format      string    `json:"format"`
	Size        int64     `json:"size"` // bytes; 0: not known
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"created_at"`

	Source *PackageSource `json:"source,omitempty"` // nil: the server has it
}

// PackageFetch is a package that the gateway fetches by itself.
type PackageFetch struct {
	Project     string `json:"project,omitempty"`
	Application string `json:"application"`
	Version     string `json:"version"`
	URL         string `json:"url"`
	SHA256      string `json:"sha256,omitempty"`
	Unverified  bool   `json:"unverified,omitempty"` // there is no SHA256
	Filename    string `json:"filename,omitempty"`   // empty: the last part of the URL's path
}

// Packages lists packages, newest first. Empty filters are none.
func (c *Client) Packages(ctx context.Context, application, version string) iter.Seq2[Package, error] {
	return all[Package](ctx, c, "/v1/packages", filters(map[string]string{"application": application, "version": version}), PageLimit)
}

// FetchPackage has the gateway fetch a package.
func (c *Client) FetchPackage(ctx context.Context, f PackageFetch) (Package, error) {
	var stored Package
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/packages", key: newKey(), json: f, into: &stored})
	return stored, err
}

// Upload brings a file to the gateway, unless it is there already: second is whether it was sent. progress, if set, is
// told how many bytes have gone so far; a repeat begins again at 0. It is called from another goroutine, and never
// after Upload has returned.
//
// It fails with ErrVersionTaken where the version is there with other content, before anything is sent. A package that
// belongs to no project is there for all.
func (c *Client) Upload(ctx context.Context, project, application, version string, f *File, progress func(sent int64)) (Package, bool, error) {
	there, err := Collect(c.Packages(ctx, application, version))
	if err != nil {
		return Package{}, false, err
	}
	slices.SortFunc(there, func(a, b Package) int { return cmp.Compare(b.Project, a.Project) }) // what belongs to none is last, as when it is deployed
	for _, p := range there {
		switch {
		case p.Project != project && p.Project != "":
		case strings.EqualFold(p.SHA256, f.SHA256):
			return p, false, nil
		case p.Project == project:
			return Package{}, false, fmt.Errorf("%w: %s %s was uploaded with other content; what is new needs a version of its own",
				ErrVersionTaken, application, version)
		}
	}
	u := &upload{file: f, progress: progress}
	defer u.finish()
	query := filters(map[string]string{"project": project, "application": application, "version": version, "filename": f.Name, "sha256": f.SHA256})
	var stored Package
	// No Idempotency-Key: a package is what it is by application, version and digest, and a repeat of the same is
	// answered with the first.
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/packages", query: query, upload: u, into: &stored})
	return stored, true, err
}
