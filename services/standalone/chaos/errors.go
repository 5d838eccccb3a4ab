package chaos

import "errors"

var (
	// errJournal says that a host's journal holds a line that no tool writes.
	errJournal = errors.New("no line of a journal")
	// errEvent says that a message of EV is not what asyncapi.yaml says.
	errEvent = errors.New("no event")
)
