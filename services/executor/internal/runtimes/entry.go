package runtimes

import (
	"cmp"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// entry is one file that is run, and a link to it, which has this name unless the user
// says another. It is looked for by its suffix where the user does not say which it is.
func entry(r contract.Runtime, link, suffix string, runs bool) Runtime {
	e := orZero(r.Entry)
	link = cmp.Or(e.Link, link)
	return Runtime{Prepare: []hostcmd.Runtime{hostcmd.Entry(link, e.File, suffix, runs)}, Entry: link}
}
