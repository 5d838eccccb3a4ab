package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Summary says in figures what a run was.
func Summary(s Script, e Evidence) string {
	faults, states, ends := map[string]int{}, map[string]int{}, map[string]int{}
	for _, strike := range s.Strikes {
		kind, _, _ := strings.Cut(strike.Victim, "-")
		faults[string(strike.Verb)+" of "+kind]++
	}
	for _, b := range s.Breaks {
		faults["host "+string(b.Verb)]++
	}
	attempts, work := 0, 0
	for _, event := range e.Events {
		switch event.Type {
		case started:
			attempts++
		case ended:
			ends[event.State]++
		case concluded:
			states[event.State]++
		}
	}
	for _, h := range e.Hosts {
		work += len(h.Journal)
	}
	return fmt.Sprintf("%d requests for deployments; they ended: %s. Targets: %s, in %d attempts. %d events; %d entries in %d journals. Faults: %s",
		len(e.Requests), counted(states), counted(ends), attempts, len(e.Events), work, len(e.Hosts), counted(faults))
}

func counted(of map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%d %s", of[name], name))
	}
	return strings.Join(parts, ", ")
}
