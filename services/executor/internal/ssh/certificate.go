package ssh

import (
	"fmt"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// hostCertificates lists the algorithms by which a host shows a certificate: ed25519 first, then as the library has them.
func hostCertificates() []string {
	algorithms := []string{gossh.CertAlgoED25519v01}
	for _, algorithm := range gossh.SupportedAlgorithms().HostKeys {
		if strings.Contains(algorithm, "-cert-") && algorithm != gossh.CertAlgoED25519v01 {
			algorithms = append(algorithms, algorithm)
		}
	}
	return algorithms
}

// checkHostCertificate says why the certificate does not show that the host at this address is what it should be. One
// that names no host at all, which OpenSSH takes for any, is refused.
func checkHostCertificate(cert *gossh.Certificate, authorities []gossh.PublicKey, address string) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrHostCertificate}, args...)...)
	}
	named := slices.IndexFunc(cert.ValidPrincipals, func(p string) bool { return strings.EqualFold(p, address) })
	switch {
	case cert.CertType != gossh.HostCert:
		return refuse("it is one for users")
	case !holds(authorities, cert.SignatureKey):
		return refuse("it is signed by %s, which is no stored authority", fingerprint(cert.SignatureKey))
	case named < 0:
		return refuse("it is not for %s", address)
	case cert.Signature.Format == gossh.KeyAlgoRSA:
		return refuse("its signature rests on SHA-1")
	}
	if wrong := outOfTime(cert); wrong != "" {
		return refuse("it %s", wrong)
	}
	checker := gossh.CertChecker{}
	if err := checker.CheckCert(cert.ValidPrincipals[named], cert); err != nil {
		return refuse("its signature is wrong, or it is bound to an option that is not known")
	}
	return nil
}

// outOfTime says why the certificate is not valid now, or "".
func outOfTime(cert *gossh.Certificate) string {
	const form = "2006-01-02 15:04 MST"
	now := uint64(max(time.Now().Unix(), 0))
	switch {
	case now < cert.ValidAfter:
		return "is not valid before " + moment(cert.ValidAfter).Format(form)
	case cert.ValidBefore != gossh.CertTimeInfinity && now >= cert.ValidBefore:
		return "expired at " + moment(cert.ValidBefore).Format(form)
	}
	return ""
}

// moment is a time of a certificate; one beyond what a clock can show is the last that it can.
func moment(seconds uint64) time.Time {
	const last = 253402300799 // 9999-12-31 23:59:59
	return time.Unix(int64(min(seconds, last)), 0).UTC()
}

// parseCertificate reads a user's certificate for the key.
func parseCertificate(text []byte, key gossh.Signer) (*gossh.Certificate, gossh.Signer, error) {
	parsed, _, _, _, err := gossh.ParseAuthorizedKey(text)
	cert, ok := parsed.(*gossh.Certificate)
	if err != nil || !ok || cert.CertType != gossh.UserCert {
		return nil, nil, fmt.Errorf("%w: not a certificate for a user", ErrBadKey)
	}
	signer, err := gossh.NewCertSigner(cert, key)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the certificate belongs to another private key", ErrBadKey)
	}
	return cert, signer, nil
}
