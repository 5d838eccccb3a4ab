// Package runtimes says what each kind of application needs on a host beside its release.
// There is a file for each kind. It decides, and does nothing: the steps of a job do.
package runtimes

import (
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// Runtime is what there is to do for an application of one kind. The zero value is that
// of an archive, which is used as it lies there.
type Runtime struct {
	// Prepare is what to make beside a release before it is switched to, also before a
	// rollback goes back to it: the first of these that the host has.
	Prepare []hostcmd.Runtime
	// Rebuild has a deployment make that anew, also where it is there.
	Rebuild bool
	// Entry is what is run of a release, by its path there; empty: the release itself.
	Entry string
	// Script is what the user has run once the release is there.
	Script *Script
	// Container is how the release runs where it was prepared by hostcmd.Docker. What is of one
	// deployment is not in it.
	Container *hostcmd.Container
}

// Script is a task of the user.
type Script struct {
	hostcmd.Task
	Timeout int64 // in milliseconds; 0: what the step has
}

// Of returns the runtime of an application; nil is an archive. The error is
// contract.ErrMalformed.
func Of(r *contract.Runtime) (Runtime, error) {
	if r == nil {
		return Runtime{}, nil
	}
	of, known := map[string]func(contract.Runtime) Runtime{
		contract.RuntimeJava:     java,
		contract.RuntimeGolang:   golang,
		contract.RuntimeScript:   script,
		contract.RuntimeUV:       uv,
		contract.RuntimeFallback: fallback,
		contract.RuntimeDocker:   docker,
		contract.RuntimeAuto:     auto,
	}[r.Kind]
	if !known {
		return Runtime{}, fmt.Errorf("%w: no kind of application is called %q", contract.ErrMalformed, r.Kind)
	}
	runtime := of(*r)
	runtime.Rebuild = r.Rebuild
	return runtime, nil
}

// orZero is what a user has said, or what it is to have said nothing.
func orZero[T any](options *T) T {
	if options == nil {
		var zero T
		return zero
	}
	return *options
}
