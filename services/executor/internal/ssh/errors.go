package ssh

import "errors"

// What can go wrong, as errors.Is finds it. Texts are meant for operators: short, and without secrets, command lines or
// anything that the host said.
var (
	// ErrUnreachable: there is no session with the host, because it could not be found, refused the connection, did not
	// answer in time or hung up before the login was through. No command has run.
	ErrUnreachable = errors.New("host unreachable")

	// ErrIncompatible: something answers, but no SSH that could be agreed on. No command has run.
	ErrIncompatible = errors.New("no common SSH protocol")

	// ErrHostKeyChanged: the host's key is none of the stored ones. The text shows the fingerprints of both.
	ErrHostKeyChanged = errors.New("host key changed")

	// ErrHostKeyUnknown: no key is stored and this is not declared as the first contact. The text shows the
	// fingerprint that the host offers.
	ErrHostKeyUnknown = errors.New("host key unknown")

	// ErrHostKeyRevoked: the host's key, or that of the authority behind it, is among the revoked ones.
	ErrHostKeyRevoked = errors.New("host key revoked")

	// ErrHostCertificate: authorities are stored, and the host shows no certificate of theirs that is valid now and names it.
	ErrHostCertificate = errors.New("host certificate refused")

	// ErrAuth: the host takes none of the credentials, or there are none.
	ErrAuth = errors.New("authentication refused")

	// ErrBadKey: a key of ours cannot be used: the private key, its passphrase or certificate, or a stored host key. The host was
	// not contacted.
	ErrBadKey = errors.New("unusable key")

	// ErrForwarding: a jump host does not forward connections for this login, or not to this address.
	ErrForwarding = errors.New("the jump host does not forward connections")

	// ErrStalled: the connection stands but the host has stopped answering. Commands may or may not still be running.
	ErrStalled = errors.New("host stopped answering")

	// ErrConnectionLost: the connection broke or was closed, or the command's session ended without saying how.
	// Commands may or may not still be running.
	ErrConnectionLost = errors.New("connection lost")

	// ErrRefused: the host is connected but does not run commands for this login, or not one more at a time.
	ErrRefused = errors.New("command refused by the host")

	// ErrNobody: the host is connected, and at the address that it was asked to connect to nobody answers.
	ErrNobody = errors.New("nobody answers at")
)

// IsTransient says whether the same attempt may succeed later without anybody changing anything. The end of a context
// is not transient: whoever ended it knows why.
func IsTransient(err error) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrStalled) || errors.Is(err, ErrConnectionLost)
}
