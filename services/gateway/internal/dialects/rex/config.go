package rex

import (
	"fmt"
	"path/filepath"
)

// Config is where the dialect finds what it works on. Without an inventory it is off.
type Config struct {
	Inventory    string `conf:"inventory" help:"file with the inventory of rex (CSV, or a dump in SQL of its table); it turns the dialect rex on"`
	Soft         string `conf:"softdir" help:"directory of programs that are released"`
	Configure    string `conf:"configuredir" help:"directory of configurations that are released"`
	RemoteCom    string `conf:"remotecomdir" help:"directory with the softdir and the configuredir of what was downloaded"`
	Update       string `conf:"updatedir" help:"directory with the softdir and the configuredir of updates"`
	Installation string `conf:"chdir" default:"/data/RexdeployV3" help:"directory that answers name as that of the original; nothing is run there"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	if c.Inventory == "" {
		return nil
	}
	var errs []error
	for key, dir := range map[string]string{"softdir": c.Soft, "configuredir": c.Configure, "remotecomdir": c.RemoteCom, "updatedir": c.Update} {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
			errs = append(errs, fmt.Errorf("rex.%s: %q must be an absolute path, as rex.inventory is given", key, dir))
		}
	}
	if _, err := readInventory(c.Inventory); err != nil {
		errs = append(errs, fmt.Errorf("rex.inventory: %w", err))
	}
	return errs
}
