package runtimes

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// fallback is an environment of Python in the release, with nothing but Python to make it.
func fallback(r contract.Runtime) Runtime {
	return Runtime{Prepare: []hostcmd.Runtime{hostcmd.Fallback(python(r))}}
}
