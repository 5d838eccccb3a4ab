package display

import (
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// switched says how traffic goes to the new set: "" where there is none.
func switched(b client.BlueGreen) string {
	if b.Traffic == nil {
		return ""
	}
	how := inline(b.Traffic.Command)
	if h := b.Traffic.HAProxy; h != nil {
		how = "backend " + h.Backend + " of HAProxy, " + h.Socket
	}
	return "to " + b.Label + "=" + b.To + " on " + strings.Join(b.Traffic.Servers, ", ") + ": " + how
}

// retired is what is done on the old set in the end.
func retired(b client.BlueGreen) string {
	if b.Retire == nil {
		return ""
	}
	return inline(b.Retire.Command)
}

// role is what the hosts of a wave are, and what is done on them.
func role(w client.PlannedWave) string {
	if w.Role == "" {
		return ""
	}
	return w.Role + " (" + strings.Join(w.Steps, ", ") + "): "
}

// kept says how long the old set stays ready.
func kept(keep string) string {
	if keep == "" {
		return ""
	}
	return "kept ready for " + keep
}
