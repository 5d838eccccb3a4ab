package inventory

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// encrypted is a private key as ssh-keygen -a writes it, that nothing opens.
func encrypted(rounds uint32) contract.Credential {
	options := ssh.Marshal(struct {
		Salt   string
		Rounds uint32
	}{"0123456789abcdef", rounds})
	public := ssh.Marshal(struct{ Type, Key string }{ssh.KeyAlgoED25519, string(make([]byte, ed25519.PublicKeySize))})
	container := ssh.Marshal(struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public, Private      []byte
	}{"aes256-ctr", "bcrypt", string(options), 1, public, make([]byte, 64)})
	block := &pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: append([]byte("openssh-key-v1\x00"), container...)}
	return contract.Credential{PrivateKey: string(pem.EncodeToMemory(block)), Passphrase: "any"}
}

// checked is what CheckPrivateKey says of the key.
func checked(ctx context.Context, t *testing.T, c contract.Credential) field.Errors {
	t.Helper()
	var errs field.Errors
	o, err := field.Parse([]byte("{}"), &errs)
	require.NoError(t, err)
	CheckPrivateKey(ctx, o, c)
	return errs
}

func TestAKeyOfTooManyRoundsIsNotTried(t *testing.T) {
	for range openedAtOnce { // so that it would wait if it were tried
		opening <- struct{}{}
		defer func() { <-opening }()
	}
	for _, rounds := range []uint32{maxRounds + 1, 2048, 1<<32 - 1} {
		errs := checked(t.Context(), t, encrypted(rounds))
		require.Len(t, errs, 1)
		require.Equal(t, "private_key", errs[0].Field)
		require.Contains(t, errs[0].Message, fmt.Sprintf("at most %d", maxRounds))
	}
}

func TestAKeyOfFewRoundsIsTried(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open"))
	require.NoError(t, err)
	c := contract.Credential{PrivateKey: string(pem.EncodeToMemory(block)), Passphrase: "open"}
	require.Empty(t, checked(t.Context(), t, c))
	c.Passphrase = "another"
	require.Equal(t, "does not open the private key", checked(t.Context(), t, c)[0].Message)
}

func TestWhoGoesAwayDoesNotWaitForTheirKey(t *testing.T) {
	for range openedAtOnce {
		opening <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	require.Empty(t, checked(ctx, t, encrypted(1)), "nobody has looked at it")
	for range openedAtOnce {
		<-opening
	}
	require.NotEmpty(t, checked(t.Context(), t, encrypted(1)), "the next has its turn")
	require.Empty(t, checked(ctx, t, encrypted(1)))
}
