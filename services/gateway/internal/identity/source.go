package identity

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
)

// source has the keys of an issuer.
type source interface {
	// algorithms returns what its keys may be used for.
	algorithms() []jose.SignatureAlgorithm
	// find returns the keys that are known and may have signed a token that says so, and
	// when they were read.
	find(id string, alg jose.SignatureAlgorithm) ([]key, time.Time)
	// again returns those that may have, where those that were read then have not; none:
	// nobody has. It fails with ErrNoKeys or ErrUndecided.
	again(ctx context.Context, id string, alg jose.SignatureAlgorithm, then time.Time) ([]key, error)
	// keep keeps the keys up to date until ctx ends. Nothing reads them afterwards.
	keep(ctx context.Context)
}

// shared is a secret that the issuer and the gateway share.
type shared struct{ secret []byte }

func (shared) algorithms() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{jose.HS256} }

func (s shared) find(string, jose.SignatureAlgorithm) ([]key, time.Time) {
	return []key{{"", jose.HS256, s.secret}}, time.Time{}
}

func (shared) again(context.Context, string, jose.SignatureAlgorithm, time.Time) ([]key, error) {
	return nil, nil
}

func (shared) keep(context.Context) {}

// file is public keys in a file, which is read again when it was changed.
type file struct {
	path  string
	every time.Duration // how often it is looked at
	log   zerolog.Logger

	mu   sync.RWMutex
	keys []key
	seen os.FileInfo
}

// openFile reads the file.
func openFile(path string, every time.Duration, log zerolog.Logger) (*file, error) {
	f := &file{path: path, every: every, log: log}
	return f, f.read()
}

func (*file) algorithms() []jose.SignatureAlgorithm { return asymmetric }

func (f *file) find(id string, alg jose.SignatureAlgorithm) ([]key, time.Time) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return fitting(f.keys, id, alg), time.Time{}
}

// again implements source. The file is looked at so often that nobody waits for it.
func (*file) again(context.Context, string, jose.SignatureAlgorithm, time.Time) ([]key, error) {
	return nil, nil
}

// read reads the file if it is not as it was. One that cannot be read changes nothing.
func (f *file) read() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	document, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	keys, err := parseFile(document)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys, f.seen = keys, info
	return nil
}

func (f *file) keep(ctx context.Context) {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := f.read()
		if err != nil && err.Error() != said {
			f.log.Error().Err(err).Msg("the keys of JWTs cannot be read anew; those before go on counting")
		}
		said = fmt.Sprint(err)
	}
}
