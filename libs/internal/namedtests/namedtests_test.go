// Package namedtests holds the pages of docs/ to the tests that they name: there must be
// such tests, and none of these pages may claim something without one.
package namedtests

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

var (
	named = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*|Fuzz[A-Z][A-Za-z0-9]*)`")
	// placed is tests after the directory, or the file, in which they are said to be: all of its path, or the end of it.
	placed   = regexp.MustCompile("`([a-z0-9_./-]+)`: ((?:`(?:Test|Fuzz)[A-Za-z0-9]+`(?:, )?)+)")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)\(`)
)

// tests are the files of all tests of the repository, below its root, by the names of the tests.
func tests(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, dir := range []string{"libs", "services"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // a file of this repository
			file, _ := filepath.Rel(root, path)
			for _, found := range declared.FindAllStringSubmatch(string(text), -1) {
				all[found[1]] = append(all[found[1]], "/"+filepath.ToSlash(file))
			}
			return err
		}))
	}
	return all
}

// missing are the tests that a text names and that there are none of, or none where it says.
func missing(text string, there map[string][]string) (names []string) {
	for _, found := range named.FindAllStringSubmatch(text, -1) {
		if there[found[1]] == nil {
			names = append(names, found[1])
		}
	}
	for _, list := range placed.FindAllStringSubmatch(text, -1) {
		for _, found := range named.FindAllStringSubmatch(list[2], -1) {
			if files := there[found[1]]; files != nil && !slices.ContainsFunc(files, func(file string) bool { return liesIn(file, list[1]) }) {
				names = append(names, list[1]+": "+found[1])
			}
		}
	}
	return names
}

// liesIn says whether a file is this one, or lies in this directory, not below it.
func liesIn(file, place string) bool {
	return strings.HasSuffix(file, "/"+place) || strings.HasSuffix(path.Dir(file), "/"+place)
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
	const here = "TestThePagesNameTestsThatThereAre"
	require.Equal(t, []string{"libs/internal: " + here}, missing("`libs/internal`: `TestEveryThreatNamesATest`, `"+here+"`; `libs/seal`", map[string][]string{
		here: there[here], "TestEveryThreatNamesATest": {"/libs/internal/other_test.go"},
	}), "what is elsewhere is, too")
	for _, place := range []string{"libs/internal/namedtests", "internal/namedtests", "namedtests_test.go"} {
		require.Empty(t, missing("`"+place+"`: `"+here+"`", there))
	}
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
