package hosts

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

func TestAChainOfHostsIsKnownAndEnteredByCertificates(t *testing.T) {
	s := newSite(t, roomy, nil)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca, err := gossh.NewSignerFromKey(key)
	require.NoError(t, err)
	authority := string(gossh.MarshalAuthorizedKey(ca.PublicKey()))
	fleet := hosttest.Start(t, 2, hosttest.WithUserCA(ca.PublicKey()), hosttest.WithHostCertificates(ca, nil))

	mine, err := gossh.ParsePrivateKey(fleet[0].PrivateKeyPEM)
	require.NoError(t, err)
	cert := &gossh.Certificate{
		Key: mine.PublicKey(), CertType: gossh.UserCert, ValidPrincipals: []string{fleet[0].User}, ValidBefore: gossh.CertTimeInfinity,
		Permissions: gossh.Permissions{Extensions: map[string]string{"permit-port-forwarding": ""}},
	}
	require.NoError(t, cert.SignCert(rand.Reader, ca))
	clear, err := json.Marshal(contract.Credential{
		PrivateKey: string(fleet[0].PrivateKeyPEM), Certificate: string(gossh.MarshalAuthorizedKey(cert)),
	})
	require.NoError(t, err)
	seal := func(host string) string {
		sealed, err := s.key.Public().Seal(contract.CredentialContext(host), clear)
		require.NoError(t, err)
		return string(sealed)
	}
	edge, to := s.hop(fleet[0]), s.target(fleet[1])
	edge.Credential, edge.HostKey, edge.HostCA = seal(edge.Host), "", authority
	to.Credential, to.HostKey, to.HostCA, to.Via = seal(to.Host), "", authority, []contract.Hop{edge}

	h := s.dial(to) // no gateway is asked to record a key: there is none here
	require.Equal(t, fleet[1].Home, home(t, h))
	require.NoError(t, h.Close())

	to.Via[0].RevokedKeys = authority
	_, err = s.dialer.Dial(t.Context(), to)
	require.ErrorIs(t, err, ssh.ErrHostKeyRevoked)
	require.ErrorContains(t, err, fleet[0].Name)
}
