package rex

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

// missing is the directories and files that are not there to be brought.
type missing struct{ programs, configurations []string }

// outcome is what a module returns, as clients read it: whether all went well, and two
// lists of what did not.
func (m missing) outcome() outcome {
	out := outcome{"0": allWell, "1": strings.Join(m.programs, ","), "2": strings.Join(m.configurations, ",")}
	if len(m.programs)+len(m.configurations) > 0 {
		out["0"] = "0"
	}
	return out
}

// bring replaces the program and the configuration of each row by those that were
// downloaded, or by updates. What is not there is missing, and what stands in its place
// stays.
func (c Config) bring(rows []rextable.Program, update bool) (missing, error) {
	var m missing
	for _, p := range rows {
		from := c.source(p, update)
		if !isDir(from.program) {
			m.programs = append(m.programs, from.program)
		} else if err := replace(c.programOf(p), func(stage string) error { return copyTree(from.program, stage, ".") }); err != nil {
			return m, err
		}
		lacking, err := c.configure(p, from)
		if err != nil {
			return m, err
		}
		m.configurations = append(m.configurations, lacking...)
	}
	return m, nil
}

// source is where a program and its configuration come from.
type source struct{ program, configuration string }

func (c Config) source(p rextable.Program, update bool) source {
	if update {
		return source{filepath.Join(c.Update, "softdir", p.Name), filepath.Join(c.Update, "configuredir", p.Name, p.Key)}
	}
	return source{filepath.Join(c.RemoteCom, "softdir", p.Key), filepath.Join(c.RemoteCom, "configuredir", p.Key)}
}

// programOf is the directory of a program that is released.
func (c Config) programOf(p rextable.Program) string { return filepath.Join(c.Soft, p.Name) }

// configurationOf is the directory of its configuration.
func (c Config) configurationOf(p rextable.Program) string {
	return filepath.Join(c.Configure, p.Name, p.Key)
}

// configure replaces the configuration of a program: by a directory or, where files of the
// program are its configuration, by these. It returns what is missing.
func (c Config) configure(p rextable.Program, from source) ([]string, error) {
	if len(p.Split) == 0 {
		if !isDir(from.configuration) {
			return []string{from.configuration}, nil
		}
		return nil, replace(c.configurationOf(p), func(stage string) error { return copyTree(from.configuration, stage, ".") })
	}
	files, lacking := map[string]string{}, []string(nil)
	for _, file := range p.Split {
		if dir := find(p, file, from); dir != "" {
			files[file] = dir
		} else {
			lacking = append(lacking, filepath.Join(from.program, file))
		}
	}
	if len(files) == 0 {
		return lacking, nil
	}
	return lacking, replace(c.configurationOf(p), func(stage string) error { return copyFiles(files, stage) })
}

// copyFiles copies files to where they stand in another directory; each is found in the
// directory that is told of it.
func copyFiles(files map[string]string, to string) error {
	out, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	for file, dir := range files {
		in, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(copyFile(in, out, file, file), in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// find returns the directory that a file of the configuration is in: the program, the
// directory of the program that holds it, or what was downloaded as configuration; "" is
// none of them.
func find(p rextable.Program, file string, from source) string {
	for _, dir := range []string{from.program, filepath.Join(from.program, inProgram(p)), from.configuration} {
		if isFile(dir, file) {
			return dir
		}
	}
	return ""
}

// inProgram is where in the program its configuration belongs; "." where that is
// elsewhere.
func inProgram(p rextable.Program) string {
	below, err := filepath.Rel(p.Dir, p.ConfigDir)
	if err != nil || p.Dir == "" || p.ConfigDir == "" || !filepath.IsLocal(below) {
		return "."
	}
	return below
}
