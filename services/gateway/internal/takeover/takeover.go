// Package takeover says what taking over a list that others keep comes to, of servers
// and of what is in projects alike.
package takeover

import (
	"errors"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// ErrEntry says that an entry of a list cannot be followed, so that nothing was stored.
var ErrEntry = errors.New("an entry cannot be followed")

// AtOnce is how many entries are stored side by side.
const AtOnce = 8

// Outcome is what became of an entry, or would.
type Outcome string

// The outcomes.
const (
	Created Outcome = "created"
	Changed Outcome = "changed"
	Same    Outcome = "same"    // all that the list says is so
	Skipped Outcome = "skipped" // it is none; the notes say why
	Failed  Outcome = "failed"
)

// Taken is what became of an entry, or would.
type Taken struct {
	Line    int
	Name    string
	ID      string // of what it became; "": there is none
	Outcome Outcome
	Changes []string // names of the fields that change
	Errors  field.Errors
	Notes   []string
}

// Fail says what is wrong with a field of the entry; "" is none of them.
func (t *Taken) Fail(name, message string) {
	t.Errors.Add(name, "%s", message)
	t.Outcome = Failed
}

// Stores says whether something of it is to be stored.
func (t *Taken) Stores() bool { return t.Outcome == Created || t.Outcome == Changed }
