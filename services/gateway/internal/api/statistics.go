package api

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	usualDays = 30 // of statistics, to today
	mostDays  = 366
	day       = 24 * time.Hour

	tellAside = 20 // events that could not be folded
)

// statistics is what deployments came to on some days, as it is sent.
type statistics struct {
	From         string        `json:"from"`
	To           string        `json:"to"`
	Total        summary       `json:"total"`
	Applications []summary     `json:"applications"`
	Days         []dayOutcomes `json:"days"`
}

type summary struct {
	Application         string      `json:"application,omitempty"`
	Deploys             outcomes    `json:"deploys"`
	Rollbacks           outcomes    `json:"rollbacks"`
	Hosts               hostCounts  `json:"hosts"`
	Duration            percentiles `json:"duration"`
	DeploymentFrequency float64     `json:"deployment_frequency"`
	LeadTime            percentiles `json:"lead_time"`
	ChangeFailureRate   float64     `json:"change_failure_rate"`
	TimeToRestore       percentiles `json:"time_to_restore"`
	FailingSince        *time.Time  `json:"failing_since,omitempty"`
}

type dayOutcomes struct {
	Day       string   `json:"day"`
	Deploys   outcomes `json:"deploys"`
	Rollbacks outcomes `json:"rollbacks"`
}

type outcomes struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Rejected  int `json:"rejected"`
}

type hostCounts struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Skipped   int `json:"skipped"`
}

// percentiles of durations, in milliseconds.
type percentiles struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50_ms"`
	P90   int64 `json:"p90_ms"`
	P99   int64 `json:"p99_ms"`
	Mean  int64 `json:"mean_ms"`
}

func summaryOf(s contract.Summary, days int) summary {
	out := summary{
		Application: s.Application, Deploys: outcomes(s.Deploys), Rollbacks: outcomes(s.Rollbacks),
		Hosts:               hostCounts{s.Hosts.Succeeded, s.Hosts.Failed, s.Hosts.Cancelled, s.Hosts.Rejected},
		DeploymentFrequency: float64(s.Deploys.Succeeded) / float64(days),
		Duration:            percentilesOf(s.Duration), LeadTime: percentilesOf(s.LeadTime), TimeToRestore: percentilesOf(s.Restore),
		FailingSince: s.FailingSince,
	}
	if n := s.Deploys.Succeeded + s.Deploys.Failed; n > 0 {
		out.ChangeFailureRate = float64(s.Deploys.Failed) / float64(n)
	}
	return out
}

func percentilesOf(d contract.Durations) percentiles {
	return percentiles{Count: d.Count, P50: d.P50, P90: d.P90, P99: d.P99, Mean: d.Mean}
}

func (a *API) getStatistics(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	application := readText(c, q, "application", rule.Application)
	from, to := readRange(q, &c.errs, time.Now().UTC())
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	asked := contract.GetStatistics{From: from.Format(time.DateOnly), To: to.Format(time.DateOnly), Application: application}
	found, err := a.Deployments.Statistics(c.ctx, asked)
	if err != nil {
		return answer{}, err
	}
	days := int(to.Sub(from)/day) + 1
	out := statistics{
		From: asked.From, To: asked.To, Total: summaryOf(found.Total, days),
		Applications: make([]summary, len(found.Applications)), Days: make([]dayOutcomes, len(found.Days)),
	}
	for i, s := range found.Applications {
		out.Applications[i] = summaryOf(s, days)
	}
	for i, d := range found.Days {
		out.Days[i] = dayOutcomes{d.Day, outcomes(d.Deploys), outcomes(d.Rollbacks)}
	}
	return ok(out)
}

// readRange takes the first and the last day.
func readRange(q *field.Query, errs *field.Errors, now time.Time) (from, to time.Time) {
	to = readDay(q, errs, "to", now.Truncate(day))
	usual := to.Add(-(usualDays - 1) * day)
	if rule.Writable(usual) != "" {
		usual = time.Time{} // the first day that there is
	}
	from = readDay(q, errs, "from", usual)
	if n := int(to.Sub(from)/day) + 1; !errs.Has("from") && !errs.Has("to") && (n < 1 || n > mostDays) {
		errs.Add("from", "must be at most %d days before to, and not after it", mostDays-1)
	}
	return from, to
}

func readDay(q *field.Query, errs *field.Errors, name string, fallback time.Time) time.Time {
	text, given := q.Text(name)
	if !given {
		return fallback
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		errs.Add(name, "must be a day such as 2026-03-01")
	} else {
		errs.Check(name, rule.Writable(at))
	}
	return at
}

// history is how far the documents are, as it is sent.
type history struct {
	Seq      uint64     `json:"seq"`
	Last     uint64     `json:"last"`
	Behind   uint64     `json:"behind"`
	Waiting  *time.Time `json:"waiting_since,omitempty"`
	Holder   string     `json:"holder,omitempty"`
	SetAside int64      `json:"set_aside"`
	Newest   []aside    `json:"newest_set_aside"`
}

type aside struct {
	Seq     uint64     `json:"seq"`
	Subject string     `json:"subject"`
	Reason  string     `json:"reason"`
	At      *time.Time `json:"at,omitempty"`
}

func (a *API) getHistory(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	h, err := a.Deployments.History(c.ctx, tellAside)
	if err != nil {
		return answer{}, err
	}
	out := history{
		Seq: h.Seq, Last: h.Last, Waiting: h.Waiting, Holder: h.Holder, SetAside: h.Aside, Newest: make([]aside, len(h.Newest)),
	}
	if h.Last > h.Seq {
		out.Behind = h.Last - h.Seq
	}
	for i, one := range h.Newest {
		out.Newest[i] = aside(one)
	}
	return ok(out)
}
