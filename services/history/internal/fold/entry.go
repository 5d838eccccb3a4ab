package fold

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	// maxTargets of one deployment. An ordinal beyond it is a mistake, and one
	// that would make the header as large as the ordinal.
	maxTargets = 100_000
	// maxText of a note or a reason, in bytes, in a document. Some hundred of them
	// share one, and a store bounds the size of a document (MongoDB: 16 MB).
	maxText = 2048
	// maxLine of output, likewise: a page has two hundred. An executor keeps half of it.
	maxLine = 8 << 10
	maxWord = 32 // where there are but few words to choose from
)

// errUnfit says that a message can be read but not be folded.
var errUnfit = errors.New("unfit event")

// Entry is one message of EV: a record of a deployment, or what is to be set
// aside.
type Entry struct {
	Seq        uint64
	At         time.Time // when EV stored it
	Behind     uint64    // messages that EV held beyond it when it was read
	Deployment string
	Record     deploy.Record
	Rejected   *Rejected // not nil: the message cannot be folded

	gone    bool // its deployment is archived: it changes nothing
	subject string
	data    []byte
}

// folds says whether the entry is folded into documents.
func (e Entry) folds() bool { return e.Rejected == nil && !e.gone }

// Decode reads a message that is stored in EV under this sequence and subject.
// What is no event that can be folded comes back as rejected.
func Decode(seq uint64, subject string, at time.Time, data []byte) Entry {
	m, record, err := decode(seq, subject, data)
	e := Entry{Seq: seq, At: at, Deployment: m.Deployment, Record: record, subject: subject, data: data}
	if err != nil {
		e.reject(err.Error())
	}
	return e
}

// reject notes that the entry cannot be folded.
func (e *Entry) reject(reason string) {
	e.Rejected = &Rejected{Seq: e.Seq, Subject: e.subject, Reason: clip(reason), At: e.At, Data: e.data}
}

func decode(seq uint64, subject string, data []byte) (contract.Message, deploy.Record, error) {
	m, err := contract.Decode(data)
	if err != nil {
		return m, deploy.Record{}, err
	}
	record, err := contract.EventRecord(m, seq)
	if err != nil {
		return m, record, err
	}
	if !contract.ValidToken(m.Deployment) {
		return m, record, fmt.Errorf("%w: %q cannot be the id of a deployment", errUnfit, m.Deployment)
	}
	switch subject {
	case contract.SystemEventSubject(m.Deployment), contract.StopSubject(m.Deployment), contract.JobEventSubject(m.Deployment, m.Host),
		contract.OutputSubject(m.Deployment, m.Host):
	default:
		return m, record, fmt.Errorf("%w: it says that it is about deployment %s and host %q, its subject says otherwise",
			errUnfit, m.Deployment, m.Host)
	}
	if m.Token > math.MaxInt64 {
		return m, record, fmt.Errorf("%w: no sequence can be %d", errUnfit, m.Token)
	}
	record.Event, err = fit(record.Event)
	return m, record, err
}

// fit refuses what would break a document, and clips texts that would make one
// too large.
func fit(event deploy.Event) (deploy.Event, error) {
	switch e := event.(type) {
	case deploy.WasAccepted:
		if e.Targets < 0 || e.Targets > maxTargets {
			return nil, fmt.Errorf("%w: %d targets", errUnfit, e.Targets)
		}
	case deploy.WasPlanned:
		last := e.First + len(e.Targets) - 1
		if e.First < 0 || e.First >= maxTargets || last/deploy.PieceSize > e.First/deploy.PieceSize {
			return nil, fmt.Errorf("%w: targets %d to %d are not in one bucket of %d", errUnfit, e.First, last, deploy.PieceSize)
		}
	case deploy.WasStatus:
		e.Status.Reason = clip(e.Status.Reason)
		return e, nil
	case deploy.WasConcluded:
		e.Reason = clip(e.Reason)
		return e, nil
	case deploy.JobStarted:
		return e, fitTarget(e.On)
	case deploy.JobProgressed:
		return e, fitTarget(e.On)
	case deploy.StepChanged:
		e.Note, e.Failure = clip(e.Note), clipFailure(e.Failure)
		return e, fitTarget(e.On)
	case deploy.JobEnded:
		e.Note, e.Failure = clip(e.Note), clipFailure(e.Failure)
		if e.Last != nil {
			last := *e.Last
			last.Note, last.Failure = clip(last.Note), clipFailure(last.Failure)
			e.Last = &last
		}
		return e, fitTarget(e.On)
	case deploy.OutputSaid:
		return fitOutput(e)
	}
	return event, nil
}

// fitOutput is fit for lines.
func fitOutput(e deploy.OutputSaid) (deploy.Event, error) {
	if e.First < 1 || e.First > math.MaxInt32 || len(e.Lines) == 0 || len(e.Lines) > contract.OutputLines {
		return nil, fmt.Errorf("%w: %d lines from %d on", errUnfit, len(e.Lines), e.First)
	}
	e.Step = deploy.Step(clipTo(string(e.Step), maxWord))
	lines := make([]deploy.OutputLine, len(e.Lines))
	for i, l := range e.Lines {
		lines[i] = deploy.OutputLine{Time: l.Time, Stream: clipTo(l.Stream, maxWord), Level: clipTo(l.Level, maxWord), Text: clipTo(l.Text, maxLine)}
	}
	e.Lines = lines
	return e, fitTarget(e.On)
}

func fitTarget(on deploy.TargetRef) error {
	if on.Target < 0 || on.Target >= maxTargets {
		return fmt.Errorf("%w: no target can be number %d", errUnfit, on.Target)
	}
	return nil
}

func clipFailure(f *deploy.Failure) *deploy.Failure {
	if f == nil {
		return nil
	}
	return &deploy.Failure{Code: f.Code, Reason: clip(f.Reason)}
}

func clip(s string) string { return clipTo(s, maxText) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
