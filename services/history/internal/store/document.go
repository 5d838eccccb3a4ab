package store

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// Times are stored in milliseconds; those that are zero are left out.

type headerDoc struct {
	ID           string      `bson:"_id"`
	Seq          int64       `bson:"seq"`
	Kind         string      `bson:"kind,omitempty"`
	Project      string      `bson:"project,omitempty"`
	Application  string      `bson:"application,omitempty"`
	Path         string      `bson:"path,omitempty"`
	Version      string      `bson:"version,omitempty"`
	Package      string      `bson:"package,omitempty"`
	From         string      `bson:"from,omitempty"`
	RollbackOf   string      `bson:"rollback_of,omitempty"`
	Actor        string      `bson:"actor,omitempty"`
	RetryOf      string      `bson:"retry_of,omitempty"`
	Batch        string      `bson:"batch,omitempty"`
	Metadata     []noteDoc   `bson:"metadata,omitempty"`
	Origin       originDoc   `bson:",inline"`
	Strategy     string      `bson:"strategy,omitempty"`
	State        string      `bson:"state,omitempty"`
	Cause        string      `bson:"cause,omitempty"`
	Reason       string      `bson:"reason,omitempty"`
	By           string      `bson:"by,omitempty"`
	Until        time.Time   `bson:"until,omitempty"`
	RolledBackBy string      `bson:"rolled_back_by,omitempty"`
	Targets      int         `bson:"targets"`
	Wave         int         `bson:"wave"`
	Waves        int         `bson:"waves"`
	AcceptedAt   time.Time   `bson:"accepted_at,omitempty"`
	StartedAt    time.Time   `bson:"started_at,omitempty"`
	EndedAt      time.Time   `bson:"ended_at,omitempty"`
	EndedSeq     int64       `bson:"ended_seq,omitempty"`
	Counts       []countsDoc `bson:"counts,omitempty"` // by bucket
	// Words are what lists find it by; they follow from the names.
	Words []string `bson:"words,omitempty"`
}

// noteDoc is an element of a list: names of fields may not hold all that those of notes may.
// Lists find it as a whole, so that its fields stay these, in this order.
type noteDoc struct {
	Name  string `bson:"name"`
	Value string `bson:"value"`
}

type originDoc struct {
	Stage    string `bson:"stage,omitempty"`
	Template string `bson:"template,omitempty"`
	Group    string `bson:"group,omitempty"`
}

type countsDoc struct {
	Pending   int `bson:"pending"`
	Running   int `bson:"running"`
	Succeeded int `bson:"succeeded"`
	Failed    int `bson:"failed"`
	Skipped   int `bson:"skipped"`
	Cancelled int `bson:"cancelled,omitempty"`
}

type bucketDoc struct {
	ID         string      `bson:"_id"` // bucketID
	Seq        int64       `bson:"seq"`
	Deployment string      `bson:"deployment"`
	Index      int         `bson:"index"`
	Targets    []targetDoc `bson:"targets"`
}

type targetDoc struct {
	Host      string      `bson:"host"`
	Name      string      `bson:"name"`
	Wave      int         `bson:"wave"`
	State     string      `bson:"state"`
	Attempt   int         `bson:"attempt,omitempty"`
	Token     int64       `bson:"token,omitempty"`
	Executor  string      `bson:"executor,omitempty"`
	Step      string      `bson:"step,omitempty"`
	Done      int64       `bson:"done,omitempty"`
	Bytes     int64       `bson:"bytes,omitempty"`
	Steps     []stepDoc   `bson:"steps,omitempty"`
	StartedAt time.Time   `bson:"started_at,omitempty"`
	EndedAt   time.Time   `bson:"ended_at,omitempty"`
	Release   string      `bson:"release,omitempty"`
	Previous  string      `bson:"previous,omitempty"`
	Changed   bool        `bson:"changed,omitempty"`
	Note      string      `bson:"note,omitempty"`
	Failure   *failureDoc `bson:"failure,omitempty"`
}

type stepDoc struct {
	Step      string      `bson:"step"`
	State     string      `bson:"state"`
	StartedAt time.Time   `bson:"started_at,omitempty"`
	EndedAt   time.Time   `bson:"ended_at,omitempty"`
	Note      string      `bson:"note,omitempty"`
	Failure   *failureDoc `bson:"failure,omitempty"`
}

type failureDoc struct {
	Code   string `bson:"code"`
	Reason string `bson:"reason"`
}

type checkpointDoc struct {
	ID           string `bson:"_id"`
	Seq          int64  `bson:"seq"`
	Installation string `bson:"installation"`
	Holder       string `bson:"holder,omitempty"`
	Beat         int64  `bson:"beat,omitempty"`
}

type setAsideDoc struct {
	ID      string    `bson:"_id"` // the sequence
	Seq     int64     `bson:"seq"`
	At      time.Time `bson:"at,omitempty"`
	Subject string    `bson:"subject"`
	Reason  string    `bson:"reason"`
	Data    []byte    `bson:"data"`
}

