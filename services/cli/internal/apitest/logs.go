package apitest

import (
	"net/http"
	"slices"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// tailLogs answers with a log in which each host names itself and the file. Hosts that fail to connect have none.
func (g *Gateway) tailLogs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rows := []client.ServerLog{}
	for _, s := range g.labelled(q["label"]) {
		if len(q["server"]) > 0 && !slices.Contains(q["server"], s.Name) && !slices.Contains(q["server"], s.ID) {
			continue
		}
		row := client.ServerLog{Server: s.ID, Name: s.Name, Lines: []string{"this is " + s.Name, "\x1b[2J" + q.Get("file") + " " + q.Get("lines")}}
		if f, fails := g.failures[s.Name]; fails && f.Step == "connect" {
			row.Lines, row.Failure = []string{}, &client.Failure{Code: f.Code, Reason: f.Reason}
		}
		rows = append(rows, row)
	}
	reply(w, http.StatusOK, pageOf(r, rows))
}
