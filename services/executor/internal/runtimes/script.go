package runtimes

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// script is a script of the user's: one of the release, or one that came with the request.
func script(r contract.Runtime) Runtime {
	s := orZero(r.Script)
	task := hostcmd.Task{Script: s.Path}
	if s.Path == "" {
		task = hostcmd.RunText(s.Text)
	}
	return Runtime{Entry: s.Directory, Script: &Script{Task: task, Timeout: s.Timeout}}
}