func headerToDoc(h deploy.Header) headerDoc {
	d := headerDoc{
		ID: h.ID, Seq: int64(h.Seq), Kind: string(h.Kind), Project: h.Project, Application: h.Application, Path: h.Path,
		Version: h.Version, Package: h.Package, From: h.From, RollbackOf: h.RollbackOf, Actor: h.Actor,
		RetryOf: h.RetryOf, Batch: h.Batch, Origin: originDoc(h.Origin), Strategy: string(h.Strategy),
		State: string(h.State), Cause: string(h.Cause), Reason: h.Reason, By: h.By, Until: h.Until,
		RolledBackBy: h.RolledBackBy,
		Targets:      h.Targets, Wave: h.Wave, Waves: h.Waves,
		AcceptedAt: h.AcceptedAt, StartedAt: h.StartedAt, EndedAt: h.EndedAt, EndedSeq: int64(h.EndedSeq),
		Words: query.WordsOf(h),
	}
	for _, n := range h.Metadata {
		d.Metadata = append(d.Metadata, noteDoc(n))
	}
	for _, c := range h.Counts {
		d.Counts = append(d.Counts, countsDoc(c))
	}
	return d
}

func (d headerDoc) toHeader() deploy.Header {
	h := deploy.Header{
		ID: d.ID, Seq: uint64(d.Seq), Kind: deploy.Kind(d.Kind), Project: d.Project, Application: d.Application, Path: d.Path,
		Version: d.Version, Package: d.Package, From: d.From, RollbackOf: d.RollbackOf, Actor: d.Actor,
		RetryOf: d.RetryOf, Batch: d.Batch, Origin: deploy.Origin(d.Origin), Strategy: deploy.StrategyKind(d.Strategy),
		State: deploy.State(d.State), Cause: deploy.Cause(d.Cause), Reason: d.Reason, By: d.By, Until: d.Until,
		RolledBackBy: d.RolledBackBy,
		Targets:      d.Targets, Wave: d.Wave, Waves: d.Waves,
		AcceptedAt: d.AcceptedAt, StartedAt: d.StartedAt, EndedAt: d.EndedAt, EndedSeq: uint64(d.EndedSeq),
	}
	for _, n := range d.Metadata {
		h.Metadata = append(h.Metadata, deploy.Note(n))
	}
	for _, c := range d.Counts {
		h.Counts = append(h.Counts, deploy.Counts(c))
	}
	return h
}

func bucketToDoc(b deploy.Bucket) bucketDoc {
	d := bucketDoc{
		ID: bucketID(fold.BucketKey{Deployment: b.Deployment, Index: b.Index}), Seq: int64(b.Seq),
		Deployment: b.Deployment, Index: b.Index, Targets: make([]targetDoc, 0, len(b.Targets)),
	}
	for _, t := range b.Targets {
		d.Targets = append(d.Targets, targetToDoc(t))
	}
	return d
}

func (d bucketDoc) toBucket() deploy.Bucket {
	b := deploy.Bucket{Deployment: d.Deployment, Index: d.Index, Seq: uint64(d.Seq)}
	for _, t := range d.Targets {
		b.Targets = append(b.Targets, t.toTarget())
	}
	return b
}

func targetToDoc(t deploy.Target) targetDoc {
	d := targetDoc{
		Host: t.Host, Name: t.Name, Wave: t.Wave, State: string(t.State), Attempt: t.Attempt, Token: int64(t.Token),
		Executor: t.Executor, Step: string(t.Step), Done: t.Done, Bytes: t.Bytes,
		StartedAt: t.StartedAt, EndedAt: t.EndedAt, Release: t.Release, Previous: t.Previous, Changed: t.Changed,
		Note: t.Note, Failure: (*failureDoc)(t.Failure),
	}
	for _, s := range t.Steps {
		d.Steps = append(d.Steps, stepDoc{
			Step: string(s.Step), State: string(s.State), StartedAt: s.StartedAt, EndedAt: s.EndedAt,
			Note: s.Note, Failure: (*failureDoc)(s.Failure),
		})
	}
	return d
}

func (d targetDoc) toTarget() deploy.Target {
	t := deploy.Target{
		Host: d.Host, Name: d.Name, Wave: d.Wave, State: deploy.State(d.State), Attempt: d.Attempt, Token: uint64(d.Token),
		Executor: d.Executor, Step: deploy.Step(d.Step), Done: d.Done, Bytes: d.Bytes,
		StartedAt: d.StartedAt, EndedAt: d.EndedAt, Release: d.Release, Previous: d.Previous, Changed: d.Changed,
		Note: d.Note, Failure: (*deploy.Failure)(d.Failure),
	}
	for _, s := range d.Steps {
		t.Steps = append(t.Steps, deploy.StepRecord{
			Step: deploy.Step(s.Step), State: deploy.State(s.State), StartedAt: s.StartedAt, EndedAt: s.EndedAt,
			Note: s.Note, Failure: (*deploy.Failure)(s.Failure),
		})
	}
	return t
}
