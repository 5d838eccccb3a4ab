package ssh

import (
	"testing"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestAnOldHostIsReachedByExplicitChoiceAlone(t *testing.T) {
	for name, test := range map[string]struct {
		settings []string
		legacy   []string
		what     string
	}{
		"key exchange": {[]string{"KexAlgorithms diffie-hellman-group14-sha1"}, []string{"diffie-hellman-group14-sha1"}, "none for key exchange but what is weak"},
		"cipher":       {[]string{"Ciphers aes128-cbc,3des-cbc"}, []string{"aes128-cbc"}, "aes128-cbc, 3des-cbc"},
		"mac":          {[]string{"MACs hmac-sha1-96", "Ciphers aes128-ctr"}, []string{"hmac-sha1-96"}, "hmac-sha1-96"},
		"host key":     {[]string{"HostKeyAlgorithms ssh-rsa"}, []string{"ssh-rsa"}, "none for host key but what is weak"},
		"several": {[]string{"KexAlgorithms diffie-hellman-group1-sha1", "Ciphers 3des-cbc", "HostKeyAlgorithms ssh-rsa"},
			[]string{"diffie-hellman-group1-sha1", "3des-cbc", "ssh-rsa"}, "diffie-hellman-group1-sha1"},
	} {
		t.Run(name, func(t *testing.T) {
			expectNoLeaks(t)
			h := hosttest.Start(t, 1, hosttest.WithSettings(test.settings...), hosttest.WithHostKeys(hosttest.RSA))[0]
			to := target(h)
			_, err := Dial(t.Context(), to, Options{})
			require.ErrorIs(t, err, ErrIncompatible)
			require.ErrorContains(t, err, test.what)
			require.False(t, IsTransient(err))

			to.LegacyAlgorithms = test.legacy
			open(t, to, Options{})
		})
	}
}

func TestAnRSAKeySignsWithSHA1ByExplicitChoiceAlone(t *testing.T) {
	h := hosttest.Start(t, 1, hosttest.WithSettings("PubkeyAcceptedAlgorithms ssh-rsa"), hosttest.WithKey(hosttest.RSA))[0]
	to := target(h)
	for _, auth := range []Auth{to.Auth, {AgentSocket: serveAgent(t, h.PrivateKeyPEM)}} {
		to.Auth, to.LegacyAlgorithms = auth, nil
		_, err := Dial(t.Context(), to, Options{})
		require.ErrorIs(t, err, ErrAuth)
		to.LegacyAlgorithms = []string{"ssh-rsa"}
		open(t, to, Options{})
	}
}

func TestNothingWeakIsAgreedOnUnlessItIsNamed(t *testing.T) {
	s, err := newSuite(nil)
	require.NoError(t, err)
	weak := gossh.InsecureAlgorithms()
	for _, offered := range [][]string{s.Ciphers, s.KeyExchanges, s.MACs, s.hostKeys, (&hostKeyCheck{}).algorithms()} {
		for _, name := range append(append(append(weak.Ciphers, weak.KeyExchanges...), weak.MACs...), weak.HostKeys...) {
			require.NotContains(t, offered, name)
		}
	}
	_, err = Dial(t.Context(), Target{LegacyAlgorithms: []string{"none"}}, Options{})
	require.EqualError(t, err, `no common SSH protocol: there is no legacy algorithm "none"`)
}

func TestTheKeyExchangeIsWhatIsSafestAndThenWhatCostsAHostLeast(t *testing.T) {
	s, err := newSuite(nil)
	require.NoError(t, err)
	require.Equal(t, []string{gossh.KeyExchangeMLKEM768X25519, gossh.KeyExchangeECDHP256, gossh.KeyExchangeCurve25519}, s.KeyExchanges[:3])
	require.ElementsMatch(t, gossh.SupportedAlgorithms().KeyExchanges, s.KeyExchanges)
}

func TestABetterAlgorithmGoesFirst(t *testing.T) {
	s, err := newSuite([]string{"aes128-cbc", "diffie-hellman-group1-sha1"})
	require.NoError(t, err)
	require.Equal(t, "aes128-cbc", s.Ciphers[len(s.Ciphers)-1])
	require.Equal(t, "diffie-hellman-group1-sha1", s.KeyExchanges[len(s.KeyExchanges)-1])
}
