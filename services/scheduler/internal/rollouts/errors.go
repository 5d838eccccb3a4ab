package rollouts

import "errors"

var (
	// errSnapshot says that the targets of a deployment are not all where its
	// command says. It cannot go on.
	errSnapshot = errors.New("snapshot missing or too short")
	// errBehind says that a record that was read is older than what follows from
	// it. It comes from a replica of the bucket that lags; read again.
	errBehind = errors.New("the record read is not the latest")
	// errQuestion says that what was asked cannot be read, or is no such question.
	errQuestion = errors.New("this is no question that a scheduler answers")
	// errNoSlot says that as many deployments as may are under way.
	errNoSlot = errors.New("as many as may are under way")
	// errPhase says that a record stands in a phase that this version does not
	// know.
	errPhase = errors.New("unknown phase")
)
