package jobs

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// nothingChanged is the note of what follows a rollback for which there was nothing
// to do.
const nothingChanged = "nothing was changed, so there is nothing to do"

// hooks runs the hooks of a step, one after another. One that ended well in an
// earlier attempt is not run again.
func (a *attempt) hooks(ctx context.Context, step deploy.Step) (note string, err error) {
	if a.unchanged {
		return nothingChanged, nil
	}
	var before []string
	for i, h := range a.work.HooksOf(step, a.kind) {
		t := hostcmd.Task{
			Name:    fmt.Sprintf("hook %q", h.Name),
			Version: a.outcome.Release, // none is switched to before the hooks before
			Mark:    fmt.Sprintf("%s-%d", step, i), User: h.User, Command: h.Command, Script: h.Script,
			Environment: append(a.secrets.environment(h.Environment, h.Secrets), hostcmd.Variable{Name: "SLIPWAY_HOOK", Value: h.Name}),
		}
		ran, err := a.task(ctx, t, h.Timeout)
		if err != nil {
			return "", fmt.Errorf("hook %q: %w", h.Name, err)
		}
		if !ran {
			before = append(before, h.Name)
		}
	}
	if len(before) > 0 {
		note = "ran before: " + strings.Join(before, ", ")
	}
	return note, nil
}
