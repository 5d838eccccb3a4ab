package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// pkg is a package as it is sent.
type pkg struct {
	ID          string    `json:"id"`
	Project     string    `json:"project,omitempty"`
	Application string    `json:"application"`
	Version     string    `json:"version"`
	Filename    string    `json:"filename"`
	Format      string    `json:"format"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"created_at"`

	Source *packageSource `json:"source,omitempty"`
}

func packageOf(p packages.Package) pkg {
	return pkg{
		ID: p.ID, Project: p.Project, Application: p.Application, Version: p.Version, Filename: p.Filename, Format: p.Format,
		Size: p.Size, SHA256: p.SHA256, CreatedAt: p.CreatedAt, Source: sourceOf(p.Source),
	}
}

func (a *API) createPackage(c *call) (answer, error) {
	id := c.attempt.Resource
	if c.attempt.Resumed {
		if p, err := a.findPackage(c, id); err == nil {
			if err := c.within(p.Project); err != nil {
				return answer{}, err
			}
			return packageStored(http.StatusCreated, p), a.compareUpload(c, p.SHA256)
		}
		// The earlier attempt may still be storing content under its id. There is
		// one package of a version whatever the id, so this one takes another.
		id = xid.New().String()
	}
	store := a.upload
	if c.media == mediaJSON {
		store = a.describe
	}
	p, created, err := store(c, id)
	switch {
	case err != nil:
		return answer{}, err
	case created:
		return packageStored(http.StatusCreated, p), nil
	default:
		return packageStored(http.StatusOK, p), nil
	}
}

func (a *API) findPackage(c *call, id string) (packages.Package, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	return a.Packages.Get(ctx, id)
}

func packageStored(status int, p packages.Package) answer {
	return answer{status: status, header: map[string]string{"Location": "/v1/packages/" + p.ID}, body: packageOf(p)}
}

// upload stores the body of the request.
func (a *API) upload(c *call, id string) (packages.Package, bool, error) {
	q, err := c.query()
	if err != nil {
		return packages.Package{}, false, err
	}
	n := packages.New{ID: id}
	n.Project = readText(c, q, "project", rule.Project)
	if err := c.mayAdd(n); err != nil {
		return packages.Package{}, false, err
	}
	n.Application, _ = q.Required("application")
	n.Version, _ = q.Required("version")
	n.Filename, _ = q.Required("filename")
	n.SHA256 = readText(c, q, "sha256", rule.SHA256) // an empty one too: it would check nothing
	q.End()
	a.checkPackage(c, n)
	if err := c.errs.Err(); err != nil {
		return packages.Package{}, false, err
	}
	req := c.http.Request()
	if req.ContentLength > a.Limits.Package {
		return packages.Package{}, false, packages.ErrTooLarge
	}
	body := a.patiently(c)
	defer body.done()
	p, created, err := a.Packages.Store(c.ctx, n, body)
	c.content = p.SHA256
	return p, created, err
}

// compareUpload reads a body that is repeated, and fails with idempotency.ErrMismatch where it is not what was uploaded
// first. Other bodies were compared by their digests.
func (a *API) compareUpload(c *call, first string) error {
	if c.media != mediaUpload {
		return nil
	}
	body, sum := a.patiently(c), sha256.New()
	defer body.done()
	if _, err := io.Copy(sum, io.LimitReader(body, a.Limits.Package+1)); err != nil {
		return fmt.Errorf("%w: %w", packages.ErrBroken, err)
	}
	if c.content = hex.EncodeToString(sum.Sum(nil)); c.content != first {
		return idempotency.ErrMismatch
	}
	return nil
}

// mayAdd fails where the call is not permitted for the package's project.
func (c *call) mayAdd(n packages.New) error {
	if c.errs.Has("project") { // what it names is no project
		return nil
	}
	return c.within(n.Project)
}

// checkPackage checks what was given; what is missing was named already.
func (a *API) checkPackage(c *call, n packages.New) {
	for _, one := range []struct {
		name, value string
		check       func(string) string
	}{
		{"application", n.Application, rule.Application},
		{"version", n.Version, rule.Version},
		{"filename", n.Filename, rule.Filename},
		{"sha256", n.SHA256, rule.SHA256},
	} {
		if one.value != "" && !c.errs.Has(one.name) {
			c.errs.Check(one.name, one.check(one.value))
		}
	}
}

