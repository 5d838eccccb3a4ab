package ssh

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// login offers the credentials of one Auth to a host, one after the other.
type login struct {
	suite  suite
	left   []credential
	tried  []string
	begun  bool // the host key is accepted and the host asks who we are
	notes  []string
	refuse error // set when the host has taken none
}

// credential is one way to log in.
type credential struct {
	name   string // for people
	method string // RFC 4252's name
	auth   func(ctx context.Context) gossh.AuthMethod
}

// newLogin parses the credentials; it does not touch the network.
func newLogin(a Auth, agreeable suite) (*login, error) {
	l := &login{suite: agreeable}
	if len(a.PrivateKey) > 0 {
		signer, err := parsePrivateKey(a.PrivateKey, a.Passphrase)
		if err != nil {
			return nil, err
		}
		if err := l.addKey(l.suite.signers(signer), a.Certificate); err != nil {
			return nil, err
		}
	}
	if a.Password != "" {
		l.add("password", "password", gossh.Password(a.Password))
		l.add("password (interactive)", "keyboard-interactive", gossh.KeyboardInteractive(answerOnce(a.Password)))
	}
	if a.AgentSocket != "" {
		l.left = append(l.left, credential{"agent", "publickey", func(ctx context.Context) gossh.AuthMethod {
			return gossh.PublicKeysCallback(func() ([]gossh.Signer, error) { return l.agentKeys(ctx, a.AgentSocket) })
		}})
	}
	if len(l.left) == 0 {
		return nil, fmt.Errorf("%w: there is no private key, password or agent", ErrAuth)
	}
	return l, nil
}

// addKey adds a private key, as it may sign, with its certificate if there is one.
func (l *login) addKey(keys []gossh.Signer, certificate []byte) error {
	if len(certificate) == 0 {
		l.add("private key", "publickey", gossh.PublicKeys(keys...))
		return nil
	}
	var certified []gossh.Signer
	for _, key := range keys {
		cert, signer, err := parseCertificate(certificate, key)
		if err != nil {
			return err
		}
		if wrong := outOfTime(cert); wrong != "" {
			l.notes = append(l.notes, "the certificate "+wrong)
			l.add("private key", "publickey", gossh.PublicKeys(keys...))
			return nil
		}
		certified = append(certified, signer)
	}
	l.add("certificate and private key", "publickey", gossh.PublicKeys(append(certified, keys...)...))
	return nil
}

func (l *login) add(name, method string, auth gossh.AuthMethod) {
	l.left = append(l.left, credential{name, method, func(context.Context) gossh.AuthMethod { return auth }})
}

// parsePrivateKey keeps the parser's own words out of its errors: they may quote the key.
func parsePrivateKey(pem []byte, passphrase string) (gossh.Signer, error) {
	signer, err := gossh.ParsePrivateKey(pem)
	var encrypted *gossh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		if passphrase == "" {
			return nil, fmt.Errorf("%w: the private key is encrypted and there is no passphrase", ErrBadKey)
		}
		signer, err = gossh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase))
		if errors.Is(err, x509.IncorrectPasswordError) {
			return nil, fmt.Errorf("%w: the passphrase does not open the private key", ErrBadKey)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not a private key in a known format", ErrBadKey)
	}
	return signer, nil
}

// answerOnce answers one hidden question with the password. A second one, or one that shows what is typed, asks for
// something else: another factor, or a new password for one that has expired.
func answerOnce(password string) gossh.KeyboardInteractiveChallenge {
	answered := false
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		if answered || len(questions) > 1 || echos[0] {
			return nil, errors.New("the host asks for more than a password")
		}
		answered = true
		return []string{password}, nil
	}
}

// agentKeys returns the agent's keys, whose connection ends with ctx.
func (l *login) agentKeys(ctx context.Context, socket string) ([]gossh.Signer, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		l.notes = append(l.notes, "the agent's socket does not answer")
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	signers, err := agent.NewClient(conn).Signers()
	switch {
	case err != nil:
		l.notes = append(l.notes, "the agent does not list its keys")
	case len(signers) == 0:
		l.notes = append(l.notes, "the agent holds no keys")
	}
	var able []gossh.Signer
	for _, signer := range signers {
		able = append(able, l.suite.signers(signer)...)
	}
	return able, err
}

// next picks the first credential left that the host admits at this point. A host that wants two in a row admits the
// second only after the first.
func (l *login) next(ctx context.Context, state *gossh.ClientAuthContext) (gossh.AuthMethod, error) {
	l.begun = true
	for i, c := range l.left {
		if slices.Contains(state.AllowedMethods, c.method) {
			l.left = slices.Delete(l.left, i, i+1)
			l.tried = append(l.tried, c.name)
			return c.auth(ctx), nil
		}
	}
	l.refuse = l.refusal(state.AllowedMethods)
	return nil, l.refuse
}

func (l *login) refusal(admitted []string) error {
	// The host chose these names; only those that we know are repeated.
	known := slices.DeleteFunc(slices.Clone(admitted), func(method string) bool {
		return !slices.Contains([]string{"publickey", "password", "keyboard-interactive"}, method)
	})
	reasons := slices.Clone(l.notes)
	if len(l.tried) > 0 {
		reasons = append(reasons, "tried "+strings.Join(l.tried, ", "))
	}
	if len(known) > 0 {
		reasons = append(reasons, "the host admits "+strings.Join(known, ", "))
	}
	return fmt.Errorf("%w: %s", ErrAuth, strings.Join(reasons, "; "))
}
