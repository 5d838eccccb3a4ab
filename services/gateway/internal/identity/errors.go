package identity

import (
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

var (
	// ErrNoKeys says that the keys of the issuer cannot be read now.
	ErrNoKeys = errors.New("the keys of the issuer cannot be read")
	// ErrUndecided says that the keys that are known have not signed a token, and that
	// the issuer cannot be asked again yet whether it has others by now. It is an
	// access.ErrUnknown, and nobody's fault.
	ErrUndecided = fmt.Errorf("%w: the issuer may have other keys by now", access.ErrUnknown)
	// ErrEnd says that a token, which the issuer has signed, ends at a time that cannot be
	// written. It is an access.ErrUnknown, and no guess.
	ErrEnd = fmt.Errorf("%w: it ends after the year 9999", access.ErrUnknown)
	// ErrSettings says that JWTs are not set up as they can be.
	ErrSettings = errors.New("JWTs cannot be set up")

	errRedirect = errors.New("the issuer must answer itself: redirects are not followed")
)
