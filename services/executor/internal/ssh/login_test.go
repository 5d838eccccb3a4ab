package ssh

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestEachTypeOfPrivateKeyLogsIn(t *testing.T) {
	for _, kind := range []hosttest.KeyType{hosttest.Ed25519, hosttest.ECDSA, hosttest.RSA} {
		t.Run(string(kind), func(t *testing.T) {
			expectNoLeaks(t)
			h := hosttest.Start(t, 1, hosttest.WithKey(kind))[0]
			require.Equal(t, h.Home, stdout(t, open(t, target(h), Options{}), `cd "$HOME" && pwd`))
		})
	}
}

func TestEncryptedPrivateKey(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	raw, err := gossh.ParseRawPrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	block, err := gossh.MarshalPrivateKeyWithPassphrase(raw.(crypto.PrivateKey), "", []byte("pass phrase"))
	require.NoError(t, err)
	to := target(h)
	to.Auth = Auth{PrivateKey: pem.EncodeToMemory(block), Passphrase: "pass phrase"}
	open(t, to, Options{})

	for passphrase, reason := range map[string]string{
		"":      "unusable key: the private key is encrypted and there is no passphrase",
		"wrong": "unusable key: the passphrase does not open the private key",
	} {
		to.Auth.Passphrase = passphrase
		_, err := Dial(t.Context(), to, Options{})
		require.ErrorIs(t, err, ErrBadKey)
		require.EqualError(t, err, reason)
	}
}

func TestPassphraseOfAPlainKeyIsIgnored(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	to := target(h)
	to.Auth.Passphrase = "not needed"
	open(t, to, Options{})
}

func TestGarbledPrivateKeyIsNotQuoted(t *testing.T) {
	_, err := Dial(t.Context(), Target{Auth: Auth{PrivateKey: []byte("-----BEGIN secret-----")}}, Options{})
	require.EqualError(t, err, "unusable key: not a private key in a known format")
	require.ErrorIs(t, err, ErrBadKey)
}

func TestWrongPrivateKeyIsRefused(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	to := target(h)
	to.Auth.PrivateKey = newPEM(t)
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrAuth)
	require.EqualError(t, err, "authentication refused: tried private key; the host admits publickey")
	require.False(t, IsTransient(err))
}

func TestPassword(t *testing.T) {
	h := hosttest.Start(t, 1, hosttest.WithPassword())[0]
	to := target(h)
	to.Auth = Auth{Password: h.Password}
	open(t, to, Options{})

	to.Auth = Auth{PrivateKey: newPEM(t), Password: h.Password}
	open(t, to, Options{})

	to.Auth = Auth{Password: "guess-4711"}
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrAuth)
	require.EqualError(t, err, "authentication refused: tried password; the host admits publickey, password")
}

func TestAHostWithoutPasswordsSaysSo(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	to := target(h)
	to.Auth = Auth{Password: "guess-4711"}
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrAuth)
	require.EqualError(t, err, "authentication refused: the host admits publickey")
}

func TestPasswordAnswersOneHiddenQuestionAndNoOther(t *testing.T) {
	for name, test := range map[string]struct {
		questions []string
		echo      bool
		admitted  bool
	}{
		"a password":               {questions: []string{"Password: "}, admitted: true},
		"an expired password":      {questions: []string{"Password: ", "New password: "}},
		"a question that is shown": {questions: []string{"One-time code: "}, echo: true},
	} {
		t.Run(name, func(t *testing.T) {
			to := serveSSH(t, &gossh.ServerConfig{
				KeyboardInteractiveCallback: func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
					for _, question := range test.questions {
						answers, err := ask("", "", []string{question}, []bool{test.echo})
						if err != nil {
							return nil, err
						}
						if len(answers) != 1 || answers[0] != "secret" {
							return nil, errors.New("no password")
						}
					}
					return nil, nil
				},
			}, func(c gossh.NewChannel) { _ = c.Reject(gossh.Prohibited, "") })
			client, err := Dial(t.Context(), to, Options{})
			if !test.admitted {
				require.ErrorIs(t, err, ErrAuth)
				return
			}
			require.NoError(t, err)
			require.NoError(t, client.Close())
		})
	}
}

func TestAgentLogsInWithEachTypeOfKey(t *testing.T) {
	for _, kind := range []hosttest.KeyType{hosttest.Ed25519, hosttest.ECDSA, hosttest.RSA} {
		t.Run(string(kind), func(t *testing.T) {
			expectNoLeaks(t)
			h := hosttest.Start(t, 1, hosttest.WithKey(kind))[0]
			to := target(h)
			to.Auth = Auth{AgentSocket: serveAgent(t, h.PrivateKeyPEM)}
			open(t, to, Options{})
		})
	}
}

func TestCredentialsAreTriedInOrderAndTheAgentLast(t *testing.T) {
	h := hosttest.Start(t, 1, hosttest.WithPassword())[0]
	to := target(h)
	to.Auth = Auth{PrivateKey: newPEM(t), Password: "guess-4711", AgentSocket: serveAgent(t, h.PrivateKeyPEM)}
	open(t, to, Options{})

	to.Auth.AgentSocket = serveAgent(t, newPEM(t))
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrAuth)
	require.EqualError(t, err, "authentication refused: tried private key, password, agent; the host admits publickey, password")
}

func TestAgentThatIsOfNoUse(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	manyWrong := make([][]byte, 10) // OpenSSH hangs up at the sixth
	for i := range manyWrong {
		manyWrong[i] = newPEM(t)
	}
	for socket, reason := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "authentication refused: the agent's socket does not answer; tried agent; the host admits publickey",
		serveAgent(t):                      "authentication refused: the agent holds no keys; tried agent; the host admits publickey",
		serveAgent(t, manyWrong...):        "authentication refused: the host ended the login",
	} {
		to := target(h)
		to.Auth = Auth{AgentSocket: socket}
		_, err := Dial(t.Context(), to, Options{})
		require.ErrorIs(t, err, ErrAuth)
		require.EqualError(t, err, reason)
	}
}

func TestNoCredentialsAtAll(t *testing.T) {
	_, err := Dial(t.Context(), Target{}, Options{})
	require.ErrorIs(t, err, ErrAuth)
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	to := Target{Address: "web1", Auth: Auth{PrivateKey: []byte("SECRET"), Passphrase: "SECRET", Password: "SECRET"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, to), "SECRET")
		require.NotContains(t, fmt.Sprintf(verb, &to.Auth), "534543524554", "the same in hexadecimal")
	}
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

func newSigner(t *testing.T) gossh.Signer {
	t.Helper()
	signer, err := gossh.NewSignerFromKey(newKey(t))
	require.NoError(t, err)
	return signer
}

func newPEM(t *testing.T) []byte {
	t.Helper()
	block, err := gossh.MarshalPrivateKey(newKey(t), "")
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

// serveAgent runs an ssh-agent that holds the keys and returns its socket.
func serveAgent(t *testing.T, keys ...[]byte) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, key := range keys {
		raw, err := gossh.ParseRawPrivateKey(key)
		require.NoError(t, err)
		require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: raw}))
	}
	return serveKeyring(t, ring)
}

func serveKeyring(t *testing.T, ring agent.Agent) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	accept(t, "unix", socket, func(conn net.Conn) { _ = agent.ServeAgent(ring, conn) })
	return socket
}
