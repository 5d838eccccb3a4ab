package observe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// certify puts a certificate for loopback in the place of the one that the files hold, as who
// renews it does, and returns who trusts it.
func certify(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, data := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		require.NoError(t, os.WriteFile(path+".new", data, 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return pool
}

func TestACertificateOfOperatorsThatWasReplacedIsShownWithoutARestart(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	first := certify(t, cert, key)
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key}, io.Discard)
	alive := func(trusted *x509.CertPool) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.process.Addr()+"/healthz", nil)
		require.NoError(t, err)
		res, err := client.Do(req)
		if err == nil {
			require.NoError(t, res.Body.Close())
			require.Equal(t, 200, res.StatusCode)
		}
		return err
	}
	require.NoError(t, alive(first))
	next := certify(t, cert, key)
	require.NoError(t, alive(next))
	require.Error(t, alive(first))
	require.NoError(t, os.Remove(key))
	require.NoError(t, alive(next), "what was read before counts")
}
