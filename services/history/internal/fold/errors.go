package fold

import "errors"

var (
	// ErrConflict says that a document was not as it had been read when it was to
	// be written: another replica was first, or the document is gone. Documents
	// of the same call without a conflict have been written.
	ErrConflict = errors.New("the document has changed since it was read")

	// ErrRefused says that the store will never take a document as it is, such as
	// one that is too large for it.
	ErrRefused = errors.New("the store refuses the document")

	// ErrLost says that the store holds an older state of a document than it has
	// confirmed before, or none. Only folding from the first event makes it
	// whole again.
	ErrLost = errors.New("the store has lost what it had confirmed")

	// ErrStandingBy says that this replica does not fold, now or at all.
	ErrStandingBy = errors.New("another replica folds, or none does yet")

	// errWentBack says that the checkpoint is behind where it stood, or gone: the
	// store was emptied, or another replica folds all over again.
	errWentBack = errors.New("the checkpoint went back")

	// errSuperseded says that another replica folds now.
	errSuperseded = errors.New("another replica folds")

	// errCutShort says that EV has lost events that were folded: its server lost
	// power before they were on its disk. Their sequences are given out again.
	errCutShort = errors.New("the event stream was cut short")

	// errReplaced says that EV is another stream than it was a moment ago.
	errReplaced = errors.New("the event stream is another one now")
)
