package chaos

import (
	"fmt"
	"strings"
)

// judgeHosts: what was done on each host is what EV says, by one job at a time, and the link was never broken.
func judgeHosts(e Evidence) (breaches []Breach) {
	began, releases, last := map[uint64]Event{}, map[string][]string{}, map[string]Event{}
	for _, event := range e.Events {
		switch {
		case event.Type == started:
			began[event.Seq] = event
		case event.Type == ended && event.State == "succeeded" && event.Release == "": // of a balancer, or of what is retired
		case event.Type == ended && event.Token > 0:
			last[event.Host] = event
			if event.State == "succeeded" {
				releases[event.Host] = append(releases[event.Host], event.Release)
			}
		}
	}
	for _, h := range e.Hosts {
		breaches = append(breaches, judgeWork(h, began)...)
		breaches = append(breaches, judgeLink(h, releases[h.ID], last[h.ID])...)
	}
	return breaches
}

// judgeWork: the host's journal tells of no two commands at work at once, of no command under a token that was not given
// for this host, and of none after a later one. As EV gives a host to one deployment after the other, and tokens are
// sequences of EV, no two deployments took turns on it either.
func judgeWork(h Host, began map[uint64]Event) (breaches []Breach) {
	var highest uint64
	for _, entry := range h.Journal {
		if entry.Link != "" {
			continue
		}
		job, known := began[entry.Token]
		wrong := func(what string, args ...any) {
			breaches = append(breaches, Breach{job.Deployment, h.Name,
				fmt.Sprintf("%s of step %s under token %d: ", entry.Tool, entry.Step, entry.Token) + fmt.Sprintf(what, args...)})
		}
		if !entry.Alone {
			wrong("another command was at work")
		}
		if !known || job.Host != h.ID {
			wrong("EV knows of no such attempt on this host")
		}
		if entry.Token < highest {
			wrong("token %d had been at work before", highest)
		}
		highest = max(highest, entry.Token)
	}
	return breaches
}

// judgeLink: `current` led to whole releases only, those that EV says, in that order, and leads to the last one. On a host
// that breaks down, a job may fail after it has moved the link.
func judgeLink(h Host, said []string, last Event) (breaches []Breach) {
	wrong := func(what string, args ...any) {
		breaches = append(breaches, Breach{Host: h.Name, What: fmt.Sprintf(what, args...)})
	}
	for _, breach := range h.Breaches {
		wrong("%s", breach)
	}
	var moved []string
	for _, entry := range h.Journal {
		if entry.Link == "" {
			continue
		}
		if !entry.Whole {
			wrong("current was moved to %s, where no whole release is", entry.Link)
		}
		moved = append(moved, strings.TrimPrefix(entry.Link, "releases/"))
	}
	if !h.Frail {
		for who, seen := range map[string][]string{"the journal": moved, "the watcher": h.Ran} {
			if !inOrder(turnsOf(seen), turnsOf(said)) {
				wrong("%s saw it run %q, and EV says %q", who, turnsOf(seen), turnsOf(said))
			}
		}
	}
	if last.State == "succeeded" && h.Current != last.Release {
		wrong("it runs %q, and the last deployment, %s, left it with %q", h.Current, last.Deployment, last.Release)
	}
	return breaches
}
