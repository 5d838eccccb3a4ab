package runtimes

import "github.com/slipway-deploy/slipway/libs/contract"

// golang is a binary, which has the same name in all releases by a link.
func golang(r contract.Runtime) Runtime { return entry(r, "app", "", true) }
