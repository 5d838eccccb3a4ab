package archive

import "errors"

var (
	// ErrDamaged says that a file is not what was written: a line is missing or has
	// changed, or its end is not there.
	ErrDamaged = errors.New("the archived file is damaged")

	// ErrVersion says that a later Slipway wrote the file.
	ErrVersion = errors.New("the archived file is of a later version")

	// ErrNone says that there is no such file.
	ErrNone = errors.New("no such file in the archive")

	// ErrMore says that the file that is there has more than the one to take its place, or
	// that another one was put there meanwhile.
	ErrMore = errors.New("the file in the archive has more than what would replace it")

	// ErrPlace says that a setting does not name a place for an archive.
	ErrPlace = errors.New("not a place for an archive")

	// errAnswer says that the storage refuses what is asked of it.
	errAnswer = errors.New("the storage answers")
)
