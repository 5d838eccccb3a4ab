package projects

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxDescription = 200
	maxSecrets     = 200
	maxItem        = 256 << 10 // bytes, as it is stored
)

// Input is what a client wants an item to be: nil stands for what was not said.
type Input struct {
	name, description *string
	labels            inventory.Labels
	selector          map[string]string
	defaults          json.RawMessage // a merge patch
	resetDefaults     bool
	secrets           map[string]*string // nil: remove the secret
	resetSecrets      bool
}

// ReadNew takes a new item from what a client sent.
func ReadNew(kind Kind, o *field.Object, errs *field.Errors) Input {
	in := read(kind, o, errs, false)
	if name, ok := o.Required("name"); ok {
		errs.Check("name", checkName(name))
		in.name = &name
	}
	if kind == Group && !o.Given("selector") {
		errs.Add("selector", "is required")
	}
	o.End()
	return in
}

// ReadPatch takes a change of an item from a JSON merge patch: what is left out
// stays, null resets.
func ReadPatch(kind Kind, o *field.Object, errs *field.Errors) Input {
	in := read(kind, o, errs, true)
	o.Refuse("name", "cannot be changed: others go by it")
	if o.Null("description") {
		in.description = new(string)
	}
	if o.Null("selector") {
		errs.Add("selector", "cannot be removed")
	}
	in.resetDefaults, in.resetSecrets = o.Null("defaults"), o.Null("secrets")
	if o.Len() == 0 {
		errs.Add("body", "changes nothing")
	}
	o.End()
	return in
}

func read(kind Kind, o *field.Object, errs *field.Errors, patch bool) Input {
	var in Input
	if text, ok := o.Text("description"); ok {
		errs.Check("description", rule.Printable(text, 0, maxDescription))
		in.description = &text
	}
	in.labels = inventory.ReadLabels(o, patch)
	if kind == Group {
		in.selector = inventory.ReadSelector(o, "selector")
		return in
	}
	if _, ok := o.Object("defaults"); ok {
		in.defaults = o.Raw("defaults")
	}
	in.secrets, _ = o.TextMap("secrets", patch)
	for name, value := range in.secrets {
		if value != nil {
			errs.Check("secrets."+name, rule.Variable(name))
			errs.Check("secrets."+name, rule.Secret(*value))
		}
	}
	return in
}

// checkName says what is wrong with the name of an item, or "". Paths take names and
// ids, so that no name may look like an id.
func checkName(s string) string {
	if inventory.IsIdentifier(s) {
		return "must not have the form of an id"
	}
	return rule.Application(s)
}

// Apply returns the item with what the input says. Its id, kind and project must be
// set. It fails with field.Errors where it would be too large. Whether its defaults
// are any is not looked at.
func (in Input) Apply(i Item, key seal.PublicKey, now time.Time) (Item, error) {
	var errs field.Errors
	if in.name != nil {
		i.Name = *in.name
	}
	if i.Kind == Project {
		i.Project = i.Name
	}
	if in.description != nil {
		i.Description = *in.description
	}
	i.Labels = in.labels.Merge(i.Labels, &errs)
	if in.selector != nil {
		i.Selector = in.selector
	}
	if in.resetDefaults {
		i.Defaults = nil
	}
	if in.defaults != nil {
		i.Defaults = merge(i.Defaults, in.defaults)
	}
	var err error
	if i.Secrets, err = in.seal(i, key); err != nil {
		return i, err
	}
	if len(i.Secrets) > maxSecrets {
		errs.Add("secrets", "must be at most %d", maxSecrets)
	}
	if text, err := json.Marshal(i); err == nil && len(text) > maxItem {
		errs.Add("defaults", "and secrets together must be at most %d KiB", maxItem>>10)
	}
	i.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	return i, errs.Err()
}

// seal returns the secrets that the item has then. What is not named stays as it is
// sealed.
func (in Input) seal(i Item, key seal.PublicKey) ([]contract.Secret, error) {
	kept := slices.DeleteFunc(slices.Clone(i.Secrets), func(s contract.Secret) bool {
		_, named := in.secrets[s.Name]
		return named || in.resetSecrets
	})
	for _, name := range slices.Sorted(maps.Keys(in.secrets)) {
		value := in.secrets[name]
		if value == nil {
			continue
		}
		sealed, err := key.Seal(contract.SecretContext(i.Scope(), name), []byte(*value))
		if err != nil {
			return nil, fmt.Errorf("seal a secret: %w", err)
		}
		kept = append(kept, contract.Secret{Name: name, Sealed: string(sealed), For: i.Scope()})
	}
	slices.SortFunc(kept, func(a, b contract.Secret) int { return strings.Compare(a.Name, b.Name) })
	return kept, nil
}

// merge is RFC 7396: what the patch leaves out stays, null removes.
func merge(have map[string]json.RawMessage, patch json.RawMessage) map[string]json.RawMessage {
	merged := maps.Clone(have)
	if merged == nil {
		merged = map[string]json.RawMessage{}
	}
	for name, change := range fieldsOf(patch) {
		switch {
		case string(change) == "null":
			delete(merged, name)
		case change[0] == '{':
			merged[name], _ = json.Marshal(merge(fieldsOf(merged[name]), change)) // JSON it was: that cannot fail
		default:
			merged[name] = change
		}
	}
	return merged
}

// fieldsOf is those of an object in JSON; what is none has none.
func fieldsOf(raw json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	for name, value := range fields {
		fields[name] = bytes.TrimSpace(value)
	}
	return fields
}
