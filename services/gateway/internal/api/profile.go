package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// noProfile says of a field that it means nothing without a profile.
const noProfile = "goes with a profile"

// layProfile has a request for a deployment say what its profile does, where it is
// silent itself. A restart is by choice: it is that of the profile where it is true.
// Variables of names that are taken are none of the profile's: a secret is nearer than it.
func (a *API) layProfile(o *field.Object, application string, taken map[string]bool) {
	name, ok := o.Text("profile")
	directory := mayHold(o, "directory", rule.Inside)
	said := map[string]json.RawMessage{}
	switch p, known := a.Profiles[name]; {
	case !ok:
		o.Refuse("directory", noProfile)
	case !known:
		o.Check("profile", a.unknownProfile())
	default:
		said = p.For(application, cmp.Or(directory, application))
		leave(said, taken)
	}
	for _, name := range profile.Fields {
		value, has := said[name]
		switch {
		case name == "restart" && o.True(name) && has:
			o.Put(name, value)
		case name == "restart" && o.True(name):
			o.Refuse(name, noProfile+" that says how to restart, where it is true")
		case name != "restart" && has && (!o.Given(name) || o.Null(name)):
			o.Put(name, value)
		}
	}
}

// leave takes variables of these names out of what a profile says.
func leave(said map[string]json.RawMessage, taken map[string]bool) {
	var env map[string]json.RawMessage
	if json.Unmarshal(said["environment"], &env) != nil { // CheckProfiles has seen it: there is none
		return
	}
	maps.DeleteFunc(env, func(name string, _ json.RawMessage) bool { return taken[name] })
	said["environment"], _ = json.Marshal(env) // JSON it was: that cannot fail
}

func (a *API) unknownProfile() string {
	return "must be one of " + strings.Join(a.Profiles.Names(), ", ")
}

// place is where an application lies on servers.
type place struct {
	path string
	logs string // directory of its logs, by its profile; "" is not said
}

// log returns the file that is meant: a name alone is one of the logs.
func (p place) log(file string) string {
	if p.logs == "" || strings.Contains(file, "/") {
		return file
	}
	return path.Join(p.logs, file)
}

// readPlace takes an application and where it lies: by a path, by a profile, or where
// applications lie that say nothing.
func (a *API) readPlace(c *call, q *field.Query) place {
	application, given := q.Required("application")
	if given {
		c.errs.Check("application", rule.Application(application))
	}
	at := place{path: rule.DefaultPath(application)}
	directory, inDirectory := q.Text("directory")
	if inDirectory {
		c.errs.Check("directory", rule.Inside(directory))
	}
	if name, given := q.Text("profile"); given {
		p, known := a.Profiles[name]
		if !known {
			c.errs.Add("profile", "%s", a.unknownProfile())
		}
		said := p.For(application, cmp.Or(directory, application))
		_ = json.Unmarshal(said["logs"], &at.logs) // CheckProfiles has seen it; absent is ""
		at.path = cmp.Or(pathIn(said), at.path)
	} else if inDirectory {
		c.errs.Add("directory", noProfile)
	}
	if path, given := q.Text("path"); given {
		c.errs.Check("path", rule.Path(path))
		at.path = rule.CleanPath(path)
	}
	return at
}

// pathIn returns the path that a profile says, or "".
func pathIn(said map[string]json.RawMessage) string {
	var path string
	_ = json.Unmarshal(said["path"], &path) // CheckProfiles has seen it
	return path
}

// CheckProfiles returns what is wrong with profiles: each must be part of a good request.
func CheckProfiles(all profile.Profiles) error {
	var errs field.Errors
	said := map[string]map[string]json.RawMessage{}
	for name, p := range all {
		said[name] = p.For("application", "directory")
	}
	document, err := json.Marshal(said)
	if err != nil {
		return err
	}
	key, err := seal.GenerateKey() // nobody opens what is sealed here
	if err != nil {
		return err
	}
	root, err := field.Parse(document, &errs)
	if err != nil {
		return err
	}
	for _, name := range all.Names() {
		o, ok := root.Object(name)
		if !ok {
			continue
		}
		readPath(o)
		o.Int("keep", 1, maxKeep)
		w, err := readWork(o, "application", key.Public(), nil)
		if err != nil {
			return err
		}
		if len(w.AllSecrets()) > 0 {
			o.Check("secrets", "must not stand in a profile, which is no secret")
		}
		mayHold(o, "logs", rule.LogFile)
		o.End()
	}
	root.End()
	if err := errs.Err(); err != nil {
		return fmt.Errorf("%w: %w", profile.ErrUnfit, err)
	}
	return nil
}
