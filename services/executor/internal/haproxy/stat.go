package haproxy

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// server is how a server stands.
type server struct {
	status  string // as HAProxy says it: "UP", "UP 2/3", "DRAIN", "MAINT", "no check" …
	checked bool   // it has checks
}

// taking says whether it gets traffic.
func (s server) taking() bool { return strings.HasPrefix(s.status, "UP") || s.status == "no check" }

// fit says whether it could get traffic: HAProxy says of a drained server that is
// not that it is DOWN.
func (s server) fit() bool { return s.taking() || s.drained() }

// resting says whether it gets none because somebody said so.
func (s server) resting() bool { return s.drained() || s.maintained() }

func (s server) drained() bool    { return strings.HasPrefix(s.status, "DRAIN") }
func (s server) maintained() bool { return strings.HasPrefix(s.status, "MAINT") }

// readStat reads the answer to "show stat".
func readStat(answer string) (map[string]server, error) {
	text, ok := strings.CutPrefix(answer, "# ")
	if !ok {
		return nil, refusal(answer)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimSpace(text))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w to say how its servers stand: %w", ErrRefused, err)
	}
	name, state, check := slices.Index(rows[0], "svname"), slices.Index(rows[0], "status"), slices.Index(rows[0], "check_status")
	if name < 0 || state < 0 || check < 0 {
		return nil, fmt.Errorf("%w to say how its servers stand: no status among %d columns", ErrRefused, len(rows[0]))
	}
	servers := map[string]server{}
	for _, row := range rows[1:] {
		servers[row[name]] = server{row[state], row[check] != ""}
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
