package seal

import "errors"

var (
	// ErrKey says that a text is not a key, or a zero key was used.
	ErrKey = errors.New("not a usable sealing key")

	// ErrOtherKey says that the secret was sealed to another key than the one at hand.
	ErrOtherKey = errors.New("sealed to another key")

	// ErrDamaged says that a text is not a sealed secret of a known version, or not as
	// it was when it was sealed.
	ErrDamaged = errors.New("not a sealed secret, or damaged")

	// ErrContext says that the secret was sealed for another place than the one that it
	// is opened for.
	ErrContext = errors.New("sealed for another context")

	// ErrKeyFile says that a key file cannot be used as it is. The message says what to
	// do about it.
	ErrKeyFile = errors.New("unusable key file")

	// ErrNoKey says that there is no such key to do without.
	ErrNoKey = errors.New("there is no key")

	errNewline = errors.New("a newline in base64url")
)
