package identity

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const mostValues = 1000 // of a claim that are looked at: people are in many groups

// mapping says which roles the values of a claim stand for.
type mapping map[string]access.Grants

// parseMapping reads value=grant pairs. Of none, the result is nil: values are grants
// themselves.
func parseMapping(pairs []string) (mapping, error) {
	var m mapping
	for _, pair := range pairs {
		at := strings.LastIndex(pair, "=")
		if at < 1 {
			return nil, fmt.Errorf("%q is not a value and a grant, as ops=administrator", pair)
		}
		g, err := readGrant(strings.TrimSpace(pair[at+1:]))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pair, err)
		}
		if m == nil {
			m = mapping{}
		}
		value := strings.TrimSpace(pair[:at])
		m[value] = append(m[value], g)
	}
	return m, nil
}

func readGrant(text string) (access.Grant, error) {
	g, err := access.ParseGrant(text)
	if err == nil && g.Project != access.All {
		if wrong := rule.Project(g.Project); wrong != "" {
			return access.Grant{}, fmt.Errorf("%q: the project %s", text, wrong)
		}
	}
	return g, err
}

// grants returns what the values stand for; those that stand for nothing are left out:
// a claim holds groups that are for others.
func (m mapping) grants(values []string) access.Grants {
	var all access.Grants
	for _, value := range values {
		if m != nil {
			all = append(all, m[value]...)
			continue
		}
		if g, err := readGrant(value); err == nil {
			all = append(all, g)
		}
	}
	return all
}

// claim finds a claim by its name, or by a path of names with dots, as
// realm_access.roles.
func claim(all map[string]json.RawMessage, name string) json.RawMessage {
	if raw, ok := all[name]; ok {
		return raw
	}
	first, rest, deeper := strings.Cut(name, ".")
	var within map[string]json.RawMessage
	if !deeper || json.Unmarshal(all[first], &within) != nil {
		return nil
	}
	return claim(within, rest)
}

// texts returns a claim that is a text, or a list of them; a text may hold several,
// with spaces between, as the claim scope does.
func texts(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list[:min(len(list), mostValues)]
	}
	var one string
	_ = json.Unmarshal(raw, &one)
	return strings.Fields(one)
}
