package modes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const (
	started   = "部署已開始"
	restarted = "部署已重新開始"
	wrongMode = "必須是 docker, uv, fallback 或 auto"
	wrongTime = "必須是大於 0 的秒數"
	ownNote   = "是保留的名稱"
	unknown   = "專案中沒有此名稱"
	nothing   = "應用程式還沒有套件"
)

// wanted is a request for a deployment.
type wanted struct {
	mode, profile, environment string
	variables                  map[string]string
	notes                      map[string]string
	timeout                    int // seconds; 0: none
	rebuild, unchecked         bool
	callback, secret           string
}

func (c Config) read(s *dialects.Said) wanted {
	config := s.Object("config")
	w := wanted{
		mode: strings.ToLower(s.Text("mode")), environment: s.Text("environment"), profile: config.Text("profile"),
		variables: map[string]string{}, notes: map[string]string{}, timeout: s.Number("timeout"),
		rebuild: s.Bool("force_rebuild"), unchecked: s.Bool("skip_health_check"),
	}
	if w.mode == "" {
		w.mode = contract.RuntimeAuto
	}
	if !slices.Contains(modes, w.mode) {
		s.Wrong("mode", wrongMode)
	}
	if s.Given("timeout") && w.timeout <= 0 {
		s.Wrong("timeout", wrongTime)
	}
	if w.profile == "" {
		w.profile = c.Profile
	}
	if w.environment == "" {
		w.environment = c.Environment
	}
	variables := config.Object("environment_variables")
	for _, name := range variables.Names() {
		w.variables[name] = variables.Text(name)
	}
	notes := s.Object("metadata")
	for _, name := range notes.Names() {
		w.notes[name] = notes.JSON(name)
	}
	if notes.Given(noteMode) {
		notes.Wrong(noteMode, ownNote)
	}
	w.notes[noteMode] = w.mode
	if told := config.Given("notifications_enabled"); !told || config.Bool("notifications_enabled") {
		w.callback, w.secret = s.Text("callback_url"), s.Text("callback_secret")
	}
	return w
}

// order is a native request for a deployment.
type order struct {
	Project     string            `json:"project"`
	Application string            `json:"application"`
	Template    string            `json:"template,omitempty"`
	Stage       string            `json:"stage,omitempty"`
	Package     string            `json:"package,omitempty"`
	Runtime     map[string]any    `json:"runtime"`
	Variables   map[string]string `json:"sealed_environment,omitempty"`
	Unchecked   bool              `json:"skip_checks,omitempty"`
	Deadline    string            `json:"deadline,omitempty"`
	Timeouts    map[string]string `json:"timeouts,omitempty"`
	course
}

// course is what a restart may say, too.
type course struct {
	Busy     string            `json:"when_busy,omitempty"`
	Notes    map[string]string `json:"metadata"`
	Callback string            `json:"callback_url,omitempty"`
	Secret   string            `json:"callback_secret,omitempty"`
	Form     string            `json:"callback_format,omitempty"`
}

// start begins a deployment of the application's newest package, or of that which the
// profile names.
func (c Config) start(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	w := c.read(r.Said)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	said, err := c.said(ctx, r, w)
	if err != nil {
		return dialects.Reply{}, err
	}
	o := order{
		Project: c.Project, Application: c.Application, Template: w.profile, Stage: w.environment, Variables: w.variables,
		Runtime: said.runtime(w.mode, w.rebuild), Unchecked: w.unchecked,
		course: course{Busy: said.busy(), Notes: w.notes, Callback: w.callback, Secret: w.secret},
	}
	if w.callback != "" {
		o.Form = Name
	}
	if w.timeout > 0 {
		o.Deadline = (time.Duration(w.timeout) * time.Second).String()
		o.Timeouts = map[string]string{"host": o.Deadline} // which cuts off what is at work then
	}
	if !said.names("version") && !said.names("package") {
		o.Package = "newest"
	}
	return c.begin(ctx, r, dialects.Operation{Route: "POST /v1/deployments", Body: o, Short: true}, w.mode, started)
}

// restart does once more what a deployment did that has ended: the same release, with what
// it was told then.
func (c Config) restart(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	d, err := c.find(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	body := struct {
		All bool `json:"all"`
		course
	}{true, course{Busy: "refuse", Notes: d.Metadata}}
	return c.begin(ctx, r, dialects.Operation{Route: "POST /v1/deployments/:id/retry", Params: []string{d.ID}, Body: body, Short: true}, d.mode(), restarted)
}

// begun is the answer to a request that was accepted.
type begun struct {
	Deployment string            `json:"deployment_id"`
	Status     string            `json:"status"`
	Message    string            `json:"message"`
	Mode       string            `json:"mode"`
	Start      string            `json:"start_time"`
	Estimate   *int              `json:"estimated_duration"` // seconds; null: there are no past runs
	Progress   string            `json:"progress_url"`
	Logs       string            `json:"logs_url"`
	Metadata   map[string]string `json:"metadata"`
}

func (c Config) begin(ctx context.Context, r *dialects.Request, o dialects.Operation, mode, message string) (dialects.Reply, error) {
	usual, err := c.usual(ctx, r, mode)
	if err != nil {
		return dialects.Reply{}, err
	}
	var d deployment
	if err := r.Do(ctx, o, &d); err != nil {
		return dialects.Reply{}, asSaid(err)
	}
	at := collection + "/" + d.id()
	b := begun{
		Deployment: d.id(), Status: "accepted", Message: message, Mode: mode, Start: stamp(d.AcceptedAt),
		Progress: at + "/progress", Logs: at + "/logs", Metadata: d.noted(),
	}
	b.Metadata["api_version"] = apiVersion
	if usual > 0 {
		b.Estimate = whole(usual)
	}
	return dialects.Reply{Status: http.StatusAccepted, Body: b}, nil
}

// fields is what those of native requests are called here.
var fields = map[string]string{
	"template": "config.profile", "stage": "environment", "deadline": "timeout", "timeouts.host": "timeout", "runtime.rebuild": "force_rebuild", "skip_checks": "skip_health_check",
}

// asSaid is a refusal of a native operation with the names that its fields have here.
func asSaid(err error) error {
	var p *dialects.Problem
	if !errors.As(err, &p) {
		return err
	}
	here := *p
	here.Fields = nil
	for _, w := range p.Fields {
		if w.Field == "package" { // which clients do not name
			return &dialects.Problem{Status: http.StatusConflict, Code: "state_conflict", Detail: fmt.Sprintf("%s: %s", nothing, w.Message)}
		}
		for _, sealed := range []string{"sealed_environment", "secrets", "environment"} {
			if rest, ok := strings.CutPrefix(w.Field, sealed); ok && (rest == "" || rest[0] == '.') {
				w.Field = "config.environment_variables" + rest
				break
			}
		}
		if name, ok := fields[w.Field]; ok {
			w.Field = name
		}
		here.Fields = append(here.Fields, w)
	}
	return &here
}
