package runtimes

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// uv is an environment of Python in the release, as its lock says.
func uv(r contract.Runtime) Runtime {
	return Runtime{Prepare: []hostcmd.Runtime{hostcmd.UV(python(r))}}
}

func python(r contract.Runtime) hostcmd.Python { return hostcmd.Python(orZero(r.Python)) }
