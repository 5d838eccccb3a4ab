// Package tokens keeps the API tokens: who may call, as what. A token is shown
// once, when it is made; what is stored is its SHA-256 alone, under which its
// owner's name and role stand in the bucket TOKENS.
package tokens

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

// ErrUnknown says that a token is not, or no longer, one of this installation.
var ErrUnknown = errors.New("unknown token")

// RoleAdmin may do everything.
const RoleAdmin = "admin"

const (
	prefix = "slw_"
	// maxAge is how long a revoked token may still be taken for a good one.
	maxAge = 2 * time.Second
)

// Token is what is stored of a token.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"created_at"`
}

// Store is the tokens of this installation.
type Store struct {
	cells *bus.Cells[Token]
	view  *mirror.Mirror[Token]
}

// Open opens the tokens and reads all of them.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Store, error) {
	cells, err := bus.OpenCells[Token](ctx, b, contract.BucketTokens)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open[Token](ctx, b, contract.BucketTokens, nil, log)
	if err != nil {
		return nil, err
	}
	return &Store{cells, view}, view.Refresh(ctx)
}

// Identify returns whose token this is, or ErrUnknown. It does the same for any
// bad token, whatever is wrong with it: it looks for the hash, among those that
// are stored now. A good one may be known from up to two seconds ago.
func (s *Store) Identify(ctx context.Context, secret string) (Token, error) {
	key := hash(secret)
	if err := s.view.RefreshWithin(ctx, maxAge); err != nil {
		return Token{}, err
	}
	if e, ok := s.view.Get(key); ok && e.Value.ID != "" {
		return e.Value, nil
	}
	if err := s.view.Refresh(ctx); err != nil {
		return Token{}, err
	}
	if e, ok := s.view.Get(key); ok && e.Value.ID != "" {
		return e.Value, nil
	}
	return Token{}, ErrUnknown
}

// Refresh brings the copy that answers come from up to date.
func (s *Store) Refresh(ctx context.Context) error { return s.view.Refresh(ctx) }

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

func newToken(name string) Token {
	return Token{ID: xid.New().String(), Name: name, Role: RoleAdmin, CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
}
