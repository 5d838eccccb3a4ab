package inventory

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const maxPassword = 1024 // characters

// readCredential takes a credential from what a client sent and checks that it
// can be used. The zero value stands for the executor's agent.
func readCredential(o *field.Object, errs *field.Errors) contract.Credential {
	var c contract.Credential
	c.PrivateKey, _ = o.Text("private_key")
	c.Passphrase, _ = o.Text("passphrase")
	c.Password, _ = o.Text("password")
	agent, _ := o.Bool("agent")
	o.End()
	switch {
	case agent && c != (contract.Credential{}):
		errs.Add("credential.agent", "cannot be combined with a private key or a password")
	case !agent && c == (contract.Credential{}) && !errs.Has("credential.agent"):
		errs.Add("credential", "needs a private_key, a password, or agent: true")
	case c.Passphrase != "" && c.PrivateKey == "":
		errs.Add("credential.passphrase", "belongs to a private_key, and there is none")
	}
	if c.Password != "" {
		errs.Check("credential.password", rule.Printable(c.Password, 1, maxPassword))
	}
	if c.PrivateKey != "" {
		CheckPrivateKey(o, c)
	}
	return c
}

// CheckPrivateKey notes what is wrong with the private key or the passphrase of
// the object that a credential was read from.
func CheckPrivateKey(o *field.Object, c contract.Credential) {
	if len(c.PrivateKey) > maxTarget {
		o.Check("private_key", "is too large")
		return
	}
	key, err := parsePrivateKey(c)
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		o.Check("passphrase", "is required: the private key is encrypted")
		return
	case err != nil && c.Passphrase != "":
		if _, err := ssh.ParseRawPrivateKey([]byte(c.PrivateKey)); err == nil {
			o.Check("passphrase", "is given, but the private key is not encrypted")
			return
		} else if errors.As(err, &missing) {
			o.Check("passphrase", "does not open the private key")
			return
		}
		fallthrough
	case err != nil:
		o.Check("private_key", "is no private key in PEM (OpenSSH, PKCS#1 or PKCS#8)")
		return
	}
	switch key.(type) {
	case *ed25519.PrivateKey, ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey:
	default:
		o.Check("private_key", "must be of type ed25519, ecdsa or rsa")
	}
}

func parsePrivateKey(c contract.Credential) (any, error) {
	if c.Passphrase == "" {
		return ssh.ParseRawPrivateKey([]byte(c.PrivateKey))
	}
	return ssh.ParseRawPrivateKeyWithPassphrase([]byte(c.PrivateKey), []byte(c.Passphrase))
}

func kindOf(c contract.Credential) Kind {
	switch {
	case c.PrivateKey != "" && c.Password != "":
		return KindBoth
	case c.PrivateKey != "":
		return KindKey
	case c.Password != "":
		return KindPassword
	default:
		return KindAgent
	}
}

// setCredential seals the credential for this server.
func (s *Server) setCredential(c contract.Credential, key seal.PublicKey) error {
	s.CredentialKind, s.Credential = kindOf(c), ""
	if s.CredentialKind == KindAgent {
		return nil
	}
	clear, err := json.Marshal(c) //nolint:gosec // it is sealed in the next line, and goes nowhere else
	if err != nil {
		return fmt.Errorf("encode a credential: %w", err)
	}
	sealed, err := key.Seal(contract.CredentialContext(s.ID), clear)
	if err != nil {
		return err
	}
	s.Credential = string(sealed)
	return nil
}
