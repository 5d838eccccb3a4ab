package runtimes

import "github.com/slipway-deploy/slipway/libs/contract"

// java is a jar, which has the same name in all releases by a link.
func java(r contract.Runtime) Runtime { return entry(r, "app.jar", ".jar", false) }
