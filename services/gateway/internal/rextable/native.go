package rextable

import (
	"path"
	"strings"
)

// Part is one of what a program is on its server: with the configuration in it, or beside
// it. Each is an application.
type Part struct {
	Application string
	Link        string // where it is found on the server
	Restart     string
}

// Parts returns what is released of a program, in this order: the configuration first where
// it is apart, so that what restarts finds it.
func (p Program) Parts() []Part {
	name := strings.ToLower(p.Key)
	whole := Part{name, p.Dir, p.Restart}
	if !p.Apart {
		return []Part{whole}
	}
	return []Part{{name + "-conf", p.ConfigDir, ""}, whole}
}

// Base is where the releases of a part lie, beside the link to what runs.
func (p Part) Base() string { return path.Join(path.Dir(p.Link), "."+path.Base(p.Link)+".slipway") }
