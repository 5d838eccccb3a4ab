package apitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
)

// Record adds entries to the audit log, as gateways do.
func (g *Gateway) Record(entries ...audit.Entry) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	head := audit.Genesis()
	for _, line := range g.audit {
		var e audit.Entry
		require.NoError(g.t, json.Unmarshal(line, &e))
		head = audit.Head{Seq: e.Seq, Hash: e.Hash}
	}
	for _, e := range entries {
		e.Time = time.Date(2026, 11, 22, 1, 30, int(head.Seq), 0, time.UTC)
		line, next, err := head.Link(e)
		require.NoError(g.t, err)
		g.audit, head = append(g.audit, line), next
	}
}

// Tamper changes the lines of the audit log, as one does who has the broker's files.
func (g *Gateway) Tamper(with func(lines [][]byte) [][]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.audit = with(slices.Clone(g.audit))
}

func (g *Gateway) listAudit(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []json.RawMessage
	for _, line := range g.audit {
		var e audit.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			panic(err)
		}
		if kind, _ := strings.CutSuffix(q.Get("action"), "*"); strings.HasPrefix(e.Action, kind) {
			found = append(found, line)
		}
	}
	if q.Get("sort") != "oldest" {
		slices.Reverse(found)
	}
	reply(w, http.StatusOK, pageOf(r, found))
}
