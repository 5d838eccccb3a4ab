package api

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

const docs = "../../../../docs/"

// pathParameter is a parameter as the router writes it; documents write {name}.
var pathParameter = regexp.MustCompile(`:(\w+)`)

var writeDocs = flag.Bool("write-docs", false, "draw the tables of docs/access.md and docs/errors.md anew")

func TestTheTablesOfTheDocsAreThoseOfTheCode(t *testing.T) {
	for file, tables := range map[string]map[string]string{
		"access.md": {"permissions": permissionTable(), "operations": operationTable()},
		"errors.md": {"codes": codeTable()},
	} {
		have, err := os.ReadFile(docs + file)
		require.NoError(t, err)
		want := string(have)
		for mark, table := range tables {
			want = drawn(t, want, mark, table)
		}
		if *writeDocs {
			require.NoError(t, os.WriteFile(docs+file, []byte(want), 0o644))
			continue
		}
		require.Equal(t, want, string(have), "make tables draws the tables anew")
	}
}

// codeTable says what each code is, by its status.
func codeTable() string {
	lines := []string{"| code | status | says | what helps |", "|---|---|---|---|"}
	for _, c := range sortedCodes() {
		lines = append(lines, fmt.Sprintf("| `%s` | %d | %s | %s |", c, kinds[c].status, kinds[c].title, hints[c]))
	}
	return strings.Join(lines, "\n") + "\n"
}

// drawn is the text with what stands between two marks replaced.
func drawn(t *testing.T, text, mark, table string) string {
	t.Helper()
	begin := "<!-- " + mark + " -->\n"
	before, rest, found := strings.Cut(text, begin)
	require.True(t, found, mark)
	at := strings.Index(rest, "<!-- end -->")
	require.GreaterOrEqual(t, at, 0, mark)
	return before + begin + "\n" + table + "\n" + rest[at:]
}

// permissionTable says which role has which permission.
func permissionTable() string {
	lines := []string{"| permission | is about |", "|---|---|"}
	for _, role := range access.Roles() {
		lines[0] += " " + string(role) + " |"
		lines[1] += "---|"
	}
	lines[0] += " for |"
	lines[1] += "---|"
	for _, rule := range access.Rules() {
		line := fmt.Sprintf("| `%s` | %s |", rule.Permission, rule.Reach)
		for _, role := range access.Roles() {
			if slices.Contains(rule.Roles, role) {
				line += " ✓ |"
			} else {
				line += " |"
			}
		}
		lines = append(lines, line+" "+rule.For+" |")
	}
	return strings.Join(lines, "\n") + "\n"
}

// operationTable says what each operation needs.
func operationTable() string {
	needed := map[access.Permission][]string{}
	all := slices.Clone(routes)
	for _, t := range translations(Speech{}) {
		all = append(all, t.route)
	}
	for _, r := range all {
		needed[r.needs] = append(needed[r.needs], "`"+r.method+" "+pathParameter.ReplaceAllString(r.path, "{$1}")+"`")
	}
	lines := []string{"| permission | operations |", "|---|---|"}
	for _, rule := range access.Rules() {
		lines = append(lines, fmt.Sprintf("| `%s` | %s |", rule.Permission, strings.Join(needed[rule.Permission], ", ")))
	}
	return strings.Join(lines, "\n") + "\n"
}
