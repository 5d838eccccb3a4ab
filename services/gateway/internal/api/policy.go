package api

import (
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	maxAhead         = 365 * 24 * time.Hour // of a start
	defaultExpiry    = 24 * time.Hour       // of an approval that nobody gives
	maxExpiry        = 7 * 24 * time.Hour   // of the same: the command, which has the digest to show, is kept for so long
	defaultProgress  = 10 * time.Minute     // after which a deployment counts as standing still
	unreachableCount = "count"
	unreachableSkip  = "skip"
)

// strategyFields is which fields belong to which strategy, beside those that
// belong to all.
var strategyFields = map[deploy.StrategyKind][]string{
	deploy.AllAtOnce: {"max_parallel"},
	deploy.Serial:    {"pause"},
	deploy.Rolling:   {"batch", "pause", "max_parallel"},
	deploy.Canary:    {"first", "batch", "pause", "max_parallel", "hold", "analysis"},
	deploy.BlueGreen: {"max_parallel", "hold", "analysis", "label", "to", "traffic", "keep", "retire"},
}

// course is what a deployment says about its course: what goes with its command,
// and what is settled before.
type course struct {
	policy  contract.Policy
	orderBy string // label in whose order the servers are taken; "": as they come
	sets    *blueGreen
	refuse  bool // rather than to wait where too many deployments are under way

	metadata []contract.Note // what whoever asks notes

	callback *webhooks.Input // who is told of its events; nil: nobody, but for those who are told of all
}

// readCourse takes what every kind of deployment may say about its course.
func readCourse(o *field.Object, errs *field.Errors, now time.Time) course {
	p := contract.Policy{Strategy: contract.Strategy{Type: string(deploy.AllAtOnce)}}
	var (
		by   string
		sets *blueGreen
	)
	if s, ok := o.Object("strategy"); ok {
		p.Strategy, by, sets = readStrategy(s)
	}
	if f, ok := o.Object("failures"); ok {
		p.Failures = readFailures(f)
	}
	if p.Failures.Then == "" && sets != nil {
		p.Failures.Then = string(deploy.OverrunReverts) // there is something to go back to
	}
	if p.Failures.Total == "" && !mayAllFail(p) {
		p.Failures.Total = "0"
	}
	p.Calendar = readCalendar(o, errs, now)
	p.Progress = defaultProgress.Milliseconds()
	if progress := readMilliseconds(o, "progress_deadline"); progress > 0 {
		p.Progress = progress
	}
	p.Limits = readLimits(o)
	return course{policy: p, orderBy: by, sets: sets, metadata: readMetadata(o)}
}

// mayAllFail says whether any number of servers may fail unless that is said:
// where nothing is left to save, and nothing to take back.
func mayAllFail(p contract.Policy) bool {
	return p.Strategy.Type == string(deploy.AllAtOnce) && p.Failures.Then != string(deploy.OverrunReverts)
}

// readLimits takes how long the work on one server may take.
func readLimits(parent *field.Object) *contract.JobLimits {
	o, ok := parent.Object("timeouts")
	if !ok {
		return nil
	}
	l := contract.JobLimits{Host: readMilliseconds(o, "host"), Step: readMilliseconds(o, "step")}
	o.End()
	if l == (contract.JobLimits{}) {
		return nil
	}
	return &l
}

// readStrategy takes the strategy, the label in whose order servers are taken, and
// what is to be known to tell two sets of them.
func readStrategy(o *field.Object) (s contract.Strategy, orderBy string, sets *blueGreen) {
	var known []string
	for _, k := range deploy.StrategyKinds() {
		known = append(known, string(k))
	}
	s.Type, _ = o.OneOf("type", known...)
	if s.Type == "" && !o.Has("type") {
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
	s.Analysis = readAnalysis(o)
	if kind == deploy.BlueGreen {
		sets, s.Keep = readBlueGreen(o)
	}
	orderBy, given := o.Text("order_by")
	if given {
		o.Check("order_by", rule.LabelKey(orderBy))
	}
	o.End()
	return s, orderBy, sets
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
	for _, name := range slices.Concat(strategyFields[deploy.Canary], strategyFields[deploy.BlueGreen]) { // which have all there are
		if !mine[name] {
			o.Refuse(name, "does not belong to the strategy "+string(kind))
		}
	}
}

func readFailures(o *field.Object) contract.Failures {
	f := contract.Failures{Batch: readAmount(o, "batch", 0), Total: readAmount(o, "total", 0)}
	f.Then, _ = o.OneOf("then", string(deploy.OverrunStops), string(deploy.OverrunPauses), string(deploy.OverrunReverts))
	unreachable, _ := o.OneOf("unreachable", unreachableCount, unreachableSkip)
	f.SkipUnreachable = unreachable == unreachableSkip
	o.End()
	return f
}

// readWhole takes all that a deployment may say about its course, and when it
// begins.
func (a *API) readWhole(o *field.Object, errs *field.Errors, now time.Time) course {
	c := readCourse(o, errs, now)
	c.policy.StartAt = readStart(o, now)
	c.policy.Deadline = readMilliseconds(o, "deadline")
	c.policy.Approval = readApproval(o, now)
	c.refuse = a.readBusy(o, c.policy)
	c.callback = a.readCallback(o, errs)
	return c
}

func readApproval(parent *field.Object, now time.Time) *contract.Approval {
	o, ok := parent.Object("approval")
	if !ok {
		return nil
	}
	notRequester, _ := o.Bool("not_requester")
	in := time.Duration(readMilliseconds(o, "expires_in")) * time.Millisecond
	switch {
	case in == 0:
		in = defaultExpiry
	case in > maxExpiry:
		o.Check("expires_in", "must be at most 168h")
	}
	o.End()
	return &contract.Approval{NotRequester: notRequester, Expires: now.Add(in)}
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

// checkRollback refuses a rollback to this version that would take itself back, or
// whose checks are about a version that nobody knows yet.
func (c *call) checkRollback(to string, p contract.Policy) {
	if p.Failures.Then == string(deploy.OverrunReverts) {
		c.errs.Add("failures.then", "cannot be %s: a rollback is not taken back", deploy.OverrunReverts)
	}
	if to == "" && namesVersion(p.Strategy.Analysis) {
		c.errs.Add("strategy.analysis.checks", "cannot hold {{version}}: it is not said to which one to go")
	}
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
