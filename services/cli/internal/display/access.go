package display

import (
	"cmp"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Grants is what somebody may do, in a line.
func Grants(grants []client.Grant) string {
	all := make([]string, len(grants))
	for i, g := range grants {
		all[i] = g.String()
	}
	return cmp.Or(strings.Join(all, ", "), "nothing")
}

// Identity is who calls.
func Identity(who client.Identity) []string {
	return fields([]field{
		{"Name", who.Name},
		{"ID", who.ID},
		{"Known as", who.Kind},
		{"May", Grants(who.Grants)},
		{"Until", stampOr(who.ExpiresAt, "for ever")},
	})
}

// Tokens is a table of API tokens.
func Tokens(tokens []client.Token, color bool) []string {
	rows := make([][]string, 0, len(tokens))
	for _, t := range tokens {
		rows = append(rows, []string{t.ID, t.Name, Grants(t.Grants), stampOr(t.ExpiresAt, "never"), stampOr(t.LastUsedAt, "never")})
	}
	return table([]string{"ID", "NAME", "MAY", "EXPIRES", "LAST SEEN"}, rows, color)
}

// Token is what is known of one API token.
func Token(t client.Token) []string {
	known := []field{
		{"ID", t.ID},
		{"Name", t.Name},
		{"May", Grants(t.Grants)},
		{"Made", stamp(t.CreatedAt)},
		{"Made by", t.CreatedBy},
		{"Expires", stampOr(t.ExpiresAt, "never")},
		{"Last seen", stampOr(t.LastUsedAt, "never")},
	}
	if t.Token != "" {
		known = append(known, field{"Token", t.Token + " (shown this once)"})
	}
	return fields(known)
}

// stampOr is a time that there may be none of.
func stampOr(at *time.Time, none string) string {
	if at == nil {
		return none
	}
	return stamp(*at)
}
