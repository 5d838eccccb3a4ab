package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

const (
	prefix = "slw_"
	// known is how much of a token may get about: the rest cannot be guessed.
	known = len(prefix) + 8
)

// Token is what is stored of a token, under the hash of it.
type Token struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Grants    access.Grants `json:"grants,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	CreatedBy string        `json:"created_by,omitempty"` // name of the caller; "": it is the first
	ExpiresAt *time.Time    `json:"expires_at,omitempty"` // nil: never
	// UsedAt is when it was last seen, give or take a minute; nil: never.
	UsedAt *time.Time `json:"used_at,omitempty"`

	// Role is how the first token of an installation was stored before there were grants.
	Role string `json:"role,omitempty"`
}

// grants returns what the token may do.
func (t Token) grants() access.Grants {
	if t.Role == "admin" && t.Grants == nil {
		return access.Grants{{Role: access.Administrator}}
	}
	return t.Grants
}

// Expired says whether the token counts no longer.
func (t Token) Expired(now time.Time) bool { return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) }

// Caller is who has the token.
func (t Token) Caller() access.Caller {
	return access.Caller{Kind: access.Machine, ID: t.ID, Name: t.Name, Grants: t.grants(), Expires: t.ExpiresAt}
}

// Is says whether a text has the form of a token of this installation.
func Is(secret string) bool { return strings.HasPrefix(secret, prefix) }

// Prefix is as much of a token as may be known without having it.
func Prefix(secret string) string { return secret[:min(len(secret), known)] }

// generate makes a token: 32 random bytes, as text.
func generate() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it does not fail: crypto/rand ends the process rather
	return prefix + base64.RawURLEncoding.EncodeToString(secret[:])
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// newToken is a token that may do everything.
func newToken(name string) Token {
	return Token{
		ID: xid.New().String(), Name: name, Grants: access.Grants{{Role: access.Administrator}},
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
}
