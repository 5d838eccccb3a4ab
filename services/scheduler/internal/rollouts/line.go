package rollouts

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Where LOCKS says who waits for a place, and, where there is a limit over all,
// of which projects somebody may wait. Keys hold projects as tokens (lineToken).
const (
	waitingKeys = "slot.wait."    // <project>.<deployment>
	projectKeys = "slot.project." // <project>
	everyLine   = waitingKeys + "*.*"
)

// lineToken stands for a project in keys.
func lineToken(project string) string {
	if project == "" {
		return "-"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(project))
}

// lineOf matches those of one project that wait.
func lineOf(token string) string { return waitingKeys + token + ".*" }

// waitingKey is where a deployment waits for a place. Those of one project are
// found together.
func waitingKey(project, deployment string) string {
	return waitingKeys + lineToken(project) + "." + deployment
}

// line matches those who wait for the places that a deployment of the project may
// have: all, where there is a limit over all, since the first of them is next.
func (s *Scheduler) line(project string) string {
	if s.set.Limits.All > 0 {
		return everyLine
	}
	return lineOf(lineToken(project))
}

// enterLine lets a deployment wait for a place. Waiting again changes nothing.
// Its project is noted after it stands in line: see firstOf.
func (s *Scheduler) enterLine(ctx context.Context, w deploy.Holder) error {
	_, err := s.waiting.Create(ctx, waitingKey(w.Project, w.Deployment), w)
	if err != nil && !errors.Is(err, bus.ErrConflict) {
		return fmt.Errorf("wait for a place: %w", err)
	}
	if s.set.Limits.All == 0 {
		return nil
	}
	return s.noteProject(ctx, lineToken(w.Project))
}

func (s *Scheduler) noteProject(ctx context.Context, token string) error {
	_, err := s.waiting.Create(ctx, projectKeys+token, deploy.Holder{})
	if err != nil && !errors.Is(err, bus.ErrConflict) {
		return fmt.Errorf("note who waits for a place: %w", err)
	}
	return nil
}

// nextInLine returns the first of those that wait, of the keys that match, for
// whom there is a place, with its key, or bus.ErrNone. One who has a place already,
// because whoever gave it died, is next too.
func (s *Scheduler) nextInLine(ctx context.Context, filter string) (key string, w deploy.Holder, err error) {
	taken, _, err := s.slots.Get(ctx, slotsKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return "", w, err
	}
	fits := func(w deploy.Holder) bool { return taken.Has(w.Deployment) || taken.Room(s.set.Limits, w.Project) }
	key, w, _, err = s.waiting.Next(ctx, filter, 0)
	switch {
	case err != nil || fits(w):
		return key, w, err
	case filter != everyLine || len(taken.Holders) >= s.set.Limits.All:
		return "", deploy.Holder{}, bus.ErrNone
	}
	return s.firstThatFits(ctx, fits) // its project is full; others may not be
}

// firstThatFits returns the first of all that wait and fit, with its key, or
// bus.ErrNone. Only the first of each project is looked at: who comes after one
// that does not fit does not either.
func (s *Scheduler) firstThatFits(ctx context.Context, fits func(deploy.Holder) bool) (key string, w deploy.Holder, err error) {
	var first uint64
	for after := uint64(0); ; {
		project, _, rev, err := s.waiting.Next(ctx, projectKeys+"*", after)
		if errors.Is(err, bus.ErrNone) {
			break
		}
		if err != nil {
			return "", w, err
		}
		after = rev
		k, next, at, err := s.firstOf(ctx, strings.TrimPrefix(project, projectKeys))
		switch {
		case errors.Is(err, bus.ErrNone):
		case err != nil:
			return "", w, err
		case fits(next) && (first == 0 || at < first):
			key, w, first = k, next, at
		}
	}
	if first == 0 {
		return "", w, bus.ErrNone
	}
	return key, w, nil
}

// firstOf returns the first in line of a project. Where nobody is, the project is
// noted no more; those who come meanwhile stand in line before they note it, so that
// another look finds them.
func (s *Scheduler) firstOf(ctx context.Context, token string) (key string, w deploy.Holder, rev uint64, err error) {
	key, w, rev, err = s.waiting.Next(ctx, lineOf(token), 0)
	if !errors.Is(err, bus.ErrNone) {
		return key, w, rev, err
	}
	if err := s.waiting.Forget(ctx, projectKeys+token); err != nil {
		return "", w, 0, err
	}
	key, w, rev, err = s.waiting.Next(ctx, lineOf(token), 0)
	if err == nil {
		err = s.noteProject(ctx, token)
	}
	return key, w, rev, err
}

// inLine returns the deployments that wait for a place and have none, and the
// tokens of the projects of all that wait.
func (s *Scheduler) inLine(ctx context.Context) (line map[string]bool, projects map[string]bool, err error) {
	keys, err := s.waiting.Keys(ctx, everyLine)
	if err != nil {
		return nil, nil, fmt.Errorf("read who waits for a place: %w", err)
	}
	line, projects = map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		project, deployment, _ := strings.Cut(strings.TrimPrefix(key, waitingKeys), ".")
		line[deployment], projects[project] = true, true
	}
	taken, _, err := s.slots.Get(ctx, slotsKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return nil, nil, fmt.Errorf("read places: %w", err)
	}
	for _, h := range taken.Holders {
		delete(line, h.Deployment)
	}
	return line, projects, nil
}

// noteProjects notes those projects that are not: whoever did not come to it died,
// or had no limit over all.
func (s *Scheduler) noteProjects(ctx context.Context, tokens map[string]bool) error {
	noted, err := s.waiting.Keys(ctx, projectKeys+"*")
	if err != nil {
		return fmt.Errorf("read who waits for a place: %w", err)
	}
	missing := maps.Clone(tokens)
	for _, key := range noted {
		delete(missing, strings.TrimPrefix(key, projectKeys))
	}
	for token := range missing {
		if err := s.noteProject(ctx, token); err != nil {
			return err
		}
	}
	return nil
}
