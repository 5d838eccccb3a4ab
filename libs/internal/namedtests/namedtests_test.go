// Package namedtests holds the pages of docs/ to the tests that they name: there must be
// such tests, and none of these pages may claim something without one.
package namedtests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

var (
	named    = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*|Fuzz[A-Z][A-Za-z0-9]*)`")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)\(`)
)

// tests are the names of all tests of the repository.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, dir := range []string{"libs", "services"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // a file of this repository
			for _, found := range declared.FindAllStringSubmatch(string(text), -1) {
				all[found[1]] = true
			}
			return err
		}))
	}
	return all
}

// missing are the tests that a text names and that there are none of.
func missing(text string, there map[string]bool) (names []string) {
	for _, found := range named.FindAllStringSubmatch(text, -1) {
		if !there[found[1]] {
			names = append(names, found[1])
		}
	}
	return names
}

// pages are those of docs/, by their names; of those that name no test, too.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	dir := filepath.Join(root, "docs")
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	}))
	return all
}

func TestThePagesNameTestsThatThereAre(t *testing.T) {
	there := tests(t)
	require.Equal(t, []string{"TestNoSuchTest"}, missing("`TestNoSuchTest`", there), "what is not there is noticed")
	all := pages(t)
	for name, text := range all {
		require.Empty(t, missing(text, there), name)
	}
	for _, name := range []string{"security.md", "migrating.md"} {
		require.Regexp(t, named, all[name], name)
	}
}

func TestEveryThreatNamesATest(t *testing.T) {
	table, _, found := strings.Cut(pages(t)["security.md"], "\n## ")
	require.True(t, found)
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| who ") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		require.Len(t, cells, 4, line)
		require.Regexp(t, named, cells[3], "a threat without a test: %s", cells[0])
	}
	for _, who := range []string{"a viewer's token", "malicious package", "taken over a host", "hostile webhook receiver", "reads NATS", "writes to NATS", "reads MongoDB", "data directory"} {
		require.Contains(t, table, who)
	}
	require.Greater(t, rows, 10)
}
