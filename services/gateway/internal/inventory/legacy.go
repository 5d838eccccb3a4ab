package inventory

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// LegacyAlgorithms returns the names of the weak algorithms of SSH that a server
// may be let have: ciphers, MACs, key exchanges, and signatures.
func LegacyAlgorithms() []string {
	weak := ssh.InsecureAlgorithms()
	all := slices.Concat(weak.KeyExchanges, weak.Ciphers, weak.MACs, weak.HostKeys)
	return slices.DeleteFunc(all, func(name string) bool { return strings.Contains(name, "-cert-") })
}

// checkLegacy names those that are none of them, or given twice.
func checkLegacy(names []string, o *field.Object) {
	known := LegacyAlgorithms()
	for i, name := range names {
		at := fmt.Sprintf("legacy_algorithms[%d]", i)
		switch {
		case !slices.Contains(known, name):
			o.Check(at, "must be one of "+strings.Join(known, ", "))
		case slices.Contains(names[:i], name):
			o.Check(at, "is given twice")
		}
	}
}
