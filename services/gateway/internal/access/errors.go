package access

import "errors"

var (
	// ErrGrant says that a text is no grant.
	ErrGrant = errors.New("must be viewer, deployer, approver or administrator, or one of them with a project, as deployer:shop")
	// ErrUnknown says that nobody is known by this credential.
	ErrUnknown = errors.New("nobody is known by this credential")
	// ErrExpired says that the credential counts no longer, or not yet.
	ErrExpired = errors.New("the credential has expired, or does not count yet")
)
