package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxNotes    = 32
	maxNoteName = 64
	maxMetadata = 4 << 10 // bytes: it stands in every row of a list
)

// readMetadata takes what whoever asks notes of a deployment, in the order of the names.
func readMetadata(o *field.Object) []contract.Note {
	given, _ := o.TextMap("metadata", false)
	var (
		noted []contract.Note
		size  int
	)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		o.Check("metadata."+name, rule.Printable(name, 1, maxNoteName))
		o.Check("metadata."+name, rule.Value(*given[name]))
		noted = append(noted, contract.Note{Name: name, Value: *given[name]})
		size += len(name) + len(*given[name])
	}
	if len(noted) > maxNotes || size > maxMetadata {
		o.Check("metadata", fmt.Sprintf("must be at most %d notes, of %d KiB together", maxNotes, maxMetadata>>10))
	}
	return noted
}

// readNoted takes what is to be noted of each deployment of a list, as name=value: a name
// ends at the first "=".
func readNoted(c *call, q *field.Query) []contract.Note {
	asked, _ := q.Texts("metadata")
	if len(asked) > maxNotes {
		c.errs.Add("metadata", "may be given %d times", maxNotes)
		return nil
	}
	var noted []contract.Note
	for _, one := range asked {
		name, value, ok := strings.Cut(one, "=")
		if !ok || rule.Printable(name, 1, maxNoteName) != "" || rule.Value(value) != "" {
			c.errs.Add("metadata", "must be written as name=value, with the name of a note")
			continue
		}
		noted = append(noted, contract.Note{Name: name, Value: value})
	}
	return noted
}
