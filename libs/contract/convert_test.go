package contract_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return at
}

func TestEventsConvertIntoTheDomain(t *testing.T) {
	const (
		deployment = "d4k2p8rme3rs73f1q0a0"
		web, db    = "d4k1c0jme3rs73f1q010", "d4k1c0jme3rs73f1q01g"
		seq        = 48213
	)
	on := deploy.TargetRef{Target: 117, Host: web, Attempt: 2, Token: seq}
	said := moment(t, "2026-11-21T09:15:42.500771346Z")
	cases := map[string]deploy.Event{
		"ev.deployment.accepted": deploy.WasAccepted{
			Kind: deploy.KindDeploy, Project: "shop", Application: "api", Path: "/srv/api", Version: "2.4.1",
			Package: "d4k1vvbme3rs73f1q050", Actor: "ci", Targets: 150, Waves: 3,
			Strategy: deploy.Canary, RetryOf: "d4k2n1jme3rs73f1q060", Batch: "d4k2m9bme3rs73f1q040",
			Metadata: []deploy.Note{{Name: "ticket", Value: "SHOP-42"}}, Origin: deploy.Origin{Stage: "production", Template: "nightly", Group: "web-eu"},
			AcceptedAt: moment(t, "2026-11-21T09:15:03.218764511Z"),
		},
		"ev.deployment.accepted.rollback": deploy.WasAccepted{
			Kind: deploy.KindRollback, Project: "shop", Application: "api", Path: "/srv/api", Version: "2.3.9",
			From: "2.4.1", RollbackOf: deployment, Actor: "admin", Targets: 150, Waves: 3,
			Strategy: deploy.Rolling, AcceptedAt: moment(t, "2026-11-21T09:31:47.900125Z"),
		},
		"ev.deployment.planned": deploy.WasPlanned{First: 100, Targets: []deploy.PlannedTarget{
			{Host: web, Name: "web-1 (Fürth)", Wave: 1}, {Host: db, Name: "db-1", Wave: 2},
		}},
		"ev.deployment.wave": deploy.WaveBegan{Wave: 1},
		"ev.deployment.status": deploy.WasStatus{Status: deploy.Status{
			State: deploy.Holding, Cause: deploy.CauseCanary, Until: moment(t, "2026-11-21T10:15:44.801337021Z"),
		}},
		"ev.deployment.status.paused": deploy.WasStatus{Status: deploy.Status{
			State: deploy.Paused, Cause: deploy.CausePaused, Reason: "the database is being moved", By: "ann",
		}},
		"ev.deployment.status.minimal": deploy.WasStatus{Status: deploy.Status{State: deploy.Running}},
		"ev.deployment.stop":           deploy.WasStopped{Cause: deploy.CauseBudget},
		"ev.deployment.concluded": deploy.WasConcluded{
			State: deploy.Failed, Cause: deploy.CauseBroken, Reason: "the snapshot of its targets is not there",
		},
		"ev.deployment.concluded.cancelled": deploy.WasConcluded{
			State: deploy.Cancelled, Cause: deploy.CauseCancelled, Reason: "wrong version", By: "ann",
		},
		"ev.deployment.concluded.minimal": deploy.WasConcluded{State: deploy.Succeeded},
		// The sequence under which it is stored is the token; the message cannot know it.
		"ev.job.started": deploy.JobStarted{On: on, Executor: "executor-7c9f5-x2m4k"},
		"ev.job.step": deploy.StepChanged{
			On: on, Step: deploy.StepStage, State: deploy.Failed,
			StartedAt: moment(t, "2026-11-21T09:15:41.190310022Z"), EndedAt: moment(t, "2026-11-21T09:15:44.733098214Z"),
			Note:    "tried 2 times",
			Failure: &deploy.Failure{Code: contract.FailDiskFull, Reason: "no space left on /srv: 12 MB free, 61 MB needed"},
		},
		"ev.job.step.minimal": deploy.StepChanged{
			On:   deploy.TargetRef{Host: web, Attempt: 1, Token: seq},
			Step: deploy.StepConnect, State: deploy.Running, StartedAt: moment(t, "2026-11-21T09:15:41.018112605Z"),
		},
		"ev.job.started.step": deploy.JobStarted{On: on, Executor: "executor-7c9f5-x2m4k", Step: deploy.StepConnect},
		"ev.job.step.next": deploy.StepChanged{
			On: on, Step: deploy.StepConnect, State: deploy.Succeeded,
			StartedAt: moment(t, "2026-11-21T09:15:41.017442908Z"), EndedAt: moment(t, "2026-11-21T09:15:41.190310022Z"),
			Next: deploy.StepStage,
		},
		"ev.job.ended.step": deploy.JobEnded{
			On: on, State: deploy.Failed, Release: "2.4.0",
			Failure: &deploy.Failure{Code: contract.FailDiskFull, Reason: "no space left on /srv: 12 MB free, 61 MB needed"},
			Last: &deploy.StepRecord{
				Step: deploy.StepStage, State: deploy.Failed,
				StartedAt: moment(t, "2026-11-21T09:15:54.733402519Z"), EndedAt: moment(t, "2026-11-21T09:15:58.119733098Z"),
				Note:    "tried 2 times",
				Failure: &deploy.Failure{Code: contract.FailDiskFull, Reason: "no space left on /srv: 12 MB free, 61 MB needed"},
			},
		},
		"ev.job.progress": deploy.JobProgressed{On: on, Step: deploy.StepStage, Done: 8388608, Total: 20971520},
		"ev.job.output": deploy.OutputSaid{On: on, Step: deploy.StepDuring, First: 41, Lines: []deploy.OutputLine{
			{Time: said, Stream: "slipway", Level: "info", Text: `hook "migrate"`},
			{Time: said, Stream: "stdout", Level: "info", Text: "20261121_add_prices: it's done\t✓"},
			{Time: said, Stream: "stderr", Level: "info"},
			{Time: said, Stream: "slipway", Level: "warn", Text: "12 lines are missing here: the message broker did not take them"},
			{Time: said, Stream: "slipway", Level: "error", Text: `hook "migrate": the command failed: it ended with status 1`},
		}},
		"ev.job.ended": deploy.JobEnded{
			On: on, State: deploy.Failed, Release: "2.4.1", Previous: "2.4.0", Changed: true,
			Note:    "2.4.1 runs; old releases were not removed",
			Failure: &deploy.Failure{Code: contract.FailConnectionLost, Reason: "the connection broke 3 times while old releases were removed"},
		},
		"ev.job.ended.minimal": deploy.JobEnded{On: deploy.TargetRef{Host: web}, State: deploy.Skipped},
		"ev.job.ended.cancelled": deploy.JobEnded{
			On: deploy.TargetRef{Host: web}, State: deploy.Cancelled, Note: "the deployment was cancelled before this host began",
		},
	}
	converted := map[contract.Type]bool{}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			m := golden(t, name)
			converted[m.Type] = true
			got, err := contract.EventRecord(m, seq)
			require.NoError(t, err)
			require.Equal(t, deploy.Record{Seq: seq, Time: m.Time, Event: want}, got)
		})
	}
	for _, typ := range contract.Types() {
		require.Equal(t, strings.HasPrefix(string(typ), "slipway.v1.ev."), converted[typ], "%s is an event and converts, or neither", typ)
	}
}

func TestWhatIsNoEventDoesNotConvert(t *testing.T) {
	for _, e := range examples(t) {
		if strings.HasPrefix(e.file, "ev.") {
			continue
		}
		_, err := contract.EventRecord(e.message, 1)
		require.ErrorIs(t, err, contract.ErrUnknownType, e.file)
	}
}
