package ssh

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// lines are keys as they are stored.
func lines(keys ...gossh.PublicKey) string {
	var text strings.Builder
	for _, key := range keys {
		text.Write(gossh.MarshalAuthorizedKey(key))
	}
	return text.String()
}

// certify returns a certificate for the user, for an hour around now, after change.
func certify(t *testing.T, authority gossh.Signer, h *hosttest.Host, change func(*gossh.Certificate)) *gossh.Certificate {
	t.Helper()
	key, err := gossh.ParsePrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	cert := &gossh.Certificate{
		Key: key.PublicKey(), CertType: gossh.UserCert, ValidPrincipals: []string{h.User},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if change != nil {
		change(cert)
	}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	return cert
}

func TestACertificateLogsInWhereTheKeyAloneDoesNot(t *testing.T) {
	for _, kind := range []hosttest.KeyType{hosttest.Ed25519, hosttest.ECDSA, hosttest.RSA} {
		t.Run(string(kind), func(t *testing.T) {
			expectNoLeaks(t)
			ca := newSigner(t)
			h := hosttest.Start(t, 1, hosttest.WithUserCA(ca.PublicKey()), hosttest.WithKey(kind))[0]
			to := target(h)
			_, err := Dial(t.Context(), to, Options{})
			require.EqualError(t, err, "authentication refused: tried private key; the host admits publickey")

			cert := certify(t, ca, h, nil)
			to.Auth.Certificate = gossh.MarshalAuthorizedKey(cert)
			open(t, to, Options{})

			to.Auth = Auth{AgentSocket: serveCertificate(t, h, cert)}
			open(t, to, Options{})
		})
	}
}

// serveCertificate runs an ssh-agent that holds the host's key with this certificate.
func serveCertificate(t *testing.T, h *hosttest.Host, cert *gossh.Certificate) string {
	t.Helper()
	raw, err := gossh.ParseRawPrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: raw, Certificate: cert}))
	return serveKeyring(t, ring)
}

func TestACertificateThatDoesNotDoSaysWhy(t *testing.T) {
	ca := newSigner(t)
	h := hosttest.Start(t, 1, hosttest.WithUserCA(ca.PublicKey()))[0]
	to := target(h)
	for name, test := range map[string]struct {
		change func(*gossh.Certificate)
		reason string
	}{
		"expired":     {func(c *gossh.Certificate) { c.ValidBefore = 1700000000 }, "authentication refused: the certificate expired at 2023-11-14 22:13 UTC; tried private key"},
		"too early":   {func(c *gossh.Certificate) { c.ValidAfter = 1 << 62 }, "authentication refused: the certificate is not valid before 9999-12-31 23:59 UTC; tried private key"},
		"other user":  {func(c *gossh.Certificate) { c.ValidPrincipals = []string{"somebody-else"} }, "authentication refused: tried certificate and private key"},
		"for a host":  {func(c *gossh.Certificate) { c.CertType = gossh.HostCert }, "unusable key: not a certificate for a user"},
		"another key": {func(c *gossh.Certificate) { c.Key = newSigner(t).PublicKey() }, "unusable key: the certificate belongs to another private key"},
	} {
		t.Run(name, func(t *testing.T) {
			to.Auth.Certificate = gossh.MarshalAuthorizedKey(certify(t, ca, h, test.change))
			_, err := Dial(t.Context(), to, Options{})
			require.ErrorContains(t, err, test.reason)
		})
	}
	to.Auth.Certificate = []byte("nonsense")
	_, err := Dial(t.Context(), to, Options{})
	require.EqualError(t, err, "unusable key: not a certificate for a user")
}

func TestAHostIsKnownByTheCertificateOfAnAuthority(t *testing.T) {
	for _, kind := range []hosttest.KeyType{hosttest.Ed25519, hosttest.ECDSA, hosttest.RSA} {
		t.Run(string(kind), func(t *testing.T) {
			expectNoLeaks(t)
			ca := newSigner(t)
			h := hosttest.Start(t, 1, hosttest.WithHostKeys(kind), hosttest.WithHostCertificates(ca, nil))[0]
			to := target(h)
			to.HostKey, to.HostCA = "", lines(newSigner(t).PublicKey(), ca.PublicKey())
			require.Equal(t, h.HostKey, open(t, to, Options{}).HostKey(), "its key, without the certificate")

			h.ReplaceHostKey()
			open(t, to, Options{})

			to.HostKey, to.HostCA = lines(h.HostKeys...), ""
			open(t, to, Options{}) // as ever
		})
	}
}

