package inventory

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const maxPassword = 1024 // characters

// readCredential takes a credential from what a client sent and checks that it
// can be used, its key as CheckPrivateKey does. The zero value stands for the
// executor's agent.
func readCredential(ctx context.Context, parent, o *field.Object) contract.Credential {
	var c contract.Credential
	c.PrivateKey, _ = o.Text("private_key")
	c.Passphrase, _ = o.Text("passphrase")
	c.Certificate, _ = o.Text("certificate")
	c.Password, _ = o.Text("password")
	agent, _ := o.Bool("agent")
	o.End()
	switch {
	case agent && c != (contract.Credential{}):
		o.Check("agent", "cannot be combined with a private key or a password")
	case !agent && c == (contract.Credential{}) && !o.Has("agent"):
		parent.Check("credential", "needs a private_key, a password, or agent: true")
	case c.Passphrase != "" && c.PrivateKey == "":
		o.Check("passphrase", "belongs to a private_key, and there is none")
	case c.Certificate != "" && c.PrivateKey == "":
		o.Check("certificate", "belongs to a private_key, and there is none")
	}
	if c.Password != "" {
		o.Check("password", rule.Printable(c.Password, 1, maxPassword))
	}
	if c.PrivateKey != "" {
		CheckPrivateKey(ctx, o, c)
	}
	return c
}

// CheckPrivateKey notes what is wrong with the private key or the passphrase of
// the object that a credential was read from. Where ctx ends before the key was
// opened, nothing is noted: who called looks at ctx.
func CheckPrivateKey(ctx context.Context, o *field.Object, c contract.Credential) {
	if len(c.PrivateKey) > maxTarget {
		o.Check("private_key", "is too large")
		return
	}
	if rounds := roundsOf(c.PrivateKey); rounds > maxRounds {
		o.Check("private_key", fmt.Sprintf("is encrypted with %d rounds of bcrypt, and may be with at most %d: ssh-keygen -p -a %d changes that", rounds, maxRounds, maxRounds))
		return
	}
	key, err := openPrivateKey(ctx, c)
	var missing *ssh.PassphraseMissingError
	switch {
	case ctx.Err() != nil:
		return
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
		return
	}
	if c.Certificate != "" {
		o.Check("certificate", checkCertificate(c.Certificate, key))
	}
}

// checkCertificate says what is wrong with the certificate of a private key, or "".
func checkCertificate(text string, key any) string {
	cert := parseCertificate(text)
	switch {
	case len(text) > maxTarget:
		return "is too large"
	case cert == nil:
		return "is no certificate; write it as it stands in id_*-cert.pub"
	case cert.CertType != ssh.UserCert:
		return "is a certificate for hosts, not for users"
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil || !bytes.Equal(signer.PublicKey().Marshal(), cert.Key.Marshal()) {
		return "belongs to another private key"
	}
	if ends := expiry(cert); ends != nil && !time.Now().Before(*ends) {
		return "expired at " + ends.Format(time.RFC3339)
	}
	return ""
}

func parseCertificate(text string) *ssh.Certificate {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil
	}
	cert, _ := key.(*ssh.Certificate)
	return cert
}

// expiry is when the certificate ends; nil: never.
func expiry(cert *ssh.Certificate) *time.Time {
	const last = 253402300799 // 9999-12-31 23:59:59: what is later cannot be written
	if cert == nil || cert.ValidBefore > last {
		return nil
	}
	ends := time.Unix(int64(cert.ValidBefore), 0).UTC()
	return &ends
}

func kindOf(c contract.Credential) Kind {
	switch {
	case c.Certificate != "" && c.Password != "":
		return KindCertificateAndPassword
	case c.Certificate != "":
		return KindCertificate
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
	s.CredentialKind, s.Credential, s.CredentialExpires = kindOf(c), "", expiry(parseCertificate(c.Certificate))
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
