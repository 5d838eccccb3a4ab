package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxVariables = 200
	maxLinked    = 100 // files, and as many directories
	maxHooks     = 20  // of one step
	// maxWork bounds all of it as it travels, in bytes: a command and a record stay
	// well below what the broker takes.
	maxWork = 256 << 10
)

// readWork takes what an application has done on its hosts beside being put there;
// nil where that is nothing. Secrets are sealed for the application, beside those that
// are sealed already. It fails where they cannot be.
func readWork(o *field.Object, application string, key seal.PublicKey, sealed []contract.Secret) (*contract.Work, error) {
	s := sealer{application: application, key: key}
	var w contract.Work
	w.Environment, w.Secrets = readEnvironment(o, &s)
	w.Secrets = append(w.Secrets, sealed...)
	slices.SortFunc(w.Secrets, func(a, b contract.Secret) int { return strings.Compare(a.Name, b.Name) })
	w.Linked = readLinked(o)
	w.Hooks = readHooks(o, &s)
	w.Runtime = readRuntime(o)
	w.Link = mayHold(o, "link", rule.Link)
	w.Restart = readRestart(o)
	w.Checks = readHostChecks(o)
	if w.Unchecked, _ = o.Bool("skip_checks"); w.Unchecked {
		w.Checks = nil
	}
	checkDocker(o, w)
	text, _ := json.Marshal(w) // strings and numbers: that cannot fail
	switch {
	case string(text) == "{}":
		return nil, s.err
	case len(text) > maxWork:
		o.Check("environment", fmt.Sprintf("and secrets, hooks, runtime, restart and checks together must be at most %d KiB as they travel", maxWork>>10))
	}
	return &w, s.err
}

// readEnvironment takes variables and those that are sealed.
func readEnvironment(o *field.Object, s *sealer) ([]contract.Variable, []contract.Secret) {
	env := readVariables(o, "environment", rule.Value)
	clear := readVariables(o, "secrets", rule.Secret)
	for _, v := range readVariables(o, "sealed_environment", rule.Value) {
		if slices.ContainsFunc(clear, func(other contract.Variable) bool { return other.Name == v.Name }) {
			o.Check("sealed_environment."+v.Name, "stands in secrets, too")
		}
		clear = append(clear, v)
	}
	var (
		secrets []contract.Secret
		names   = map[string]bool{}
		size    int
	)
	for _, v := range env {
		names[v.Name] = true
		size += len(v.Name) + len(v.Value)
	}
	for _, v := range clear {
		if names[v.Name] {
			o.Check("secrets."+v.Name, "stands in environment, too")
		}
		size += len(v.Name) + len(v.Value)
		secrets = append(secrets, s.seal(v))
	}
	if size > rule.MaxEnvironment {
		o.Check("environment", fmt.Sprintf("and secrets together must be at most %d KiB, names and values", rule.MaxEnvironment>>10))
	}
	return env, secrets
}

// readVariables takes the variables of a field; they come in the order of their names.
func readVariables(o *field.Object, name string, value func(string) string) []contract.Variable {
	given, _ := o.TextMap(name, false)
	if len(given) > maxVariables {
		o.Check(name, fmt.Sprintf("must be at most %d variables", maxVariables))
		return nil
	}
	var all []contract.Variable
	for _, variable := range slices.Sorted(maps.Keys(given)) {
		o.Check(name+"."+variable, rule.Variable(variable))
		o.Check(name+"."+variable, value(*given[variable]))
		all = append(all, contract.Variable{Name: variable, Value: *given[variable]})
	}
	return all
}

// sealer seals secrets for one application.
type sealer struct {
	application string
	key         seal.PublicKey
	err         error // the first
}

func (s *sealer) seal(v contract.Variable) contract.Secret {
	sealed, err := s.key.Seal(contract.SecretContext(s.application, v.Name), []byte(v.Value))
	if s.err == nil {
		s.err = err
	}
	return contract.Secret{Name: v.Name, Sealed: string(sealed)}
}

func readLinked(parent *field.Object) *contract.Linked {
	o, ok := parent.Object("linked")
	if !ok {
		return nil
	}
	l := contract.Linked{Files: readPaths(o, "files"), Directories: readPaths(o, "directories")}
	o.End()
	all := slices.Concat(l.Files, l.Directories)
	for i, one := range all {
		for j, other := range all {
			if i < j && one == other || i != j && strings.HasPrefix(one, other+"/") {
				parent.Check("linked", fmt.Sprintf("must not hold %q twice, or inside another", one))
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &l
}

func readPaths(o *field.Object, name string) []string {
	paths, _ := o.Texts(name)
	if len(paths) > maxLinked {
		o.Check(name, fmt.Sprintf("must be at most %d", maxLinked))
		return nil
	}
	for i, p := range paths {
		o.Check(fmt.Sprintf("%s[%d]", name, i), rule.Inside(p))
	}
	return paths
}

func readHooks(parent *field.Object, s *sealer) []contract.Hook {
	o, ok := parent.Object("hooks")
	if !ok {
		return nil
	}
	var hooks []contract.Hook
	for _, step := range []deploy.Step{deploy.StepBefore, deploy.StepDuring, deploy.StepAfter} {
		hooks = append(hooks, readHooksOf(o, step, s)...)
	}
	o.End()
	return hooks
}

func readHooksOf(parent *field.Object, step deploy.Step, s *sealer) []contract.Hook {
	all, _ := parent.Objects(string(step))
	if len(all) > maxHooks {
		parent.Check(string(step), fmt.Sprintf("must be at most %d", maxHooks))
		return nil
	}
	var hooks []contract.Hook
	for _, o := range all {
		h := contract.Hook{Step: string(step), Timeout: readMilliseconds(o, "timeout")}
		h.Environment, h.Secrets = readEnvironment(o, s)
		h.Name = mustHold(o, "name", rule.TaskName)
		h.Command = mayHold(o, "command", rule.Command)
		h.Script = mayHold(o, "script", rule.Inside)
		h.User = mayHold(o, "user", rule.User)
		h.Rollback, _ = o.Bool("rollback")
		switch {
		case o.Given("command") == o.Given("script"):
			o.Check("command", "must be there, or script: one of both")
		case step == deploy.StepBefore && o.Given("script"):
			o.Check("script", "must not be there before the release is on the server: give a command")
		}
		o.End()
		hooks = append(hooks, h)
	}
	return hooks
}
