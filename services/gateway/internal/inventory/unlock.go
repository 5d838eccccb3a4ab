package inventory

import (
	"context"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// A passphrase is made to be dear to try: what opens a key says itself how many
// rounds that takes, each some milliseconds of a processor that nothing can
// interrupt. So the rounds of one key are bounded, and so is how many are opened
// at the same time, whoever sent them.

const (
	maxRounds    = 128 // ssh-keygen takes 16 or 24 unless told otherwise
	openedAtOnce = 2
)

// opening holds a place for each key that is being opened.
var opening = make(chan struct{}, openedAtOnce)

// openPrivateKey opens the key with its passphrase. It waits for its turn, and fails
// with the context's error where that ends first.
func openPrivateKey(ctx context.Context, c contract.Credential) (any, error) {
	if c.Passphrase == "" {
		return ssh.ParseRawPrivateKey([]byte(c.PrivateKey))
	}
	select {
	case opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-opening }()
	if err := ctx.Err(); err != nil { // it may have got its turn as it ended
		return nil, err
	}
	return ssh.ParseRawPrivateKeyWithPassphrase([]byte(c.PrivateKey), []byte(c.Passphrase))
}

// roundsOf is how many rounds of bcrypt it takes to open a private key of OpenSSH;
// 0: none, or it is no such key.
func roundsOf(privateKey string) uint32 {
	const magic = "openssh-key-v1\x00"
	block, _ := pem.Decode([]byte(privateKey))
	if block == nil || block.Type != "OPENSSH PRIVATE KEY" {
		return 0
	}
	container, ok := strings.CutPrefix(string(block.Bytes), magic)
	if !ok {
		return 0
	}
	var head struct {
		Cipher, KDF, Options string
		Rest                 []byte `ssh:"rest"`
	}
	var options struct {
		Salt   string
		Rounds uint32
	}
	if ssh.Unmarshal([]byte(container), &head) != nil || head.KDF != "bcrypt" || ssh.Unmarshal([]byte(head.Options), &options) != nil {
		return 0
	}
	return options.Rounds
}
