// Package boundaries tests what may import what in this repository. The linter
// says the same sooner (.golangci.yml); this cannot be switched off by a comment.
package boundaries

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	project  = "github.com/slipway-deploy/slipway/"
	services = project + "services/"
)

// module is a module of the workspace.
type module struct {
	Path string
	Dir  string
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// modules returns those that the workspace names.
func modules(t *testing.T) []module {
	t.Helper()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	all := decode[module](t, goTool(t, root, filepath.Join(root, "go.work"), "list", "-m", "-json"))
	require.NotEmpty(t, all)
	return all
}

// goTool runs the go command in dir, in this workspace or in none ("off").
func goTool(t *testing.T, dir, workspace string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+workspace)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), "go %s in %s:\n%s", strings.Join(args, " "), dir, &complaints)
	return out.Bytes()
}

// decode reads JSON values one after another.
func decode[T any](t *testing.T, stream []byte) []T {
	t.Helper()
	var all []T
	for d := json.NewDecoder(bytes.NewReader(stream)); ; {
		var v T
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, v)
	}
}

// packages returns the module's own packages.
func (m module) packages(t *testing.T) []pkg {
	t.Helper()
	return decode[pkg](t, goTool(t, m.Dir, "off", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./..."))
}

// allowed says whether a module may import a package of this project.
func (m module) allowed(imported string) bool {
	service, isService := strings.CutPrefix(imported, services)
	switch {
	case !isService, imported == m.Path, strings.HasPrefix(imported, m.Path+"/"):
		return true
	case m.Path == services+"standalone":
		// Standalone puts the four services together, by what they show.
		return slices.Contains([]string{"gateway", "scheduler", "executor", "history"}, service)
	default:
		return false
	}
}

func TestTheRuleKnowsWhoIsAboveWhom(t *testing.T) {
	cases := []struct {
		module, imported string
		want             bool
	}{
		{"libs", "libs/bus", true},
		{"libs", "services/history", false},
		{"services/gateway", "libs/bus", true},
		{"services/gateway", "services/gateway/internal/rest", true},
		{"services/gateway", "services/gateway2", false},
		{"services/gateway", "services/history", false},
		{"services/gateway", "services/standalone", false},
		{"services/cli", "services/gateway", false},
		{"services/standalone", "services/gateway", true},
		{"services/standalone", "services/gateway/internal/rest", false},
		{"services/standalone", "services/cli", false},
	}
	for _, c := range cases {
		require.Equal(t, c.want, module{Path: project + c.module}.allowed(project+c.imported), "%s imports %s", c.module, c.imported)
	}
}

func TestServicesDoNotImportEachOther(t *testing.T) {
	for _, m := range modules(t) {
		for _, p := range m.packages(t) {
			for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				require.True(t, m.allowed(imported), "%s must not import %s", p.ImportPath, imported)
			}
		}
	}
}

func TestTheDomainImportsTheStandardLibraryAlone(t *testing.T) {
	for _, m := range modules(t) {
		if m.Path != project+"libs" {
			continue
		}
		deps := decode[pkg](t, goTool(t, m.Dir, "off", "list", "-deps", "-json=ImportPath,Standard", "./deploy"))
		require.Greater(t, len(deps), 1)
		for _, p := range deps {
			require.True(t, p.Standard || p.ImportPath == m.Path+"/deploy", "libs/deploy rests on %s", p.ImportPath)
		}
		return
	}
	require.Fail(t, "the workspace has no module libs")
}

func TestTheWorkspaceNamesEveryModule(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	var onDisk, named []string
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, file := range found {
			onDisk = append(onDisk, filepath.Dir(file))
		}
	}
	for _, m := range modules(t) {
		named = append(named, m.Dir)
		below, err := filepath.Rel(root, m.Dir)
		require.NoError(t, err)
		require.Equal(t, path.Join(project, filepath.ToSlash(below)), m.Path)
	}
	require.ElementsMatch(t, onDisk, named)
}

// Whoever requires one module must not need the workspace.
func TestEachModuleBuildsAlone(t *testing.T) {
	for _, m := range modules(t) {
		t.Run(strings.TrimPrefix(m.Path, project), func(t *testing.T) {
			goTool(t, m.Dir, "off", "build", "-o", os.DevNull, "./...")
		})
	}
}
