package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// What a deployment is noted with, natively.
const (
	noteName       = "name"
	noteServer     = "server_id"
	noteRepository = "repository"
	noteBranch     = "branch"
	notePath       = "path"
)

const (
	defaultBranch = "main"
	unknownServer = "there is no such server"
)

// wanted is what a request says.
type wanted struct {
	name, repository, branch, path, script string
	servers                                []uint64
	field                                  string // in which the servers are named
	serial                                 bool
	timeout                                int // in seconds; 0: none
}

// readWanted reads a request. Texts are kept as they are: scripts are given them as data. The
// script itself has the line ends of a file: forms of browsers have others, with which it does
// not run.
func readWanted(s *dialects.Said) wanted {
	w := wanted{
		name: required(s, "name"), repository: required(s, "repository"), path: required(s, "path"), script: required(s, "script"),
		branch: cmp.Or(s.Text("branch"), defaultBranch), timeout: s.Number("timeout"), field: "server_id",
	}
	w.script = strings.ReplaceAll(w.script, "\r\n", "\n")
	if w.path != "" && (!path.IsAbs(w.path) || path.Clean(w.path) == "/" || strings.Contains(w.path+"/", "/../")) {
		s.Wrong("path", "must be an absolute path of a directory, without '..'")
	}
	if w.timeout < 0 {
		s.Wrong("timeout", "must be a number of seconds")
	}
	switch mode := s.Text("execution_mode"); mode {
	case "", "parallel":
	case "serial":
		w.serial = true
	default:
		s.Wrong("execution_mode", "must be parallel or serial")
	}
	w.readServers(s)
	return w
}

// required takes a text that is not blank.
func required(s *dialects.Said, name string) string {
	if s.Required(name) == "" {
		return ""
	}
	return s.Text(name)
}

// readServers takes server_ids where that is given, else server_id, each once.
func (w *wanted) readServers(s *dialects.Said) {
	var named []string
	if s.Given("server_ids") {
		w.field, named = "server_ids", s.RequiredList("server_ids")
	} else {
		named = []string{s.Required("server_id")}
	}
	seen := map[uint64]bool{}
	for _, one := range named {
		number, err := strconv.ParseUint(dialects.Whole(one), 10, 64)
		switch {
		case one == "": // it is said already
		case err != nil || number == 0:
			s.Wrong(w.field, "must be the number of a server")
		case !seen[number]:
			seen[number] = true
			w.servers = append(w.servers, number)
		}
	}
}

// create stores a deployment and has it begun.
func create(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	w := readWanted(r.Said)
	ctx, cancel := dialects.Lasting(ctx)
	defer cancel()
	ids, err := w.locate(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	given, err := r.Numbers(ctx, numbers.Deployment, r.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	number := given[r.ID]
	if err := w.upload(ctx, r, number); err != nil {
		return dialects.Reply{}, asSaid(err, w.field)
	}
	var d native
	if err := r.Do(ctx, dialects.Operation{Route: "POST /v1/deployments", Body: w.order(number, ids), Made: true}, &d); err != nil {
		return dialects.Reply{}, asSaid(err, w.field)
	}
	return dialects.Reply{Status: http.StatusCreated, Body: d.row(number)}, nil
}

// locate finds the servers, and refuses a path on them that is another application's.
func (w wanted) locate(ctx context.Context, r *dialects.Request) ([]string, error) {
	var ids []string
	for _, number := range w.servers {
		id, err := r.Numbered(ctx, numbers.Server, number)
		switch {
		case errors.Is(err, numbers.ErrNone):
			r.Said.Wrong(w.field, fmt.Sprintf("%s: %d", unknownServer, number))
			continue
		case err != nil:
			return nil, err
		}
		ids = append(ids, id)
		if w.path != "" {
			if err := w.vacant(ctx, r, id); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// vacant notes what is wrong with the path where another application lies there, below it
// or above it.
func (w wanted) vacant(ctx context.Context, r *dialects.Request, server string) error {
	type placement struct {
		Application string `json:"application"`
		Name        string `json:"name"`
		Path        string `json:"path"`
	}
	there, err := dialects.All[placement](ctx, r, dialects.Operation{Route: "GET /v1/running", Query: url.Values{"server": {server}}})
	for _, p := range there {
		if p.Application == w.application() {
			continue
		}
		if within(w.link(), p.Path) || within(p.Path, w.link()) || p.Path == w.base() {
			r.Said.Wrong("path", fmt.Sprintf("is in use on %s by the application %s, which lies at %s", p.Name, p.Application, p.Path))
		}
	}
	return err
}

// within says whether a path is a directory, or lies in it.
func within(at, directory string) bool {
	return at == directory || strings.HasPrefix(at, directory+"/")
}

// order is the native request for the deployment of this number.
func (w wanted) order(number uint64, servers []string) map[string]any {
	id := strconv.FormatUint(number, 10)
	script := map[string]any{"path": scriptName, "directory": directory}
	environment := map[string]string{
		"DEPLOYMENT_ID": id, "name": w.name, "branch": w.branch, "path": w.path,
		"DEPLOY_ID": id, "GIT_BRANCH": w.branch, "DEPLOY_PATH": w.path, "BUILD_TIME": time.Now().UTC().Format("20060102-150405"),
	}
	secrets := map[string]string{}
	shown, secret := shownOf(w.repository)
	told := environment
	if secret {
		told = secrets
	}
	told["repository"], told["GIT_REPO"] = w.repository, w.repository
	order := map[string]any{
		"project": project, "application": w.application(), "version": id, "path": w.base(), "link": w.link(), "servers": servers,
		"environment": environment, "secrets": secrets,
		"metadata": map[string]string{
			noteName: w.name, noteServer: strconv.FormatUint(w.servers[0], 10), noteRepository: shown, noteBranch: w.branch, notePath: w.path,
		},
		"runtime": map[string]any{"kind": "script", "script": script},
	}
	if w.serial {
		order["strategy"] = map[string]any{"type": "serial"}
	}
	if w.timeout > 0 {
		limit := strconv.Itoa(w.timeout) + "s"
		script["timeout"], order["deadline"] = limit, limit
	}
	return order
}

// shownOf is a repository as all may see it, and whether that hides a credential in its URL.
// Of http, a name alone is one, too.
func shownOf(repository string) (shown string, secret bool) {
	scheme, rest, isURL := strings.Cut(repository, "://")
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.LastIndex(authority, "@")
	if !isURL || at < 0 || !strings.Contains(authority[:at], ":") && !strings.HasPrefix(strings.ToLower(scheme), "http") {
		return repository, false
	}
	return scheme + "://***" + rest[at:], true
}

// fields is what those of native requests are called here.
var fields = map[string]string{
	"link": "path", "deadline": "timeout", "runtime.script.timeout": "timeout", "metadata": "name", "environment": "repository",
	"from": "created_from", "to": "created_to",
}

// asSaid is a refusal of a native operation with the names that its fields have here. The
// servers are named in the field.
func asSaid(err error, servers string) error {
	var p *dialects.Problem
	if !errors.As(err, &p) {
		return err
	}
	here := *p
	here.Fields = nil
	for _, w := range p.Fields {
		switch name, of, _ := strings.Cut(w.Field, "."); {
		case fields[w.Field] != "":
			w.Field = fields[w.Field]
		case name == "servers" || strings.HasPrefix(name, "servers["):
			w.Field = servers
		case name == "environment" || name == "secrets" || name == "metadata":
			w.Field = of
		}
		here.Fields = append(here.Fields, w)
	}
	return &here
}