func TestAHostCertificateThatDoesNotDo(t *testing.T) {
	ca := newSigner(t)
	for name, test := range map[string]struct {
		change func(*gossh.Certificate)
		reason string
	}{
		"expired":         {func(c *gossh.Certificate) { c.ValidBefore = 1700000000 }, "it expired at 2023-11-14 22:13 UTC"},
		"not yet valid":   {func(c *gossh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) }, "it is not valid before"},
		"another host's":  {func(c *gossh.Certificate) { c.ValidPrincipals = []string{"other.example.com"} }, "it is not for 127.0."},
		"nobody's":        {func(c *gossh.Certificate) { c.ValidPrincipals = nil }, "it is not for 127.0."},
		"bound to a word": {func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"x": "y"} }, "option that is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			expectNoLeaks(t)
			h := hosttest.Start(t, 1, hosttest.WithHostCertificates(ca, test.change))[0]
			to := target(h)
			to.HostKey, to.HostCA, to.FirstContact = "", lines(ca.PublicKey()), true
			_, err := Dial(t.Context(), to, Options{})
			require.ErrorIs(t, err, ErrHostCertificate)
			require.ErrorContains(t, err, test.reason)
			require.False(t, IsTransient(err))

			to.HostKey = h.HostKey
			open(t, to, Options{}) // its key is trusted for itself
		})
	}
}

func TestAForgedOrForeignHostCertificateIsRefused(t *testing.T) {
	ca := newSigner(t)
	h := hosttest.Start(t, 1, hosttest.WithHostCertificates(newSigner(t), nil))[0]
	to := target(h)
	to.HostKey, to.HostCA = "", lines(ca.PublicKey())
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostCertificate)
	require.ErrorContains(t, err, "is no stored authority")

	cert := certify(t, ca, h, func(c *gossh.Certificate) { c.CertType, c.ValidPrincipals = gossh.HostCert, []string{h.Addr} })
	require.NoError(t, checkHostCertificate(cert, []gossh.PublicKey{ca.PublicKey()}, h.Addr))
	cert.Serial++
	require.ErrorContains(t, checkHostCertificate(cert, []gossh.PublicKey{ca.PublicKey()}, h.Addr), "signature is wrong")
	cert.CertType = gossh.UserCert
	require.ErrorContains(t, checkHostCertificate(cert, []gossh.PublicKey{ca.PublicKey()}, h.Addr), "one for users")
}

func TestWithAnAuthorityNoFirstContactIsTaken(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	to := target(h)
	to.HostKey, to.HostCA, to.FirstContact = "", lines(newSigner(t).PublicKey()), true
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostCertificate)
	require.ErrorContains(t, err, "the host shows none, only SHA256:")
}

func TestRevokedKeysAreRefusedWhateverElseIsSaid(t *testing.T) {
	ca := newSigner(t)
	h := hosttest.Start(t, 1, hosttest.WithHostCertificates(ca, nil))[0]
	for name, test := range map[string]struct {
		to     Target
		reason string
	}{
		"a stored key":  {Target{HostKey: h.HostKey, RevokedKeys: h.HostKey}, "host key revoked: it is SHA256:"},
		"a first key":   {Target{FirstContact: true, RevokedKeys: h.HostKey}, "host key revoked: it is SHA256:"},
		"a certified":   {Target{HostCA: lines(ca.PublicKey()), RevokedKeys: h.HostKey}, "host key revoked: it is SHA256:"},
		"the authority": {Target{HostCA: lines(ca.PublicKey()), RevokedKeys: lines(ca.PublicKey())}, "host key revoked: the authority behind it is SHA256:"},
	} {
		t.Run(name, func(t *testing.T) {
			to := target(h)
			to.HostKey, to.HostCA, to.RevokedKeys, to.FirstContact = test.to.HostKey, test.to.HostCA, test.to.RevokedKeys, test.to.FirstContact
			_, err := Dial(t.Context(), to, Options{})
			require.ErrorIs(t, err, ErrHostKeyRevoked)
			require.ErrorContains(t, err, test.reason)
		})
	}
	to := target(h)
	to.RevokedKeys = lines(newSigner(t).PublicKey())
	open(t, to, Options{})
	to.HostCA = "nonsense"
	_, err := Dial(t.Context(), to, Options{})
	require.EqualError(t, err, "unusable key: stored authority, line 1: not a public key")
}
