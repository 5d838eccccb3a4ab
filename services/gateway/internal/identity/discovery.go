package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
)

const (
	wellKnown    = "/.well-known/openid-configuration"
	readLimit    = 10 * time.Second // for the issuer to say where its keys are, and which
	maxDocument  = 1 << 20          // bytes
	longestStale = 24 * time.Hour   // for which keys count that cannot be read again
)

// published is the keys that an issuer publishes. They are read again after a while,
// and when a token comes that may be signed with one that is not known: it names none, or
// one that is not there. That is at most once a pause, however many such tokens come.
//
// A reading is a goroutine of its own. Those who need what it brings wait for it as long as
// they can; it goes on for the others, to its limit or until keep ends.
type published struct {
	issuer  string
	client  *http.Client
	refresh time.Duration
	pause   time.Duration
	limit   time.Duration // of one reading
	log     zerolog.Logger

	mu      sync.Mutex
	keys    []key
	at      time.Time          // when they were read
	tried   time.Time          // when the last reading began
	reading chan struct{}      // closed when it ends; nil: nobody reads
	end     context.CancelFunc // of the reading
	stopped bool               // nobody reads any more
}

func (*published) algorithms() []jose.SignatureAlgorithm { return asymmetric }

func (p *published) find(id string, alg jose.SignatureAlgorithm) ([]key, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) > longestStale {
		return nil, p.at
	}
	return fitting(p.keys, id, alg), p.at
}

func (p *published) again(ctx context.Context, id string, alg jose.SignatureAlgorithm, then time.Time) ([]key, error) {
	found, at := p.find(id, alg)
	switch {
	case !at.Equal(then): // others have had them read since
		return found, nil
	case id != "" && slices.ContainsFunc(found, func(k key) bool { return k.id == id }):
		return nil, nil // it is that one, which has not signed it
	}
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	if found, at = p.find(id, alg); at.Equal(then) {
		return nil, ErrUndecided
	}
	return found, nil
}

// read has the keys read, unless that was tried just now, and waits for that, as others may
// do already, no longer than ctx. It fails with ErrNoKeys where there are none to count on
// afterwards.
func (p *published) read(ctx context.Context) error {
	if reading := p.begin(ctx); reading != nil {
		select {
		case <-reading:
		case <-ctx.Done(): // what is known has to do
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) > longestStale {
		return ErrNoKeys
	}
	return nil
}

// begin has the keys read, if it is time to, and returns what is closed when a reading
// ends; nil: there is none. The client of this request may go: others count on it.
func (p *published) begin(ctx context.Context) (reading <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading == nil && !p.stopped && time.Since(p.tried) >= p.pause {
		ctx, p.end = context.WithTimeout(context.WithoutCancel(ctx), p.limit)
		p.tried, p.reading = time.Now(), make(chan struct{})
		go p.readNow(ctx, p.end)
	}
	return p.reading
}

// stop ends the reading that goes on, and lets no other begin.
func (p *published) stop() {
	p.mu.Lock()
	p.stopped = true
	reading, end := p.reading, p.end
	p.mu.Unlock()
	if reading != nil {
		end()
		<-reading
	}
	p.client.CloseIdleConnections()
}

// readNow is the reading that begin has announced.
func (p *published) readNow(ctx context.Context, end context.CancelFunc) {
	defer end()
	began := time.Now()
	keys, err := p.fetch(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.keys, p.at = keys, began
	case !p.stopped:
		p.log.Warn().Err(err).Str("issuer", p.issuer).Msg("the keys of the issuer of JWTs cannot be read")
	}
	close(p.reading)
	p.reading = nil
}

// fetch asks the issuer where its keys are, and reads them.
func (p *published) fetch(ctx context.Context) ([]key, error) {
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	document, err := p.get(ctx, strings.TrimSuffix(p.issuer, "/")+wellKnown)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(document, &about); err != nil {
		return nil, fmt.Errorf("the issuer's configuration: %w", err)
	}
	if about.Issuer != p.issuer {
		return nil, fmt.Errorf("the issuer calls itself %q", about.Issuer)
	}
	if u, err := url.Parse(about.Keys); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the issuer's jwks_uri is no https URL")
	}
	if document, err = p.get(ctx, about.Keys); err != nil {
		return nil, err
	}
	return parseSet(document)
}

func (p *published) get(ctx context.Context, from string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", from, res.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(document) > maxDocument {
		err = fmt.Errorf("%s has more than %d bytes", from, maxDocument)
	}
	return document, err
}

// keep reads the keys at once, so that no request has to wait for them, and after each
// refresh: a key that the issuer has withdrawn counts no longer then. While they cannot
// be had, it tries after each pause. Nothing reads them when it has returned.
func (p *published) keep(ctx context.Context) {
	defer p.stop()
	for {
		_ = p.read(ctx) // it has been logged
		p.mu.Lock()
		wait := p.refresh
		if p.at.Before(p.tried) {
			wait = p.pause
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
