package projects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Kind says what an item is.
type Kind string

// The kinds of items.
const (
	Project     Kind = "project"
	Application Kind = "application"
	Stage       Kind = "stage"
	Template    Kind = "template"
	Group       Kind = "group" // of servers; it belongs to no project
)

// Item is something that deployments refer to, as it is stored.
type Item struct {
	ID          string                     `json:"id"`
	Kind        Kind                       `json:"kind"`
	Project     string                     `json:"project,omitempty"` // name of the one that it belongs to; that of a project itself; "": a group
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	Labels      map[string]string          `json:"labels"`
	Selector    map[string]string          `json:"selector,omitempty"` // of a group: what its servers carry
	Defaults    map[string]json.RawMessage `json:"defaults,omitempty"` // fields of a request for a deployment; of secrets, see Secrets
	Secrets     []contract.Secret          `json:"secrets,omitempty"`  // by name
	CreatedAt   time.Time                  `json:"created_at"`
	UpdatedAt   time.Time                  `json:"updated_at"`
}

// Scope is what secrets of the item are sealed for, in place of an application. No
// application is called so.
func (i Item) Scope() string { return i.Project + "/" + string(i.Kind) + "/" + i.Name }

// Text is a default that is a text, or "".
func (i Item) Text(name string) string {
	var text string
	_ = json.Unmarshal(i.Defaults[name], &text) // what is no text names nothing
	return text
}

// String is the item as messages name it.
func (i Item) String() string {
	if i.Kind == Project || i.Kind == Group {
		return fmt.Sprintf("the %s %q", i.Kind, i.Name)
	}
	return fmt.Sprintf("the %s %q of the project %q", i.Kind, i.Name, i.Project)
}

// key is where the item stands.
func (i Item) key() string { return keyOf(i.Kind, i.Project, i.Name) }

// keyOf is where an item of this name stands: a name itself cannot be a key.
func keyOf(kind Kind, project, name string) string {
	sum := sha256.Sum256([]byte(project + "/" + name))
	return string(kind) + "." + hex.EncodeToString(sum[:])
}

// servers are those that the item names, by name or id.
func (i Item) servers() []string {
	var (
		listed   []string
		strategy struct {
			Traffic struct {
				Servers []string `json:"servers"`
			} `json:"traffic"`
		}
	)
	_ = json.Unmarshal(i.Defaults["servers"], &listed) // they were checked when they were stored
	_ = json.Unmarshal(i.Defaults["strategy"], &strategy)
	return slices.Concat(listed, strategy.Traffic.Servers)
}
