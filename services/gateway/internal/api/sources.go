package api

import (
	"cmp"
	"errors"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// packageSource is where a package lies, as it is sent: without its credential.
type packageSource struct {
	URL           *urlSource `json:"url,omitempty"`
	S3            *s3Source  `json:"s3,omitempty"`
	Git           *gitSource `json:"git,omitempty"`
	HasCredential bool       `json:"has_credential"`
}

type urlSource struct {
	URL string `json:"url"`
}

type s3Source struct {
	Endpoint string `json:"endpoint"`
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	Region   string `json:"region,omitempty"`
}

type gitSource struct {
	URL        string `json:"url"`
	Commit     string `json:"commit"`
	Ref        string `json:"ref,omitempty"`
	Directory  string `json:"directory,omitempty"`
	Submodules bool   `json:"submodules,omitempty"`
	HostKey    string `json:"host_key,omitempty"`
}

func sourceOf(s *contract.Source) *packageSource {
	if s == nil {
		return nil
	}
	out := &packageSource{HasCredential: s.Credential != ""}
	switch {
	case s.URL != nil:
		out.URL = (*urlSource)(s.URL)
	case s.S3 != nil:
		out.S3 = (*s3Source)(s.S3)
	case s.Git != nil:
		out.Git = (*gitSource)(s.Git)
	}
	return out
}

// refer makes a package known that stays at its source. A branch or a tag becomes
// a commit now: what is deployed later is that, wherever the branch is by then.
func (a *API) refer(c *call, id string, o *field.Object) (packages.Package, bool, error) {
	n := packages.New{ID: id, Project: mayHold(o, "project", rule.Project)}
	if err := c.mayAdd(n); err != nil {
		return packages.Package{}, false, err
	}
	n.Application, _ = o.Required("application")
	n.Version, _ = o.Required("version")
	r := packages.ReadReference(c.ctx, o, "source", &c.errs)
	o.End()
	a.checkPackage(c, n)
	if err := c.wrong(); err != nil {
		return packages.Package{}, false, err
	}
	if err := r.Seal(id, a.Seal); err != nil {
		return packages.Package{}, false, err
	}
	if git := r.Source.Git; git != nil && git.Commit == "" {
		commit, err := a.Deployments.Resolve(c.ctx, r.Zone, contract.ResolveRef{
			Package: id, URL: git.URL, Ref: git.Ref, HostKey: git.HostKey, Credential: r.Source.Credential,
		})
		if err != nil {
			return packages.Package{}, false, unresolved(err, r.Zone)
		}
		git.Commit = commit
	}
	return a.Packages.Refer(c.ctx, n, r)
}

// unresolved says to a client why there is no commit.
func unresolved(err error, zone string) error {
	var why deployments.Unresolved
	switch {
	case errors.Is(err, deployments.ErrNoExecutor):
		return problemf(codeUnavailable, "no executor serves the zone %s, and one must look for the commit", cmp.Or(zone, contract.DefaultZone))
	case !errors.As(err, &why):
		return err
	case why.Code == contract.FailSourceRefused:
		return problemf(codeFetchRefused, "%s", why.Reason)
	default:
		return problemf(codeFetchFailed, "%s", why.Reason)
	}
}
