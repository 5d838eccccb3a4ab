package api

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxAhead         = 365 * 24 * time.Hour // of a start
	defaultExpiry    = 24 * time.Hour       // of an approval that nobody gives
	unreachableCount = "count"
	unreachableSkip  = "skip"
)

// strategyFields is which fields belong to which strategy, beside those that
// belong to all.
var strategyFields = map[deploy.StrategyKind][]string{
	deploy.AllAtOnce: {"max_parallel"},
	deploy.Serial:    {"pause"},
	deploy.Rolling:   {"batch", "pause", "max_parallel"},
	deploy.Canary:    {"first", "batch", "pause", "max_parallel", "hold"},
}

// readCourse takes what every kind of deployment may say about its course.
func readCourse(o *field.Object, errs *field.Errors) contract.Policy {
	p := contract.Policy{Strategy: contract.Strategy{Type: string(deploy.AllAtOnce)}}
	if s, ok := o.Object("strategy"); ok {
		p.Strategy = readStrategy(s, errs)
	}
	if p.Strategy.Type != string(deploy.AllAtOnce) {
		p.Failures.Total = "0"
	}
	if f, ok := o.Object("failures"); ok {
		readFailures(f, &p.Failures)
	}
	return p
}

func readStrategy(o *field.Object, errs *field.Errors) contract.Strategy {
	var s contract.Strategy
	var known []string
	for _, k := range deploy.StrategyKinds() {
		known = append(known, string(k))
	}
	s.Type, _ = o.OneOf("type", known...)
	if s.Type == "" && !errs.Has("strategy.type") {
		o.Check("type", "is required")
	}
	kind := deploy.StrategyKind(s.Type)
	required := map[deploy.StrategyKind]string{deploy.Rolling: "batch", deploy.Canary: "first"}[kind]
	if required != "" && (!o.Given(required) || o.Null(required)) {
		o.Check(required, "is required")
	}
	refuseStrangers(o, kind)
	s.First = readAmount(o, "first", 1)
	s.Batch = readAmount(o, "batch", 1)
	s.Pause = readMilliseconds(o, "pause")
	s.MaxParallel, _ = o.Int("max_parallel", 1, maxServers)
	s.MinHealthy = readAmount(o, "min_healthy", 0)
	s.Hold = readMilliseconds(o, "hold")
	o.End()
	return s
}

// refuseStrangers names the fields that belong to other strategies.
func refuseStrangers(o *field.Object, kind deploy.StrategyKind) {
	own, ok := strategyFields[kind]
	if !ok {
		return // it is not known which those are
	}
	mine := map[string]bool{}
	for _, name := range own {
		mine[name] = true
	}
	for _, name := range strategyFields[deploy.Canary] { // which has all there are
		if !mine[name] {
			o.Refuse(name, "does not belong to the strategy "+string(kind))
		}
	}
}

func readFailures(o *field.Object, f *contract.Failures) {
	f.Batch = readAmount(o, "batch", 0)
	if total := readAmount(o, "total", 0); total != "" {
		f.Total = total
	}
	f.Then, _ = o.OneOf("then", string(deploy.OverrunStops), string(deploy.OverrunPauses))
	unreachable, _ := o.OneOf("unreachable", unreachableCount, unreachableSkip)
	f.SkipUnreachable = unreachable == unreachableSkip
	o.End()
}

// readPolicy takes all that a deployment may say about its course, and when it
// begins.
func readPolicy(o *field.Object, errs *field.Errors, now time.Time) contract.Policy {
	p := readCourse(o, errs)
	p.StartAt = readStart(o, now)
	p.Deadline = readMilliseconds(o, "deadline")
	if a, ok := o.Object("approval"); ok {
		p.Approval = &contract.Approval{}
		p.Approval.NotRequester, _ = a.Bool("not_requester")
		in := time.Duration(readMilliseconds(a, "expires_in")) * time.Millisecond
		if in == 0 {
			in = defaultExpiry
		}
		p.Approval.Expires = now.Add(in)
		a.End()
	}
	return p
}

func readStart(o *field.Object, now time.Time) *time.Time {
	text, ok := o.Text("start_at")
	if !ok {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		o.Check("start_at", "must be a time as RFC 3339 writes it, such as 2026-01-31T22:00:00Z")
	case !at.After(now):
		o.Check("start_at", "must be in the future")
	case at.After(now.Add(maxAhead)):
		o.Check("start_at", "must be at most a year ahead")
	}
	at = at.UTC().Truncate(time.Millisecond)
	return &at
}

// readAmount takes an amount in its one canonical form, or "".
func readAmount(o *field.Object, name string, least int) string {
	text, ok := o.NumberOrText(name)
	if !ok {
		return ""
	}
	a, wrong := rule.Amount(text, least)
	o.Check(name, wrong)
	return a.String()
}

func readMilliseconds(o *field.Object, name string) int64 {
	text, ok := o.Text(name)
	if !ok {
		return 0
	}
	d, wrong := rule.Duration(text)
	o.Check(name, wrong)
	return d.Milliseconds()
}

// checkHealth refuses a deployment that could not begin: as many servers would
// have to stay untouched as there are.
func (c *call) checkHealth(p contract.Policy, servers []inventory.Server) {
	if p.Strategy.MinHealthy == "" || len(servers) == 0 || c.errs.Has("strategy.min_healthy") {
		return
	}
	least, err := deploy.ParseAmount(p.Strategy.MinHealthy)
	if err == nil && least.Of(len(servers)) >= len(servers) {
		c.errs.Add("strategy.min_healthy", "leaves none of the %d servers to begin with", len(servers))
	}
}
