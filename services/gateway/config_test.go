package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// freePort returns an address on which nothing listens.
func listen(t testing.TB) net.Listener {
	t.Helper()
	var cfg net.ListenConfig
	l, err := cfg.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func TestTheDefaultsAreValid(t *testing.T) {
	var cfg gateway.Config
	require.NoError(t, config.Load(&cfg, "slipway-gateway", nil, nil))
	require.Equal(t, "127.0.0.1:8080", cfg.Listen)
	require.Equal(t, 2*config.GiB, cfg.Limits.MaxPackage)
	_, err := gateway.New(cfg, zerolog.Nop())
	require.ErrorContains(t, err, "seal_public_key")
	require.ErrorContains(t, err, "keygen")
}

func TestEveryMistakeInTheConfigurationIsNamed(t *testing.T) {
	var cfg gateway.Config
	err := config.Load(&cfg, "slipway-gateway", []string{
		"--listen=0.0.0.0:8080", "--tls-key=x", "--limits-max-package=0", "--limits-max-json=1", "--fetch-allow=10.0.0.0/8,x",
		"--fetch-timeout=0s", "--timeouts-broker=-1s", "--deployments-when-busy=panic",
	}, nil)
	for _, flag := range []string{
		"--listen", "--tls-cert", "--limits-max-package", "--limits-max-json", "--fetch-allow", "--fetch-timeout", "--timeouts-broker",
		"--deployments-when-busy",
	} {
		require.ErrorContains(t, err, flag)
	}
}

func TestBeyondLoopbackTLSIsNeeded(t *testing.T) {
	for listen, fine := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:1": true, "localhost:1": true, "127.8.8.8:1": true,
		":8080": false, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false, "example.com:1": false, "nonsense": false,
	} {
		cfg := gateway.Config{}
		config.Defaults(&cfg)
		cfg.Listen = listen
		require.Equal(t, fine, len(cfg.Validate()) == 0, listen)
		cfg.InsecureBehindProxy = true
		require.Equal(t, listen != "nonsense", len(cfg.Validate()) == 0, listen)
		cfg.InsecureBehindProxy, cfg.TLS = false, gateway.TLSConfig{Cert: "c", Key: "k"}
		require.Equal(t, listen != "nonsense", len(cfg.Validate()) == 0, listen)
	}
}

func TestThePublicKeyMayStandInAFile(t *testing.T) {
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "seal.pub")
	require.NoError(t, os.WriteFile(file, []byte(key.Public().String()+"\n"), 0o600))
	cfg := gateway.Config{}
	config.Defaults(&cfg)
	for text, fine := range map[string]bool{
		file: true, key.Public().String(): true, file + "x": false, key.Reveal(): false, "slipway-seal-public-x": false,
	} {
		cfg.SealPublicKey = text
		_, err := gateway.New(cfg, zerolog.Nop())
		require.Equal(t, fine, err == nil, text)
		if err != nil {
			require.NotContains(t, err.Error(), key.Reveal())
		}
	}
}

func TestATakenPortSaysWhatToDo(t *testing.T) {
	f := prepare(t)
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	f.broker.Stop() // the port is found first
	f.cfg.Listen = l.Addr().String()
	service, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	err = service.Run(t.Context(), func() {})
	require.ErrorIs(t, err, gateway.ErrAddress)
	require.ErrorContains(t, err, l.Addr().String())
	require.ErrorContains(t, err, "set listen")

	f.cfg.Listen = "127.0.0.1:99999"
	service, err = gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	require.ErrorIs(t, service.Run(t.Context(), func() {}), gateway.ErrAddress)
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t testing.TB) (cfg gateway.TLSConfig, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	cfg = gateway.TLSConfig{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(cfg.Cert, cert, 0o600))
	require.NoError(t, os.WriteFile(cfg.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	pool = x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(cert))
	return cfg, pool
}

func TestTheAPISpeaksTLS(t *testing.T) {
	cert, pool := certificate(t)
	f := start(t, func(c *gateway.Config) { c.TLS.Cert, c.TLS.Key = cert.Cert, cert.Key })
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := held(t, transport)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https"+f.url[len("http"):]+"/healthz", nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, 2, res.ProtoMajor)

	f.cfg.TLS.Key = f.cfg.TLS.Cert
	_, err = gateway.New(f.cfg, zerolog.Nop())
	require.ErrorContains(t, err, "tls")
}
