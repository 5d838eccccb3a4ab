package hostcmd

import (
	"errors"
	"fmt"
	"path"
	"strconv"
)

// Tail reads the last lines of a file, and of these no more than so many of the last
// bytes, without fence, lock or change. The file is absolute or below the application path.
// Results: KeyLine for each, the first of which may be a part of one. It fails with
// ErrNoFile and ErrNotWritable, where the login may not read it.
func Tail(base, file string, lines, bytes int) (Command, error) {
	errs := []error{ValidateBase(base), validateFile(file)}
	if lines < 1 || bytes < 1 {
		errs = append(errs, fmt.Errorf("%w end of a file: %d lines, %d bytes", ErrInvalid, lines, bytes))
	}
	if err := errors.Join(errs...); err != nil {
		return Command{}, err
	}
	return Command{Step: "tail", Args: []string{base, file, strconv.Itoa(lines), strconv.Itoa(bytes)}}, nil
}

// validateFile checks the path of a file: absolute, or below the application path.
func validateFile(file string) error {
	if path.IsAbs(file) && file != "/" {
		file = file[1:]
	}
	return validateInside(file)
}
