package chaos

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed journal/session.sh
var sessionScript []byte

//go:embed journal/tool.sh
var toolScript []byte

// witnesses are the tools that write the journal: each command that changes a host, and holds Slipway's lock there, uses
// one of them. What a command does before it has the lock uses none.
var witnesses = []string{"mv", "rm", "tar"}

// InstallJournal writes into the directory what makes hosts keep a journal, and returns the program that their sessions
// are to run. The journal of a host is the file HOME.journal, beside its home.
func InstallJournal(dir string) (forced string, err error) {
	tools := filepath.Join(dir, "tools")
	if err := os.MkdirAll(tools, 0o755); err != nil {
		return "", err
	}
	for _, tool := range witnesses {
		if err := os.WriteFile(filepath.Join(tools, tool), toolScript, 0o755); err != nil {
			return "", err
		}
	}
	forced = filepath.Join(dir, "session")
	return forced, os.WriteFile(forced, sessionScript, 0o755)
}

// Entry is a line of a host's journal. It says either that a command was at work, or where the link led after it was
// moved.
type Entry struct {
	Tool, Step string // what was run, by which step
	Token      uint64 // of the attempt that the step belongs to
	Alone      bool   // no other command was at work on the host

	Link  string // what `current` led to; empty in entries about work
	Whole bool   // a whole release was there
}

// ReadJournal reads the journal of the host with this home. A host on which nothing was done has none.
func ReadJournal(home string) ([]Entry, error) {
	text, err := os.ReadFile(home + ".journal")
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for line := range strings.Lines(string(text)) {
		e, err := parseEntry(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s.journal: %w", home, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// parseEntry reads `link whole releases/v1`, or `alone mv stage 'installation' '17' …`: the arguments of the fence follow
// the name of the step.
func parseEntry(line string) (Entry, error) {
	words := strings.Fields(line)
	if len(words) == 3 && words[0] == "link" {
		return Entry{Link: words[2], Whole: words[1] == "whole"}, nil
	}
	if len(words) < 5 || words[0] != "alone" && words[0] != "beside" {
		return Entry{}, fmt.Errorf("line %q: %w", line, errJournal)
	}
	token, err := strconv.ParseUint(strings.Trim(words[4], "'"), 10, 64)
	if err != nil {
		return Entry{}, fmt.Errorf("line %q: %w", line, errJournal)
	}
	return Entry{Tool: words[1], Step: words[2], Token: token, Alone: words[0] == "alone"}, nil
}
