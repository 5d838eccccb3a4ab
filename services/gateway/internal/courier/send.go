package courier

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	mediaType   = "application/cloudevents+json; charset=utf-8"
	mediaFormed = "application/json; charset=utf-8"
	userAgent   = "Slipway-Webhooks/1"
	keptAnswer  = 1 << 10  // bytes of an answer that are kept
	readAnswer  = 16 << 10 // that are read, so that the connection can be used again
	idleFor     = 30 * time.Second
	maxHeader   = 64 << 10
	keptSecrets = 4096 // opened ones, in memory
)

// sender posts deliveries.
type sender struct {
	client *http.Client
	keys   seal.Keys

	mu   sync.Mutex
	open map[string][]byte // secrets by what they are sealed to; opening one takes longer than signing
}

func newSender(cfg Config) *sender {
	transport := netguard.New(cfg.Allow).Transport()
	// A connection that is kept leads where it led when it was looked at.
	transport.DisableKeepAlives = false
	transport.MaxIdleConnsPerHost, transport.MaxIdleConns, transport.IdleConnTimeout = cfg.AtOnce, cfg.InFlight, idleFor
	transport.MaxResponseHeaderBytes = maxHeader
	return &sender{
		keys: cfg.Keys, open: map[string][]byte{},
		client: &http.Client{
			Transport: transport, Timeout: cfg.Timeout,
			// Whoever may answer for a receiver is not to choose another.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// post sends a delivery to a webhook once.
func (s *sender) post(ctx context.Context, w webhooks.Webhook, d webhooks.Delivery, now time.Time) answer {
	a := answer{Attempt: webhooks.Attempt{At: now.UTC().Truncate(time.Millisecond)}}
	req, err := s.request(ctx, w, d, now)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	res, err := s.client.Do(req)
	a.Took = time.Since(now)
	if err != nil {
		a.Error = netguard.Explain(ctx, err)
		return a
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, readAnswer))
	a.Took = time.Since(now)
	a.Status, a.Response = res.StatusCode, strings.ToValidUTF8(string(body[:min(len(body), keptAnswer)]), "")
	switch {
	case a.Status >= 300 && a.Status <= 399:
		a.Error = fmt.Sprintf("it answered %d, and redirects are not followed", a.Status)
	case !a.good():
		a.Error = fmt.Sprintf("it answered %d", a.Status)
		a.retryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	}
	return a
}

func (s *sender) request(ctx context.Context, w webhooks.Webhook, d webhooks.Delivery, now time.Time) (*http.Request, error) {
	keys, err := s.signingKeys(w, now)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(d.Body))
	if err != nil {
		return nil, netguard.ErrURL
	}
	req.Header.Set("Content-Type", mediaType)
	if d.Type == webhooks.TypeHeadway {
		req.Header.Set("Content-Type", mediaFormed)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Webhook-Id", d.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	if d.Traceparent != "" {
		req.Header.Set("Traceparent", d.Traceparent)
	}
	if len(keys) > 0 {
		req.Header.Set("Webhook-Signature", signature(keys, d.ID, now, d.Body))
	}
	return req, nil
}

// signingKeys returns what is signed with: the secret, and for a while the one before.
func (s *sender) signingKeys(w webhooks.Webhook, now time.Time) ([][]byte, error) {
	var sealed []string
	if w.Secret != "" {
		sealed = append(sealed, w.Secret)
	}
	if p := w.Previous; p != nil && p.Secret != "" && now.Before(p.Until) {
		sealed = append(sealed, p.Secret)
	}
	var keys [][]byte
	for _, one := range sealed {
		key, err := s.opened(w, one)
		if err != nil {
			return nil, errSecret
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (s *sender) opened(w webhooks.Webhook, sealed string) ([]byte, error) {
	s.mu.Lock()
	key, ok := s.open[sealed]
	s.mu.Unlock()
	if ok {
		return key, nil
	}
	key, err := w.Open(s.keys, sealed)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= keptSecrets {
		clear(s.open)
	}
	s.open[sealed] = key
	return key, nil
}
