package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/rs/zerolog"
)

// Files are what a listener shows, and whom it lets in (PEM).
type Files struct {
	Cert     string // with those between it and its authority
	Key      string
	ClientCA string // authorities of which every client must show a certificate; empty: none need one
}

// Certificates is what the files hold. As long as that does not fit together, which it
// does not while they are being replaced, what was read before counts.
type Certificates struct {
	files Files
	log   zerolog.Logger

	mu   sync.Mutex
	seen []state // of the files, when they were read last
	good *tls.Config
}

// state tells one content of a file from another.
type state struct {
	info fs.FileInfo
	err  error
}

func (s state) same(other state) bool {
	if s.err != nil || other.err != nil {
		return s.err != nil && other.err != nil
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}

// Open reads the files.
func Open(files Files, log zerolog.Logger) (*Certificates, error) {
	c := &Certificates{files: files, log: log, seen: files.states()}
	var err error
	c.good, err = files.Read()
	return c, err
}

// Config is what a server is given.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil },
	}
}

func (c *Certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.files.states()
	if slices.EqualFunc(now, c.seen, state.same) {
		return c.good
	}
	c.seen = now
	fresh, err := c.files.Read()
	if err != nil {
		c.log.Error().Err(err).Msg("the certificate was changed to what cannot be used; the one before is shown")
		return c.good
	}
	c.good = fresh
	c.log.Info().Time("until", fresh.Certificates[0].Leaf.NotAfter).Msg("the certificate was read again")
	return c.good
}

func (f Files) states() (all []state) {
	for _, path := range []string{f.Cert, f.Key, f.ClientCA} {
		if path != "" {
			info, err := os.Stat(path)
			all = append(all, state{info, err})
		}
	}
	return all
}

// Read returns what a connection goes by.
func (f Files) Read() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if f.ClientCA == "" {
		return cfg, nil
	}
	data, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("authorities of clients: %w", err)
	}
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("authorities of clients: %s %w", f.ClientCA, ErrNone)
	}
	return cfg, nil
}
