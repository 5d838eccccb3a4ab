package ssh

import (
	"fmt"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// suite is the algorithms that may be agreed on with one host: the good ones, and after them those weak ones that were
// named for it.
type suite struct {
	gossh.Config
	hostKeys []string // weak ones for the host's key
	sha1     bool     // RSA keys of ours may sign with SHA-1
}

// newSuite fails with ErrIncompatible where a name is none of a weak algorithm.
func newSuite(legacy []string) (suite, error) {
	good, weak := gossh.SupportedAlgorithms(), gossh.InsecureAlgorithms()
	// The library's own defaults have a weak key exchange among them.
	s := suite{Config: gossh.Config{Ciphers: good.Ciphers, KeyExchanges: keyExchanges(good.KeyExchanges), MACs: good.MACs}}
	for _, name := range legacy {
		known := false
		for _, kind := range []struct {
			weak []string
			into *[]string
		}{
			{weak.Ciphers, &s.Ciphers}, {weak.KeyExchanges, &s.KeyExchanges}, {weak.MACs, &s.MACs}, {weak.HostKeys, &s.hostKeys},
		} {
			if slices.Contains(kind.weak, name) {
				*kind.into, known = append(*kind.into, name), true
			}
		}
		if !known {
			return s, fmt.Errorf("%w: there is no legacy algorithm %q", ErrIncompatible, name)
		}
	}
	s.sha1 = slices.Contains(legacy, gossh.KeyAlgoRSA)
	return s, nil
}

// keyExchanges puts P-256 before Curve25519: it is as strong, and OpenSSH has it from OpenSSL, but Curve25519 in plain C,
// which takes a host more CPU. What is to withstand quantum computers, too, stays first.
func keyExchanges(good []string) []string {
	const fast, slow = gossh.KeyExchangeECDHP256, gossh.KeyExchangeCurve25519
	others := slices.DeleteFunc(slices.Clone(good), func(name string) bool { return name == fast })
	at := slices.Index(others, slow)
	if at < 0 || len(others) == len(good) {
		return good
	}
	return slices.Insert(others, at, fast)
}

// signers returns the key of ours as it may sign: not with SHA-1, unless that was named, and then last, as a key of its
// own: of one that could do both, hosts that are told so little are only ever offered the better. Only RSA keys can.
func (s suite) signers(key gossh.Signer) []gossh.Signer {
	kind := key.PublicKey().Type()
	signer, ok := key.(gossh.AlgorithmSigner)
	if !ok || kind != gossh.KeyAlgoRSA && kind != gossh.CertAlgoRSAv01 {
		return []gossh.Signer{key}
	}
	ways := [][]string{{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}}
	if s.sha1 {
		ways = append(ways, []string{gossh.KeyAlgoRSA})
	}
	var signers []gossh.Signer
	for _, algorithms := range ways {
		restricted, err := gossh.NewSignerWithAlgorithms(signer, algorithms)
		if err == nil { // else it is one that cannot
			signers = append(signers, restricted)
		}
	}
	return signers
}

// disagreement says what nothing could be agreed on for, and names the weak algorithms that the host offers: those that
// it might be let have.
func disagreement(err *gossh.AlgorithmNegotiationError) error {
	weak := gossh.InsecureAlgorithms()
	all := slices.Concat(weak.Ciphers, weak.KeyExchanges, weak.MACs, weak.HostKeys)
	offered := slices.DeleteFunc(slices.Clone(err.RequestedAlgorithms), func(name string) bool { return !slices.Contains(all, name) })
	if len(offered) == 0 {
		return fmt.Errorf("%w: none for %s", ErrIncompatible, err.What)
	}
	return fmt.Errorf("%w: none for %s but what is weak, and is agreed on only if it is among the server's legacy algorithms: %s",
		ErrIncompatible, err.What, strings.Join(offered, ", "))
}
