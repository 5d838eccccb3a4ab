package api

import (
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
)

// target is how a deployment stands on one server, as it is sent.
type target struct {
	Target     int        `json:"target"`
	Server     string     `json:"server"`
	Name       string     `json:"name"`
	Wave       int        `json:"wave"`
	State      string     `json:"state"`
	Attempt    int        `json:"attempt"`
	Executor   string     `json:"executor,omitempty"`
	Step       string     `json:"step,omitempty"`
	DoneBytes  int64      `json:"done_bytes,omitempty"`
	TotalBytes int64      `json:"total_bytes,omitempty"`
	Steps      []step     `json:"steps"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Release    string     `json:"release,omitempty"`
	Previous   string     `json:"previous,omitempty"`
	Changed    bool       `json:"changed"`
	Note       string     `json:"note,omitempty"`
	Failure    *failure   `json:"failure,omitempty"`
}

type step struct {
	Step      string     `json:"step"`
	Phase     string     `json:"phase"`
	State     string     `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Note      string     `json:"note,omitempty"`
	Failure   *failure   `json:"failure,omitempty"`
}

type failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

func targetOf(t contract.TargetStatus) target {
	out := target{
		Target: t.Target, Server: t.Host, Name: t.Name, Wave: t.Wave, State: t.State, Attempt: t.Attempt,
		Executor: t.Executor, Step: t.Step, DoneBytes: t.Done, TotalBytes: t.Bytes, Steps: make([]step, len(t.Steps)),
		StartedAt: t.StartedAt, EndedAt: t.EndedAt, Release: t.Release, Previous: t.Previous, Changed: t.Changed,
		Note: t.Note, Failure: failureOf(t.Failure),
	}
	for i, s := range t.Steps {
		out.Steps[i] = step{
			Step: s.Step, Phase: s.Phase, State: s.State, StartedAt: s.StartedAt, EndedAt: s.EndedAt,
			Note: s.Note, Failure: failureOf(s.Failure),
		}
	}
	return out
}

func failureOf(f *contract.Failure) *failure {
	if f == nil {
		return nil
	}
	return &failure{Code: f.Code, Reason: f.Reason}
}

func (a *API) listTargets(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	p := deployments.Page{Limit: readLimit(q)}
	p.State = deploy.State(q.OneOf("state", targetStates...))
	p.First, _ = strconv.Atoi(readCursor(q, &c.errs, isOrdinal))
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, err := a.Deployments.Targets(c.ctx, c.id(), p)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if found.Next > 0 {
		next = strconv.Itoa(found.Next)
	}
	return ok(pageOf(found.Targets, next, targetOf))
}

func isOrdinal(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && n > 0
}
