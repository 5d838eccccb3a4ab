package display

import "github.com/slipway-deploy/slipway/services/cli/internal/client"

// Logs is the end of a file on each host, a line after its host. Of a host whose file could not be read it is said why.
func Logs(hosts []client.ServerLog) []string {
	var lines []string
	for _, h := range hosts {
		if h.Failure != nil {
			lines = append(lines, Clean(h.Name+"  ? "+h.Failure.Code+": "+h.Failure.Reason))
		}
		for _, text := range h.Lines {
			lines = append(lines, Clean(h.Name+"  "+text))
		}
	}
	return lines
}
