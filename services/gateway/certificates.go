package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

var errNoCertificate = errors.New("holds no certificate (PEM)")

// certificates is what the API shows, and whose clients it lets in. The files are looked
// at with each connection and read again when one of them was changed; as long as what
// they hold does not fit together, which it does not while they are being replaced, what
// was read before counts.
type certificates struct {
	cfg TLSConfig
	log zerolog.Logger

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

// openCertificates reads the files.
func openCertificates(cfg TLSConfig, log zerolog.Logger) (*certificates, error) {
	c := &certificates{cfg: cfg, log: log, seen: cfg.states()}
	var err error
	c.good, err = cfg.read()
	return c, err
}

// config is what a server is given.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil },
	}
}

func (c *certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.states()
	if slices.EqualFunc(now, c.seen, state.same) {
		return c.good
	}
	c.seen = now
	fresh, err := c.cfg.read()
	if err != nil {
		c.log.Error().Err(err).Msg("the certificate was changed to what cannot be used; the one before is shown")
		return c.good
	}
	c.good = fresh
	c.log.Info().Time("until", fresh.Certificates[0].Leaf.NotAfter).Msg("the certificate was read again")
	return c.good
}

func (c TLSConfig) states() (all []state) {
	for _, path := range []string{c.Cert, c.Key, c.ClientCA} {
		if path != "" {
			info, err := os.Stat(path)
			all = append(all, state{info, err})
		}
	}
	return all
}

// read returns what a connection goes by.
func (c TLSConfig) read() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if c.ClientCA == "" {
		return cfg, nil
	}
	data, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca: %w", err)
	}
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("tls.client_ca: %s %w", c.ClientCA, errNoCertificate)
	}
	return cfg, nil
}

// check reads what is given.
func (c TLSConfig) check() error {
	if c.Cert == "" || c.Key == "" {
		return nil
	}
	_, err := c.read()
	return err
}

// maxHSTS is what lists of browsers take at most.
const maxHSTS = 2 * 365 * 24 * time.Hour
