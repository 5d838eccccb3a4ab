package rextable

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

// Program is a row: a program on a server.
type Program struct {
	Line      int
	Key       string   // app_key: its own name
	Name      string   // local_name: that of the group whose programs are alike
	Apart     bool     // is_deploy_dir 2: the configuration has a directory of its own on the server
	Split     []string // configure_file_list: the files that are configuration; none: a whole directory
	Dir       string   // pro_dir, on the server
	ConfigDir string   // config_dir, on the server
	Restart   string   // command; "" is none
	Script    string   // pro_init, where it is none that can restart
	Server    string   // server_name
	Address   string   // network_ip
	Env       string   // env
}

// Programs makes sense of rows; those without an app_key are left out: no request can name
// them. A program has one row.
func Programs(rows []table.Row) ([]Program, []table.Bad) {
	var (
		all []Program
		bad []table.Bad
	)
	taken := applications{}
	for _, row := range rows {
		p, wrong := programOf(row)
		if p.Key == "" {
			continue
		}
		if len(wrong) == 0 {
			wrong = taken.add(p)
		}
		all, bad = append(all, p), append(bad, wrong...)
	}
	return all, bad
}

func programOf(row table.Row) (Program, []table.Bad) {
	is := row.Cells
	p := Program{
		Line: row.Line, Key: is["app_key"], Name: is["local_name"], Apart: is["is_deploy_dir"] == "2",
		Dir: trimSlash(is["pro_dir"]), ConfigDir: trimSlash(is["config_dir"]),
		Server: is["server_name"], Address: is["network_ip"], Env: is["environment"],
	}
	p.Restart, p.Script = restartOf(is)
	if is["configure_file_status"] == "1" {
		p.Split = strings.FieldsFunc(is["configure_file_list"], func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	}
	return p, p.check()
}

// check sees to it that names and files of a row lead nowhere else than below their
// directories.
func (p Program) check() []table.Bad {
	var bad []table.Bad
	for _, is := range [][2]string{{"app_key", p.Key}, {"local_name", p.Name}} {
		if name := is[1]; name == "" || strings.ContainsAny(name, "/\\ ,\x00") || strings.HasPrefix(name, ".") {
			bad = append(bad, table.Bad{Line: p.Line, Field: is[0], Message: fmt.Sprintf("%q is no name of a directory", name)})
		}
	}
	for i, file := range p.Split {
		file = strings.TrimSpace(file)
		if !filepath.IsLocal(file) {
			bad = append(bad, table.Bad{Line: p.Line, Field: "configure_file_list", Message: fmt.Sprintf("%q is no path below a directory", file)})
		}
		p.Split[i] = path.Clean(file)
	}
	return bad
}

func trimSlash(dir string) string {
	if dir == "" {
		return ""
	}
	return path.Clean(dir)
}

// restartOf is how a program is started anew: by the command in the column restart, or its
// init script. Of other start scripts nobody knows how to stop what they have started.
func restartOf(is map[string]string) (command, script string) {
	script = is["pro_init"]
	switch {
	case is["restart"] != "":
		return is["restart"], ""
	case strings.HasPrefix(script, "/etc/init.d/") && !strings.ContainsAny(script, " \t"):
		return script + " restart", ""
	}
	return "", script
}

// applications is the line of the row that each application belongs to.
type applications map[string]int

// add says where the row would release what another row releases: their releases would
// lie among each other, and be taken for each other's.
func (a applications) add(p Program) []table.Bad {
	for _, part := range p.Parts() {
		if other, taken := a[part.Application]; taken {
			return []table.Bad{{Line: p.Line, Field: "app_key", Message: fmt.Sprintf("%q releases the application %s, as line %d does", p.Key, part.Application, other)}}
		}
		a[part.Application] = p.Line
	}
	return nil
}