// describe has a package that the request describes: a copy of what lies at a URL,
// or a reference to where it stays.
func (a *API) describe(c *call, id string) (packages.Package, bool, error) {
	if err := c.noQuery(); err != nil {
		return packages.Package{}, false, err
	}
	o, err := c.object()
	if err != nil {
		return packages.Package{}, false, err
	}
	if o.Given("source") && !o.Given("url") {
		return a.refer(c, id, o)
	}
	return a.fetch(c, id, o)
}

// fetch stores what lies at a URL.
func (a *API) fetch(c *call, id string, o *field.Object) (packages.Package, bool, error) {
	n, location, err := a.readFetch(c, id, o)
	if err != nil {
		return packages.Package{}, false, err
	}
	p, err := a.fetchedBefore(c, n)
	if !errors.Is(err, packages.ErrNotFound) {
		return p, false, err
	}
	created := false
	err = a.Fetcher.Fetch(c.ctx, location, a.Limits.Package, func(body io.Reader) (err error) {
		p, created, err = a.Packages.Store(c.ctx, n, body)
		if errors.Is(err, packages.ErrBroken) {
			return problemf(codeFetchFailed, "the URL cannot be fetched: its content did not arrive whole")
		}
		return err
	})
	return p, created, err
}

// fetchedBefore returns the package of this version, or packages.ErrNotFound:
// where a digest is given it tells whether it is the same, and nothing needs to be fetched.
func (a *API) fetchedBefore(c *call, n packages.New) (packages.Package, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	p, err := a.Packages.Version(ctx, n.Project, n.Application, n.Version)
	switch {
	case err != nil:
	case n.SHA256 == "": // nobody knows without a look
		err = packages.ErrNotFound
	case !strings.EqualFold(p.SHA256, n.SHA256):
		err = packages.ErrOtherContent
	}
	return p, err
}

func (a *API) readFetch(c *call, id string, o *field.Object) (n packages.New, location string, err error) {
	n = packages.New{ID: id, Project: mayHold(o, "project", rule.Project)}
	if err := c.mayAdd(n); err != nil {
		return n, "", err
	}
	n.Application, _ = o.Required("application")
	n.Version, _ = o.Required("version")
	if unverified, _ := o.Bool("unverified"); unverified {
		o.Refuse("sha256", "cannot be given together with unverified")
	} else {
		n.SHA256, _ = o.Required("sha256")
	}
	location, hasURL := o.Required("url")
	filename, hasName := o.Text("filename")
	o.End()
	n.Filename = filename
	if hasURL {
		c.errs.Check("url", rule.URL(location))
	}
	switch {
	case hasName && filename == "":
		c.errs.Check("filename", rule.Filename(filename))
	case !hasName && hasURL && !c.errs.Has("filename"):
		if n.Filename = packages.FilenameIn(location); n.Filename == "" {
			c.errs.Add("filename", "is required: the URL's path does not end with one")
		}
	}
	a.checkPackage(c, n)
	return n, location, c.errs.Err()
}

func (a *API) listPackages(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	f := packages.Filter{Limit: readLimit(q)}
	f.Application = readText(c, q, "application", rule.Application)
	f.Version = readText(c, q, "version", rule.Version)
	f.Before = readCursor(q, &c.errs, contract.ValidToken)
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, more, err := a.Packages.List(c.ctx, f)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if more {
		next = found[len(found)-1].ID
	}
	return ok(pageOf(found, next, packageOf))
}

func (a *API) getPackage(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	p, err := a.Packages.Get(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	return ok(packageOf(p))
}

func (a *API) deletePackage(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if err := a.Packages.Delete(c.ctx, c.id()); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *API) patiently(c *call) *patientBody {
	return &patientBody{body: c.http.Request().Body, control: http.NewResponseController(c.http.Response()), idle: a.Limits.Idle}
}

// patientBody reads an upload however long it takes, as long as bytes come.
type patientBody struct {
	body    io.Reader
	control *http.ResponseController
	idle    time.Duration
	ended   bool // all of it was read
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.idle))
	n, err := b.body.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errStalled
	}
	return n, err
}

var errStalled = errors.New("nothing came any more")

// done lifts the bound on reading once there is nothing left to read: what watches for
// a closed connection reads too.
func (b *patientBody) done() {
	if b.ended {
		_ = b.control.SetReadDeadline(time.Time{})
	}
}
