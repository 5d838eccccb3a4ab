package contract

import (
	"cmp"
	"slices"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Work is what an application has done on its hosts beside being put there.
type Work struct {
	Environment []Variable  `json:"environment,omitempty"` // of all that runs for it, by name
	Secrets     []Secret    `json:"secrets,omitempty"`     // likewise; none has a name of these
	Linked      *Linked     `json:"linked,omitempty"`
	Hooks       []Hook      `json:"hooks,omitempty"`   // those of a step in this order
	Runtime     *Runtime    `json:"runtime,omitempty"` // nil: that of an archive, which needs nothing
	Link        string      `json:"link,omitempty"`    // leads to what runs, too: a name below the application, or an absolute path; see Runtime.Entry
	Restart     *Restart    `json:"restart,omitempty"`
	Checks      []HostCheck `json:"checks,omitempty"`    // one after another; the first that fails is the last
	Unchecked   bool        `json:"unchecked,omitempty"` // there are no checks, and it is not waited for a container to be healthy
}

// Variable is something in the environment of a command.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"` // any text without NUL
}

// Secret is a variable whose value is sealed to its Context.
type Secret struct {
	Name   string `json:"name"`
	Sealed string `json:"sealed"`
	For    string `json:"for,omitempty"` // what it was sealed for before there was a deployment, such as a stage; empty: the application
}

// Context is what the secret is sealed to in a deployment of the application.
func (s Secret) Context(application string) string {
	return SecretContext(cmp.Or(s.For, application), s.Name)
}

// SecretContext is what a secret of an application is sealed to: it does not open for
// another application, or under another name.
func SecretContext(application, name string) string {
	return "application/" + application + "/secret/" + name
}

// Linked is what the releases of an application share, by links in each that lead
// below <path>/shared. Paths begin at the release.
type Linked struct {
	Files       []string `json:"files,omitempty"`       // must be there
	Directories []string `json:"directories,omitempty"` // are made
}

// Hook is something that the user has run around a deployment. Exactly one of
// Command and Script is there. It runs in the directory of the release; one before
// that is staged, in the home directory.
type Hook struct {
	Step        string     `json:"step"` // before, during or after
	Name        string     `json:"name"`
	Command     string     `json:"command,omitempty"`     // for sh
	Script      string     `json:"script,omitempty"`      // path in the release; not of a hook before
	Environment []Variable `json:"environment,omitempty"` // over that of the application
	Secrets     []Secret   `json:"secrets,omitempty"`     // likewise; none has a name of these
	User        string     `json:"user,omitempty"`        // by sudo -n; empty: the login
	Timeout     int64      `json:"timeout_ms,omitempty"`  // 0: what the step has
	Rollback    bool       `json:"rollback,omitempty"`    // on rollbacks, too
}

// Restart is how the release that was switched to comes to run. Exactly one of these
// is there.
type Restart struct {
	Supervisor *Supervisor `json:"supervisor,omitempty"`
	Systemd    *Systemd    `json:"systemd,omitempty"`
	Command    string      `json:"command,omitempty"` // for sh, in the directory of the release
}

// Programs is the configuration of a supervisord for an application.
type Programs struct {
	Content string `json:"content"` // of the file
	Socket  string `json:"socket"`  // of supervisord: absolute path, on the host
}

// Supervisor is a program of a supervisord.
type Supervisor struct {
	Program string `json:"program"` // or a group, or group:program
	Socket  string `json:"socket"`  // absolute path, on the host
}

// Systemd is a unit of systemd.
type Systemd struct {
	Unit string `json:"unit"`
	User bool   `json:"user,omitempty"` // of the login's own systemd; else of the system's, by sudo -n where the login is not root
}

// HostCheck tells whether the release does run. It is tried until it passes. Exactly one
// of HTTP, TCP, Command and Process is there. Addresses are as the host sees them.
type HostCheck struct {
	Name     string        `json:"name"`
	HTTP     *HTTPCheck    `json:"http,omitempty"`    // that of the check is its timeout; redirects are not followed
	TCP      string        `json:"tcp,omitempty"`     // host:port, where somebody is to take a connection
	Command  string        `json:"command,omitempty"` // for sh, in the directory of the release; passes with status 0
	Process  *ProcessCheck `json:"process,omitempty"`
	Delay    int64         `json:"delay_ms,omitempty"` // before the first try
	Interval int64         `json:"interval_ms"`        // between two tries
	Tries    int           `json:"tries"`              // from 1
	Timeout  int64         `json:"timeout_ms"`         // for one try
}

// ProcessCheck passes where a process runs, and has for so long. Exactly one of Pattern,
// Pidfile and Supervisor is there.
type ProcessCheck struct {
	Pattern    string      `json:"pattern,omitempty"` // text in its program or in one of its arguments
	Pidfile    string      `json:"pidfile,omitempty"` // absolute, or from the directory of the release on
	Supervisor *Supervisor `json:"supervisor,omitempty"`
	For        int64       `json:"for_ms,omitempty"` // in whole seconds
}

// Domain says which steps a deployment of this kind needs for the work. There may
// be none.
func (w *Work) Domain(kind deploy.Kind) deploy.Work {
	if w == nil {
		return deploy.Work{}
	}
	return deploy.Work{
		Before:  len(w.HooksOf(deploy.StepBefore, kind)) > 0,
		During:  len(w.HooksOf(deploy.StepDuring, kind)) > 0,
		After:   len(w.HooksOf(deploy.StepAfter, kind)) > 0,
		Prepare: w.Runtime.prepares(),
		Restart: w.Restart != nil || w.Runtime.starts(),
		Check:   len(w.Checks) > 0,
	}
}

// AllSecrets returns the secrets of the application and those of all hooks.
func (w *Work) AllSecrets() []Secret {
	if w == nil {
		return nil
	}
	all := slices.Clone(w.Secrets)
	for _, h := range w.Hooks {
		all = append(all, h.Secrets...)
	}
	return all
}

// HooksOf returns the hooks that a step of a deployment of this kind runs.
func (w *Work) HooksOf(step deploy.Step, kind deploy.Kind) []Hook {
	if w == nil {
		return nil
	}
	var hooks []Hook
	for _, h := range w.Hooks {
		if h.Step == string(step) && (h.Rollback || kind != deploy.KindRollback) {
			hooks = append(hooks, h)
		}
	}
	return hooks
}
