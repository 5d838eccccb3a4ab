package netguard

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"syscall"
)

// Explain says in words for a client why a request under ctx got no answer. It
// leaves out the URL that net/http puts into every message, which may hold a
// secret.
func Explain(ctx context.Context, err error) string {
	var name *net.DNSError
	var timeout net.Error
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrRedirect):
		return innermost(err).Error()
	case ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout():
		return "its server does not answer in time"
	case errors.As(err, &name):
		return "its host name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "its server refuses connections"
	case errors.As(err, &cert):
		return "its server shows a certificate that is not trusted"
	default:
		return "no connection, or no HTTP"
	}
}

// innermost takes off what net/http and net put around an error.
func innermost(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}
