package jobs

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/runtimes"
)

// plan is a job as the steps need it: where, and what of.
type plan struct {
	kind   deploy.Kind
	app    contract.Application
	work   *contract.Work // deploy, rollback; nil: none
	target contract.Target
	pkg    contract.Package // deploy
	from   string           // rollback: release to leave
	to     string           // rollback: release to go to; empty: what ran before
	limits contract.JobLimits

	reversible bool // deploy: hosts may yet go back to what ran before

	runtime   runtimes.Runtime  // deploy, rollback
	programs  contract.Programs // init
	switching switching         // traffic, retire
}

func planOf(m contract.Message) (plan, error) {
	switch b := m.Body.(type) {
	case contract.DeployJob:
		runtime, err := runtimeOf(b.Work)
		return plan{kind: deploy.KindDeploy, runtime: runtime, app: b.Application, work: b.Work, target: b.Target, pkg: b.Package, limits: orNone(b.Limits), reversible: b.Reversible}, err
	case contract.RollbackJob:
		runtime, err := runtimeOf(b.Work)
		return plan{kind: deploy.KindRollback, runtime: runtime, app: b.Application, work: b.Work, target: b.Target, from: b.From, to: b.To, limits: orNone(b.Limits)}, err
	case contract.InitJob:
		return plan{kind: deploy.KindInit, app: b.Application, programs: b.Programs, target: b.Target, limits: orNone(b.Limits)}, nil
	case contract.TrafficJob:
		return plan{kind: deploy.KindTraffic, app: b.Application, target: b.Target, limits: orNone(b.Limits), switching: switching{
			version: b.Version, from: b.From, to: b.To, haproxy: b.Traffic.HAProxy, command: b.Traffic.Command,
		}}, nil
	case contract.RetireJob:
		return plan{kind: deploy.KindRetire, app: b.Application, target: b.Target, limits: orNone(b.Limits), switching: switching{
			version: b.Version, from: b.From, to: b.To, command: b.Command,
		}}, nil
	default:
		return plan{}, fmt.Errorf("%w: %q is no job", contract.ErrUnknownType, m.Type)
	}
}

// runtimeOf is the runtime of work that may be none.
func runtimeOf(w *contract.Work) (runtimes.Runtime, error) {
	if w == nil {
		return runtimes.Of(nil)
	}
	return runtimes.Of(w.Runtime)
}

func orNone(l *contract.JobLimits) contract.JobLimits {
	if l == nil {
		return contract.JobLimits{}
	}
	return *l
}

// shorter is the time that the executor allows, or what the job asks for where
// that is less.
func shorter(allowed time.Duration, asked int64) time.Duration {
	if asked > 0 {
		return min(allowed, time.Duration(asked)*time.Millisecond)
	}
	return allowed
}
