package apitest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// AddServers adds servers by name, as a test needs them, and returns their ids.
func (g *Gateway) AddServers(names ...string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ids []string
	for _, name := range names {
		s := g.newServer(client.ServerCreate{Name: name, Address: "192.0.2.1", Port: 22, User: "deploy", FirstContact: true})
		ids = append(ids, s.ID)
	}
	return ids
}

// Credential returns what a server of this name was given to log in with.
func (g *Gateway) Credential(name string) client.Credential {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.find(name)
	return g.secrets[s.ID]
}

func (g *Gateway) newServer(c client.ServerCreate) client.Server {
	now := time.Now().UTC()
	s := client.Server{
		ID: g.next(), Name: c.Name, Address: c.Address, Port: max(c.Port, 1), User: c.User, CredentialKind: "agent",
		HostKey: c.HostKey, HostCA: c.HostCA, RevokedKeys: c.RevokedKeys, LegacyAlgorithms: c.LegacyAlgorithms, FirstContact: c.FirstContact, JumpHost: g.idOf(c.JumpHost), Labels: c.Labels, CreatedAt: now, UpdatedAt: now,
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if c.HostKey != "" {
		s.HostKeyFingerprint = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
	}
	g.keep(&s, c.Credential)
	g.servers = append(g.servers, s)
	return s
}

func (g *Gateway) keep(s *client.Server, c *client.Credential) {
	if c == nil {
		return
	}
	g.secrets[s.ID] = *c
	s.HasCredential, s.CredentialKind = true, "password"
	if c.PrivateKey != "" {
		s.CredentialKind = "private_key"
	}
	if c.Certificate != "" {
		s.CredentialKind = "certificate"
	}
}

// find returns a server by name or id.
func (g *Gateway) find(ref string) (client.Server, bool) {
	i := slices.IndexFunc(g.servers, func(s client.Server) bool { return s.ID == ref || s.Name == ref })
	if i < 0 {
		return client.Server{}, false
	}
	return g.servers[i], true
}

// idOf is the id of the server of this name or id; "" where there is none.
func (g *Gateway) idOf(ref string) string {
	s, _ := g.find(ref)
	return s.ID
}

// labelled returns the servers with all these labels.
func (g *Gateway) labelled(labels []string) []client.Server {
	return slices.DeleteFunc(slices.Clone(g.servers), func(s client.Server) bool {
		return slices.ContainsFunc(labels, func(l string) bool {
			key, value, _ := strings.Cut(l, "=")
			has, ok := s.Labels[key]
			return !ok || has != value
		})
	})
}

func (g *Gateway) addServer(w http.ResponseWriter, r *http.Request, body []byte) {
	var c client.ServerCreate
	decode(body, &c)
	if _, taken := g.find(c.Name); taken {
		problem(w, r, http.StatusConflict, "name_taken", "another server has this name",
			client.FieldError{Field: "name", Message: "is taken"})
		return
	}
	reply(w, http.StatusCreated, g.newServer(c))
}

func (g *Gateway) listServers(w http.ResponseWriter, r *http.Request) {
	found := g.labelled(r.URL.Query()["label"])
	if name := r.URL.Query().Get("name"); name != "" {
		found = slices.DeleteFunc(found, func(s client.Server) bool { return s.Name != name })
	}
	reply(w, http.StatusOK, pageOf(r, found))
}

func (g *Gateway) oneServer(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	i := slices.IndexFunc(g.servers, func(s client.Server) bool { return s.ID == id })
	switch {
	case i < 0:
		problem(w, r, http.StatusNotFound, "not_found", "there is no such server")
	case r.Method == http.MethodDelete:
		g.servers = slices.Delete(g.servers, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch:
		g.patch(&g.servers[i], body)
		reply(w, http.StatusOK, g.servers[i])
	default:
		reply(w, http.StatusOK, g.servers[i])
	}
}

func (g *Gateway) patch(s *client.Server, body []byte) {
	var p map[string]json.RawMessage
	decode(body, &p)
	labels := map[string]*string{}
	for name, into := range map[string]any{
		"name": &s.Name, "address": &s.Address, "port": &s.Port, "user": &s.User,
		"first_contact": &s.FirstContact, "jump_host": &s.JumpHost, "legacy_algorithms": &s.LegacyAlgorithms, "labels": &labels,
	} {
		if raw, ok := p[name]; ok {
			decode(raw, into)
		}
	}
	for key, value := range labels {
		if value == nil {
			delete(s.Labels, key)
		} else {
			s.Labels[key] = *value
		}
	}
	if string(p["jump_host"]) == "null" {
		s.JumpHost = ""
	}
	s.JumpHost = g.idOf(s.JumpHost)
	if raw, ok := p["host_key"]; ok {
		s.HostKey, s.HostKeyFingerprint = "", ""
		decode(raw, &s.HostKey)
	}
	for name, into := range map[string]*string{"host_ca": &s.HostCA, "revoked_keys": &s.RevokedKeys} {
		if raw, ok := p[name]; ok {
			*into = ""
			decode(raw, into)
		}
	}
	if raw, ok := p["credential"]; ok {
		var c *client.Credential
		decode(raw, &c)
		delete(g.secrets, s.ID)
		s.HasCredential, s.CredentialKind = false, "agent"
		g.keep(s, c)
	}
}

// importKnownHosts takes any file to speak of every server, in its first line.
func (g *Gateway) importKnownHosts(w http.ResponseWriter, body []byte) {
	var k client.KnownHosts
	decode(body, &k)
	came := client.KnownHostsImported{DryRun: k.DryRun, Conflicts: len(g.servers), Servers: []client.KnownHostsServer{}}
	outcome := "conflict"
	if k.Replace {
		came.Conflicts, came.Replaced, outcome = 0, len(g.servers), "replaced"
	}
	for _, s := range g.servers {
		came.Servers = append(came.Servers, client.KnownHostsServer{Server: s.ID, Name: s.Name, Outcome: outcome, Lines: []int{1}})
	}
	reply(w, http.StatusOK, came)
}

// importServers takes each line of a list for the name of a server; one that is there is the same. Of a list of platform,
// the first line is columns that are not taken over.
func (g *Gateway) importServers(w http.ResponseWriter, body []byte) {
	var l client.ServerList
	decode(body, &l)
	came := client.ServersImported{Servers: []client.ImportedServer{}}
	if l.Format == "platform" {
		columns, rest, _ := strings.Cut(l.List, "\n")
		came.Notes, l.List = []string{"not taken over: " + columns}, rest
	}
	entries := imported(&came.ImportCounts, l.List, l.DryRun, func(name string) bool {
		_, there := g.find(name)
		return there
	})
	for _, e := range entries {
		one := client.ImportedServer{ImportedEntry: e}
		if !l.DryRun {
			one.Server = g.newServer(client.ServerCreate{Name: e.Name, Address: e.Name, User: l.Defaults.User, Credential: l.Defaults.Credential}).ID
		}
		came.Servers = append(came.Servers, one)
	}
	reply(w, http.StatusOK, came)
}

// importApplications takes each line of a list for the name of an application of the collection.
func (g *Gateway) importApplications(w http.ResponseWriter, at string, body []byte) {
	var l client.ApplicationList
	decode(body, &l)
	came := client.ApplicationsImported{Applications: []client.ImportedApplication{}}
	entries := imported(&came.ImportCounts, l.List, l.DryRun, func(name string) bool {
		return slices.ContainsFunc(g.items, func(i item) bool { return i.at == at && i.doc["name"] == name })
	})
	for _, e := range entries {
		if !l.DryRun {
			g.newItem(at, map[string]any{"name": e.Name})
		}
		came.Applications = append(came.Applications, client.ImportedApplication{ImportedEntry: e})
	}
	reply(w, http.StatusOK, came)
}

// imported counts the names of a list, one a line, and returns those that are new.
func imported(c *client.ImportCounts, list string, dry bool, there func(name string) bool) (created []client.ImportedEntry) {
	c.DryRun = dry
	line := 0
	for name := range strings.Lines(list) {
		line++
		if name = strings.TrimSpace(name); there(name) {
			c.Same++
			continue
		}
		c.Created++
		created = append(created, client.ImportedEntry{Line: line, Name: name, Outcome: "created"})
	}
	return created
}

func (g *Gateway) addPackage(w http.ResponseWriter, r *http.Request, body []byte) {
	q := r.URL.Query()
	sum := sha256.Sum256(body)
	p := client.Package{
		Project: q.Get("project"), Application: q.Get("application"), Version: q.Get("version"), Filename: q.Get("filename"),
		Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]),
	}
	if r.Header.Get("Content-Type") == "application/json" {
		var f struct {
			client.PackageFetch
			Source client.SourceCreate
		}
		decode(body, &f)
		p = client.Package{
			Project: f.Project, Application: f.Application, Version: f.Version, Filename: path.Base(f.URL), Size: 1, SHA256: f.SHA256,
		}
		if f.URL == "" { // of all that can be said of a source, what is not in its kind
			p.Filename, p.Size, p.SHA256, p.Source = "package.tar.gz", 0, strings.Repeat("ab", 32), &client.PackageSource{HasCredential: true}
		}
	} else if claimed := q.Get("sha256"); claimed != "" && claimed != p.SHA256 {
		problem(w, r, http.StatusUnprocessableEntity, "digest_mismatch", "the content has another digest")
		return
	}
	for _, there := range g.packages {
		if there.Project != p.Project || there.Application != p.Application || there.Version != p.Version {
			continue
		}
		if there.SHA256 == p.SHA256 {
			reply(w, http.StatusOK, there)
			return
		}
		problem(w, r, http.StatusConflict, "version_conflict", "this version has other content")
		return
	}
	p.ID, p.Format, p.CreatedAt = g.next(), "tar.gz", time.Now().UTC()
	g.packages = append([]client.Package{p}, g.packages...)
	reply(w, http.StatusCreated, p)
}

func (g *Gateway) listPackages(w http.ResponseWriter, r *http.Request) {
	application, version := r.URL.Query().Get("application"), r.URL.Query().Get("version")
	reply(w, http.StatusOK, pageOf(r, slices.DeleteFunc(slices.Clone(g.packages), func(p client.Package) bool {
		return application != "" && p.Application != application || version != "" && p.Version != version
	})))
}
