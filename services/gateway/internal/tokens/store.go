package tokens

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

const (
	// maxAge is how long a revoked token may still be taken for a good one.
	maxAge = 2 * time.Second
	// keepExpired is how long a token that has expired can still be looked at.
	keepExpired = 30 * 24 * time.Hour
)

// Store is the tokens of this installation.
type Store struct {
	cells *bus.Cells[Token]
	view  *mirror.Mirror[Token]
	uses  *uses
}

// Open opens the tokens and reads all of them.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Store, error) {
	cells, err := bus.OpenCells[Token](ctx, b, contract.BucketTokens)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open(ctx, b, contract.BucketTokens, func(t Token) string { return t.ID }, log)
	if err != nil {
		return nil, err
	}
	return &Store{cells, view, newUses(log)}, view.Refresh(ctx)
}

// Identify returns who has this token; it fails with access.ErrUnknown or
// access.ErrExpired. It does the same for any bad token, whatever is wrong with it: it
// looks for the hash, among those that are stored now. A good one may be known from up
// to two seconds ago.
func (s *Store) Identify(ctx context.Context, secret string) (access.Caller, error) {
	key := hash(secret)
	if err := s.view.RefreshWithin(ctx, maxAge); err != nil {
		return access.Caller{}, err
	}
	found, ok := s.known(key)
	if !ok {
		if err := s.view.Refresh(ctx); err != nil {
			return access.Caller{}, err
		}
		if found, ok = s.known(key); !ok {
			return access.Caller{}, access.ErrUnknown
		}
	}
	now := time.Now()
	if found.Expired(now) {
		return access.Caller{}, access.ErrExpired
	}
	s.uses.note(key, found, now)
	return found.Caller(), nil
}

// Knows says whether the token was a good one when the copy was last brought up to
// date. It asks nobody, and is no leave to do anything.
func (s *Store) Knows(secret string) bool {
	_, ok := s.known(hash(secret))
	return ok
}

func (s *Store) known(key string) (Token, bool) {
	e, ok := s.view.Get(key)
	return e.Value, ok && e.Value.ID != ""
}

// Create stores a new token and returns it with the token itself, which nobody can be
// told again. What an earlier attempt with the same id left behind, which nobody has,
// is revoked.
func (s *Store) Create(ctx context.Context, t Token) (Token, string, error) {
	if err := s.Revoke(ctx, t.ID); err != nil && !errors.Is(err, ErrNotFound) {
		return t, "", err
	}
	secret := generate()
	// Put, not Create: the key is random, and a repeat within the call is the same.
	if _, err := s.cells.Put(ctx, hash(secret), t); err != nil {
		return t, "", err
	}
	return t, secret, nil
}

// Get returns the token of this id, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Token, error) {
	if err := s.view.Refresh(ctx); err != nil {
		return Token{}, err
	}
	if e, ok := s.view.Find(id); ok && id != "" {
		return e.Value, nil
	}
	return Token{}, ErrNotFound
}

// Revoke removes the token of this id, or fails with ErrNotFound. When it returns, this
// gateway refuses the token.
func (s *Store) Revoke(ctx context.Context, id string) error {
	if err := s.view.Refresh(ctx); err != nil {
		return err
	}
	keys := s.keys(func(t Token) bool { return t.ID == id && id != "" })
	if len(keys) == 0 {
		return ErrNotFound
	}
	for _, key := range keys {
		if err := s.cells.Delete(ctx, key, 0); err != nil {
			return err
		}
	}
	return s.view.Refresh(ctx)
}

// Filter chooses tokens.
type Filter struct {
	Fits  func(Token) bool
	After string // id of the last one of the page before
	Limit int
}

// List returns the tokens that fit, by id and so oldest first, and whether there are
// more than the limit.
func (s *Store) List(ctx context.Context, f Filter) (found []Token, more bool, err error) {
	if err := s.view.Refresh(ctx); err != nil {
		return nil, false, err
	}
	s.view.View(func(all map[string]mirror.Entry[Token]) {
		for _, e := range all {
			if t := e.Value; t.ID > f.After && f.Fits(t) {
				found = append(found, t)
			}
		}
	})
	slices.SortFunc(found, func(a, b Token) int { return cmp.Compare(a.ID, b.ID) })
	if len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, nil
}

// keys returns where tokens that fit are stored.
func (s *Store) keys(fits func(Token) bool) []string {
	var keys []string
	s.view.View(func(all map[string]mirror.Entry[Token]) {
		for key, e := range all {
			if e.Value.ID != "" && fits(e.Value) {
				keys = append(keys, key)
			}
		}
	})
	return keys
}

// Sweep removes tokens that expired long ago.
func (s *Store) Sweep(ctx context.Context) error {
	if err := s.view.Refresh(ctx); err != nil {
		return err
	}
	before := time.Now().Add(-keepExpired)
	for _, key := range s.keys(func(t Token) bool { return t.Expired(before) }) {
		if err := s.cells.Delete(ctx, key, 0); err != nil {
			return err
		}
	}
	return nil
}

// Refresh brings the copy that answers come from up to date.
func (s *Store) Refresh(ctx context.Context) error { return s.view.Refresh(ctx) }
