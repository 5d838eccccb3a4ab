package haproxy

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// status is how HAProxy says a server stands: "UP", "UP 2/3", "DRAIN", "MAINT", "no
// check" …
type status string

// taking says whether it gets traffic.
func (s status) taking() bool { return strings.HasPrefix(string(s), "UP") || s == "no check" }

// fit says whether it could get traffic: HAProxy says of a drained server that is
// not that it is DOWN.
func (s status) fit() bool { return s.taking() || strings.HasPrefix(string(s), "DRAIN") }

// resting says whether it gets none because somebody said so.
func (s status) resting() bool {
	return strings.HasPrefix(string(s), "DRAIN") || s.maintained()
}

func (s status) maintained() bool { return strings.HasPrefix(string(s), "MAINT") }

// readStat reads the answer to "show stat".
func readStat(answer string) (map[string]status, error) {
	text, ok := strings.CutPrefix(answer, "# ")
	if !ok {
		return nil, refusal(answer)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimSpace(text))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w to say how its servers stand: %w", ErrRefused, err)
	}
	name, state := slices.Index(rows[0], "svname"), slices.Index(rows[0], "status")
	if name < 0 || state < 0 {
		return nil, fmt.Errorf("%w to say how its servers stand: no status among %d columns", ErrRefused, len(rows[0]))
	}
	servers := map[string]status{}
	for _, row := range rows[1:] {
		servers[row[name]] = status(row[state])
	}
	return servers, nil
}

// refusal is the error that the words of HAProxy are.
func refusal(words string) error {
	const most = 200
	words = strings.Join(strings.Fields(strings.ToValidUTF8(words, "\uFFFD")), " ")
	if len(words) > most {
		words = strings.ToValidUTF8(words[:most], "") + "…"
	}
	return fmt.Errorf("%w: %q", ErrRefused, words)
}
