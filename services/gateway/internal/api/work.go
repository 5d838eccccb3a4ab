package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
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
// nil where that is nothing.
func readWork(o *field.Object) *contract.Work {
	w := contract.Work{
		Environment: readEnvironment(o),
		Linked:      readLinked(o),
		Hooks:       readHooks(o),
		Restart:     readRestart(o),
		Checks:      readHostChecks(o),
	}
	text, _ := json.Marshal(w) // strings and numbers: that cannot fail
	switch {
	case string(text) == "{}":
		return nil
	case len(text) > maxWork:
		o.Check("environment", fmt.Sprintf("and hooks, restart and checks together must be at most %d KiB as they travel", maxWork>>10))
	}
	return &w
}

// readEnvironment takes variables; they come in the order of their names.
func readEnvironment(o *field.Object) []contract.Variable {
	given, _ := o.TextMap("environment", false)
	if len(given) > maxVariables {
		o.Check("environment", fmt.Sprintf("must be at most %d variables", maxVariables))
		return nil
	}
	var (
		env  []contract.Variable
		size int
	)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := *given[name]
		o.Check("environment."+name, rule.Variable(name))
		o.Check("environment."+name, rule.Value(value))
		env = append(env, contract.Variable{Name: name, Value: value})
		size += len(name) + len(value)
	}
	if size > rule.MaxEnvironment {
		o.Check("environment", fmt.Sprintf("must be at most %d KiB, names and values together", rule.MaxEnvironment>>10))
	}
	return env
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

func readHooks(parent *field.Object) []contract.Hook {
	o, ok := parent.Object("hooks")
	if !ok {
		return nil
	}
	var hooks []contract.Hook
	for _, step := range []deploy.Step{deploy.StepBefore, deploy.StepDuring, deploy.StepAfter} {
		hooks = append(hooks, readHooksOf(o, step)...)
	}
	o.End()
	return hooks
}

func readHooksOf(parent *field.Object, step deploy.Step) []contract.Hook {
	all, _ := parent.Objects(string(step))
	if len(all) > maxHooks {
		parent.Check(string(step), fmt.Sprintf("must be at most %d", maxHooks))
		return nil
	}
	var hooks []contract.Hook
	for _, o := range all {
		h := contract.Hook{Step: string(step), Environment: readEnvironment(o), Timeout: readMilliseconds(o, "timeout")}
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
