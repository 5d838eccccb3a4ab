package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// defaultFields are those of a request for a deployment that projects and what is in
// them may give, beside environment, which is laid variable by variable.
var defaultFields = slices.Concat([]string{
	"profile", "directory", "strategy", "failures", "approval", "deadline", "calendar", "timeouts", "progress_deadline", "when_busy",
}, slices.DeleteFunc(slices.Clone(profile.Fields), func(name string) bool { return name == "environment" }))

// exclusive are fields of which those of one say stand in place of all of another's.
var exclusive = [][]string{{"servers", "selector", "group"}, {"package", "version"}}

// templateFields are those that a template may give as well.
var templateFields = []string{"application", "stage", "package", "version"}

// checkDefaults notes what is wrong with what an item says of deployments: each field
// must be one of a good request. Whether all of them fit together is seen when a
// request is made of them.
func (a *API) checkDefaults(i projects.Item, errs *field.Errors) error {
	if len(i.Defaults) == 0 && len(i.Secrets) == 0 {
		return nil
	}
	said := map[string]json.RawMessage{}
	for name, value := range i.Defaults {
		if name != "restart" || string(value) != "true" { // as the profile says, which another may name
			said[name] = value
		}
	}
	document, err := json.Marshal(map[string]any{"defaults": said})
	if err != nil {
		return err
	}
	root, err := field.Parse(document, errs)
	if err != nil {
		return err
	}
	o, ok := root.Object("defaults")
	if !ok {
		return nil
	}
	for _, name := range []string{"project", "start_at", "callback_url", "callback_secret", "callback_format", "metadata", "sealed_environment", "skip_checks", "dry_run", "template"} {
		o.Refuse(name, "is said with each deployment")
	}
	if i.Kind != projects.Template {
		for _, name := range templateFields {
			o.Refuse(name, "is for a template, or said with each deployment")
		}
	}
	return a.readDefaults(o, i, errs)
}

// readDefaults reads the fields as those of a request are read.
func (a *API) readDefaults(o *field.Object, i projects.Item, errs *field.Errors) error {
	o.Refuse("secrets", "stand beside defaults")
	refuseHookSecrets(o)
	mayHold(o, "application", rule.Application)
	mayHold(o, "stage", rule.Application)
	mayHold(o, "group", rule.Application)
	mayHold(o, "version", rule.Version)
	o.Text("package")
	if name, ok := o.Text("profile"); ok {
		if _, known := a.Profiles[name]; !known {
			o.Check("profile", a.unknownProfile())
		}
	}
	mayHold(o, "directory", rule.Inside)
	readPath(o)
	o.Int("keep", 1, maxKeep)
	w, err := readWork(o, "application", a.Seal, nil)
	if err != nil {
		return err
	}
	checkNames(o, w, i.Secrets)
	now := time.Now()
	p := readCourse(o, errs, now).policy
	readMilliseconds(o, "deadline")
	p.Approval = readApproval(o, now)
	a.readBusy(o, p)
	if o.Given("servers") {
		readServers(o)
	}
	inventory.ReadSelector(o, "selector")
	o.End()
	return nil
}

// refuseHookSecrets says of secrets of hooks where they are kept.
func refuseHookSecrets(o *field.Object) {
	var hooks map[string][]map[string]json.RawMessage
	if json.Unmarshal(o.Raw("hooks"), &hooks) != nil {
		return // who reads it will say so
	}
	for step, all := range hooks {
		for n, hook := range all {
			if hook["secrets"] != nil {
				o.Check(fmt.Sprintf("hooks.%s[%d].secrets", step, n), "cannot be kept: those that stand beside defaults are in the environment of every hook")
			}
		}
	}
}

// checkNames refuses a variable that is a secret, too.
func checkNames(o *field.Object, w *contract.Work, secrets []contract.Secret) {
	if w == nil {
		return
	}
	for _, v := range w.Environment {
		if slices.ContainsFunc(secrets, func(s contract.Secret) bool { return s.Name == v.Name }) {
			o.Check("environment."+v.Name, "is a secret, too")
		}
	}
}
