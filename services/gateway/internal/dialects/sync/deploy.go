package sync

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const (
	java   = "java"
	golang = "golang"
	// keepAll: releases stay until filename_delete names them, the newest of them at least.
	keepAll = 100
)

// release is what a request says of a release and where it belongs.
type release struct {
	project, link, language, filename, directory string
	restart                                      bool
	servers                                      []string
}

func readRelease(s *dialects.Said) release {
	r := release{
		project: s.Required("project_name"), link: s.Required("link_name"), language: s.Required("language"),
		filename: s.Required("filename"), servers: s.RequiredList("server_list"),
	}
	r.directory = readDirectory(s, r.language)
	r.restart = r.language == java && s.Bool("is_restart")
	return r
}

// readDirectory takes deploy_dir, which has a meaning for golang alone.
func readDirectory(s *dialects.Said, language string) string {
	if language != golang {
		return ""
	}
	return strings.TrimSpace(s.Text("deploy_dir"))
}

// deploy brings a package to servers and links it.
func deploy(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	rel := readRelease(r.Said)
	from, unwanted, sum := r.Said.Required("file_url"), r.Said.Text("filename_delete"), r.Said.Text("sha256")
	return rel.onServers(ctx, r, deployed, func(lasting context.Context, hosts dialects.Hosts, failed map[string]string) (dialects.Reply, error) {
		pkg, err := fetch(lasting, r, rel, from, sum)
		if err != nil {
			return notFetched(lasting, r, rel, hosts, failed, err)
		}
		order := rel.order(hosts.IDs)
		order.Package = pkg.ID
		if unwanted != "" && unwanted != rel.filename {
			order.Remove = []string{unwanted}
		}
		return carryOut(ctx, lasting, r, order, hosts, failed, deployed)
	})
}

// onServers has something done on the servers of a release that are known, which a client
// that hangs up does not stop. failed is for those that it fails on.
func (rel release) onServers(
	ctx context.Context, r *dialects.Request, words string, do func(lasting context.Context, hosts dialects.Hosts, failed map[string]string) (dialects.Reply, error),
) (dialects.Reply, error) {
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	lasting, cancel := dialects.Lasting(ctx)
	defer cancel()
	hosts, failed, err := on(lasting, r, rel.servers)
	if err != nil || len(hosts.IDs) == 0 {
		return done(failed, words), err
	}
	return do(lasting, hosts, failed)
}

// fetch has the gateway fetch the file, once for all servers.
func fetch(ctx context.Context, r *dialects.Request, rel release, from, sum string) (dialects.Package, error) {
	want := map[string]any{
		"application": rel.project, "version": rel.filename, "filename": rel.filename, "url": from,
	}
	if sum == "" {
		want["unverified"] = true
	} else {
		want["sha256"] = sum
	}
	var pkg dialects.Package
	return pkg, r.Do(ctx, dialects.Operation{Route: "POST /v1/packages", Body: want}, &pkg)
}

// notFetched says of each server why it has not got the file: those that it could not have
// come to in any case are told apart.
func notFetched(ctx context.Context, r *dialects.Request, rel release, hosts dialects.Hosts, failed map[string]string, err error) (dialects.Reply, error) {
	why, err := refused(err)
	if err != nil {
		return dialects.Reply{}, asSaid(err)
	}
	held, err := rel.held(ctx, r, hosts)
	if err != nil {
		return dialects.Reply{}, err
	}
	for _, h := range held {
		hosts.Tell(failed, h.Server, why)
		if h.Failure != nil {
			hosts.Tell(failed, h.Server, reason(h.Failure))
		}
	}
	return done(failed, deployed), nil
}

// order is a native request for a deployment.
type order struct {
	Application string         `json:"application"`
	Package     string         `json:"package,omitempty"`
	Version     string         `json:"version,omitempty"`
	Profile     string         `json:"profile"`
	Directory   string         `json:"directory,omitempty"`
	Servers     []string       `json:"servers"`
	Keep        int            `json:"keep"`
	Remove      []string       `json:"remove,omitempty"`
	Runtime     map[string]any `json:"runtime"`
	Link        string         `json:"link"`
	Restart     bool           `json:"restart,omitempty"`
}

// order is the native request by which the release comes to run on servers.
func (rel release) order(servers []string) order {
	o := order{
		Application: rel.project, Profile: rel.language, Directory: rel.directory, Servers: servers, Keep: keepAll,
		Runtime: map[string]any{"kind": "archive"}, Link: rel.link, Restart: rel.restart,
	}
	switch ext := path.Ext(rel.filename); {
	case rel.language == java && (ext == ".jar" || ext == ".war"):
		o.Link = strings.TrimSuffix(rel.link, ext) + ext
		o.Runtime = rel.file(o.Link)
	case rel.language == golang && !packed(rel.filename):
		o.Runtime = rel.file(o.Link)
	}
	return o
}

// file is a release that is one file, which has the name of the link in it.
func (rel release) file(link string) map[string]any {
	return map[string]any{"kind": rel.language, "entry": map[string]any{"link": link, "file": rel.filename}}
}

func packed(filename string) bool {
	for _, end := range []string{".tar.gz", ".tgz", ".tar.zst", ".tar", ".zip"} {
		if strings.HasSuffix(filename, end) {
			return true
		}
	}
	return false
}

// carryOut has a deployment begun, and answers once it has ended on every server. Whether
// the client is still there counts for the answer alone.
func carryOut(ctx, lasting context.Context, r *dialects.Request, o order, hosts dialects.Hosts, failed map[string]string, message string) (dialects.Reply, error) {
	var d dialects.Deployment
	if err := r.Do(lasting, dialects.Operation{Route: "POST /v1/deployments", Body: o}, &d); err != nil {
		return dialects.Reply{}, asSaid(err)
	}
	return concluded(ctx, r, d, hosts, failed, message)
}

// concluded answers with what has become of a deployment.
func concluded(ctx context.Context, r *dialects.Request, d dialects.Deployment, hosts dialects.Hosts, failed map[string]string, message string) (dialects.Reply, error) {
	targets, err := dialects.Outcome(ctx, r, d.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	for _, t := range targets {
		if t.State != "succeeded" {
			hosts.Tell(failed, t.Server, reason(t.Failure))
		}
	}
	return done(failed, message), nil
}

func problemIn(err error) (*dialects.Problem, bool) {
	var p *dialects.Problem
	return p, errors.As(err, &p)
}

// fields is what those of native requests are called here.
var fields = map[string]string{
	"application": "project_name", "profile": "language", "directory": "deploy_dir", "link": "link_name", "runtime.entry.link": "link_name",
	"runtime.entry.file": "filename", "version": "filename", "filename": "filename", "remove[0]": "filename_delete", "url": "file_url",
	"supervisor.content": "superconf_content", "file": "logname", "lines": "line",
}

// asSaid is a refusal of a native operation with the names that its fields have here.
func asSaid(err error) error {
	p, ok := problemIn(err)
	if !ok {
		return err
	}
	here := *p
	here.Fields = nil
	for _, w := range p.Fields {
		if name, ok := fields[w.Field]; ok {
			w.Field = name
		}
		here.Fields = append(here.Fields, w)
	}
	return &here
}
