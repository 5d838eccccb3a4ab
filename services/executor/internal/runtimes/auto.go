package runtimes

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// auto is the first that a host has, and docker where it is told how. Its releases keep the one
// that they were prepared by.
func auto(r contract.Runtime) Runtime {
	var of Runtime
	if r.Docker != nil {
		of = docker(r)
	}
	of.Prepare = append(of.Prepare, hostcmd.UV(python(r)), hostcmd.Fallback(python(r)))
	return of
}
