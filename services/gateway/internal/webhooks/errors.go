package webhooks

import "errors"

var (
	// ErrNotFound says that there is no such webhook.
	ErrNotFound = errors.New("there is no such webhook")
	// ErrNoDelivery says that there is no such delivery, or that it is kept no longer.
	ErrNoDelivery = errors.New("there is no such delivery")
	// ErrOff says that the installation has no key for the secrets of webhooks.
	ErrOff = errors.New("webhooks are off: no gateway was given webhooks.private_key")
	// ErrState says that a webhook or a delivery does not do that where it stands.
	ErrState = errors.New("it does not do that where it stands")
	// ErrSecret says that a text is no secret as Standard Webhooks has them.
	ErrSecret = errors.New("must be whsec_ and 24 to 64 bytes in base64")
)
