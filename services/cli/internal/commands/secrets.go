package commands

import "strings"

// secretFile is a file that holds one secret, and where that goes.
type secretFile struct {
	path  string // empty: there is none
	into  *string
	whole bool // with the line break at its end
}

// onlyOneInput refuses to read standard input twice.
func (a *app) onlyOneInput(paths ...string) error {
	onInput := 0
	for _, path := range append(paths, a.flags.tokenFile) {
		if path == "-" {
			onInput++
		}
	}
	if onInput > 1 {
		return usage("only one file can be standard input")
	}
	return nil
}

// readSecrets reads the files that are named.
func (a *app) readSecrets(files ...secretFile) error {
	for _, f := range files {
		if f.path == "" {
			continue
		}
		secret, err := a.readSecret(f.path)
		if err != nil {
			return err
		}
		if !f.whole {
			// The line break that an editor leaves at the end is no part of a password; spaces are.
			secret = strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r")
		}
		*f.into = secret
	}
	return nil
}
