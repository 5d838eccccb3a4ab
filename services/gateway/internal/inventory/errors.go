package inventory

import "errors"

var (
	// ErrNotFound says that there is no such server.
	ErrNotFound = errors.New("no such server")
	// ErrNameTaken says that another server has the name.
	ErrNameTaken = errors.New("another server has this name")
	// ErrJumpHost says that other servers are reached through the server; the
	// message names them.
	ErrJumpHost = errors.New("other servers are reached through it")
	// ErrNoKey says that a server has no host key, and must not get one by first
	// contact.
	ErrNoKey = errors.New("no host key is stored and first contact is off")
)
