package rex

import (
	"fmt"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

// readInventory reads a file of CSV, or a dump in SQL.
func readInventory(file string) ([]rextable.Program, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInventory, err)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrInventory)
	}
	rows, bad := rextable.Read(string(text), "app_key", "local_name")
	if len(bad) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrInventory, bad[0])
	}
	all, bad := rextable.Programs(rows)
	if len(bad) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrInventory, bad[0])
	}
	return all, nil
}

// chosen returns the rows that are meant: by app_key or, where nothing is called so, by
// local_name; in the order of the inventory, each once; and the names that are neither.
func chosen(all []rextable.Program, names []string) (found []rextable.Program, unknown []string) {
	wanted := map[string]bool{}
	for _, name := range names {
		of := func(p rextable.Program) bool { return p.Key == name }
		if !slices.ContainsFunc(all, of) {
			of = func(p rextable.Program) bool { return p.Name == name }
		}
		if !slices.ContainsFunc(all, of) {
			unknown = append(unknown, name)
		}
		for _, p := range all {
			if of(p) {
				wanted[p.Key] = true
			}
		}
	}
	for _, p := range all {
		if wanted[p.Key] {
			found = append(found, p)
		}
	}
	return found, unknown
}
