package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
)

// recorded is a gateway with an audit log of so many entries, more than a page has.
func recorded(t *testing.T) (*apitest.Gateway, *shell) {
	t.Helper()
	g := apitest.New(t)
	var all []audit.Entry
	for n := range 600 {
		all = append(all, audit.Entry{
			Action: "servers.create", Actor: &audit.Actor{ID: "t1", Name: "ci <&>"}, Remote: "192.0.2.7", Outcome: audit.Asked,
			Object: &audit.Object{ID: fmt.Sprintf("s%d", n), Kind: "server"}, Request: fmt.Sprint(n),
		})
	}
	all = append(all,
		audit.Entry{
			Action: "deployments.rollback", Actor: &audit.Actor{ID: "t1", Name: "ana"}, Remote: "::1", Outcome: audit.Accepted, Status: 202, Asked: 600,
			Object: &audit.Object{ID: "d1", Kind: "deployment"}, Made: "d2", Repeat: true,
		},
		audit.Entry{Action: "various", Remote: "192.0.2.9", Outcome: audit.Refused, Status: 401, Code: "unauthorized", Count: 4990}, //nolint:misspell // as HTTP spells it
	)
	g.Record(all...)
	return g, newShell(t, g)
}

func TestTheAuditLogIsShown(t *testing.T) {
	g, s := recorded(t)
	out := s.run("audit", "--limit", "3").exits(0).out
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 4)
	require.Regexp(t, `^ENTRY +TIME +ACTOR +FROM +ACTION +ABOUT +OUTCOME$`, lines[0])
	require.Regexp(t, `^602 +2026-11-22 01:40:01 +- +192.0.2.9 +various +- +refused 401 unauthorized, 4990 calls$`, lines[1]) //nolint:misspell // as HTTP spells it
	require.Regexp(t, `^601 +2026-11-22 01:40:00 +ana +::1 +deployments.rollback +deployment d1 → d2 +accepted 202, asked in 600, a repeat$`, lines[2])
	require.Regexp(t, `^600 .* ci <&> +192.0.2.7 +servers.create +server s599 +asked$`, lines[3])
	found := document[struct{ Items []audit.Entry }](s.run("audit", "--oldest", "--limit", "501", "-o", "json").exits(0)).Items
	require.Len(t, found, 501)
	require.Equal(t, "0", found[0].Request)

	s.run("audit", "--actor", "ana", "--action", "deployments.*", "--object", "d1", "--outcome", "accepted", "--from", "2026-11-22T00:00:00Z", "--to", "1h").exits(0)
	seen := g.Seen(http.MethodGet, "/v1/audit")
	query := seen[len(seen)-1].Query
	for _, part := range []string{"actor=ana", "action=deployments.%2A", "object=d1", "outcome=accepted", "from=2026-11-22T00%3A00%3A00Z", "to=20", "limit=50"} {
		require.Contains(t, query, part)
	}
}

func TestAWholeAuditLogIsVerified(t *testing.T) {
	g, s := recorded(t)
	out := s.run("audit", "verify").exits(0).out
	require.Regexp(t, `^The audit log is whole.\nEntries +602\nHead +602:[0-9a-f]{64}\n$`, out)
	head := out[strings.LastIndex(out, " ")+1 : len(out)-1]
	g.Record(audit.Entry{Action: "servers.delete", Outcome: audit.Refused})
	require.Contains(t, s.run("audit", "verify", "--head", head).exits(0).out, "603")

	exported := s.run("audit", "export").exits(0).out
	require.Equal(t, 603, strings.Count(exported, "\n"))
	require.Contains(t, exported, `"name":"ci <&>"`, "as it is stored")
	require.Contains(t, s.run("audit", "verify", "--file", s.file("log", exported), "--head", head).exits(0).out, "is whole")
	s.input = exported
	require.Contains(t, s.run("audit", "verify", "--file", "-").exits(0).out, "603")
}

func TestWhatWasDoneToTheAuditLogIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		with func(lines [][]byte) [][]byte
		kind string
		seq  uint64
	}{
		"changed": {func(l [][]byte) [][]byte {
			l[549] = []byte(strings.Replace(string(l[549]), "192.0.2.7", "192.0.2.8", 1))
			return l
		}, audit.Changed, 550},
		"removed": {func(l [][]byte) [][]byte { return slices.Delete(l, 549, 550) }, audit.Missing, 550},
		"swapped": {func(l [][]byte) [][]byte { l[549], l[550] = l[550], l[549]; return l }, audit.Reordered, 550},
		"cut off": {func(l [][]byte) [][]byte { return l[:590] }, audit.CutOff, 591},
	} {
		t.Run(name, func(t *testing.T) {
			g, s := recorded(t)
			head := document[audit.Result](s.run("audit", "verify", "-o", "json").exits(0)).Head
			g.Tamper(c.with)
			exported := s.file("log", s.run("audit", "export").exits(0).out)
			for _, where := range [][]string{nil, {"--file", exported}} {
				args := append([]string{"audit", "verify", "--head", head.String()}, where...)
				out := s.run(args...).exits(1).out
				require.Contains(t, out, fmt.Sprintf("entry %d", c.seq))
				require.Contains(t, out, fmt.Sprintf("Entries  %d\n", c.seq-1), "what is before it is whole")
				found := document[audit.Result](s.run(append(args, "-o", "json")...).exits(1))
				require.Equal(t, c.kind, found.Flaw.Kind)
				require.Equal(t, c.seq, found.Flaw.Seq)
			}
		})
	}
}
