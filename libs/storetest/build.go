package storetest

import (
	"sync"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// buildOnce builds slipway-standalone and returns the path of the binary.
var buildOnce = sync.OnceValues(func() (binary string, err error) {
	return proctest.Build("storetest", "services/standalone", "./cmd/slipway-standalone")
})
