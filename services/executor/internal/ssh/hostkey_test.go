package ssh

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestStoredHostKeyIsAskedForWhateverTheHostPrefers(t *testing.T) {
	h := hosttest.Start(t, 1, hosttest.WithHostKeys(hosttest.RSA, hosttest.ECDSA, hosttest.Ed25519))[0]
	for _, key := range h.HostKeys {
		t.Run(key.Type(), func(t *testing.T) {
			to := target(h)
			to.HostKey = string(gossh.MarshalAuthorizedKey(key))
			require.Equal(t, strings.TrimSpace(to.HostKey), open(t, to, Options{}).HostKey())
		})
	}
}

func TestChangedHostKeyIsRefused(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	stored := h.HostKeys[0]
	to := target(h)
	open(t, to, Options{})

	h.ReplaceHostKey()
	to.FirstContact = true // matters only if no key is stored
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostKeyChanged)
	require.EqualError(t, err, "host key changed: stored is "+gossh.FingerprintSHA256(stored)+
		" (ssh-ed25519), the host offers "+gossh.FingerprintSHA256(h.HostKeys[0])+" (ssh-ed25519)")
	require.False(t, IsTransient(err))
}

func TestChangedTypeOfHostKeyIsAChangeToo(t *testing.T) {
	h := hosttest.Start(t, 1, hosttest.WithHostKeys(hosttest.ECDSA))[0]
	stored := newSigner(t).PublicKey()
	to := target(h)
	to.HostKey = string(gossh.MarshalAuthorizedKey(stored))
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostKeyChanged)
	require.ErrorContains(t, err, gossh.FingerprintSHA256(stored))
	require.ErrorContains(t, err, gossh.FingerprintSHA256(h.HostKeys[0]))
}

func TestUnknownHostKeyNeedsADeclaredFirstContact(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	to := target(h)
	to.HostKey = "\n# nothing is stored yet\n"
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostKeyUnknown)
	require.ErrorContains(t, err, gossh.FingerprintSHA256(h.HostKeys[0]))
	require.False(t, IsTransient(err))

	to.FirstContact = true
	client := open(t, to, Options{})
	require.Equal(t, h.HostKey, client.HostKey())

	to.FirstContact, to.HostKey = false, client.HostKey()
	open(t, to, Options{})
}

func TestHostKeyKeepsItsIdentityWithinAConnection(t *testing.T) {
	check, err := newHostKeyCheck(Target{FirstContact: true})
	require.NoError(t, err)
	first := newSigner(t).PublicKey()
	require.NoError(t, check.verify("", nil, first))
	require.NoError(t, check.verify("", nil, first), "keys are exchanged anew")
	require.ErrorIs(t, check.verify("", nil, newSigner(t).PublicKey()), ErrHostKeyChanged)
}

func TestHostKeyLines(t *testing.T) {
	line := strings.TrimSpace(string(gossh.MarshalAuthorizedKey(newSigner(t).PublicKey())))
	for name, test := range map[string]struct {
		text   string
		keys   int
		reason string
	}{
		"nothing":                {"", 0, ""},
		"authorized_keys":        {line, 1, ""},
		"with a comment":         {line + " root@web1\n", 1, ""},
		"known_hosts":            {"[web1]:2222,10.0.0.1 " + line + "\r\n", 1, ""},
		"known_hosts, hashed":    {"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + line, 1, ""},
		"several with a comment": {"# two of them\n" + line + "\n\n" + line + "\n", 2, ""},
		"a revoked key":          {"\n@revoked * " + line, 0, "unusable key: stored host key, line 2: markers are not supported"},
		"garbage":                {line + "\nssh-ed25519 AAAA", 0, "unusable key: stored host key, line 2: not a public key"},
	} {
		t.Run(name, func(t *testing.T) {
			check, err := newHostKeyCheck(Target{HostKey: test.text})
			if test.reason != "" {
				require.ErrorIs(t, err, ErrBadKey)
				require.EqualError(t, err, test.reason)
				return
			}
			require.NoError(t, err)
			require.Len(t, check.expected, test.keys)
		})
	}
}
