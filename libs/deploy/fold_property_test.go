package deploy_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// The properties hold for any events in any order, legal or not, so they are
// drawn without regard for what a deployment would do.
var (
	anyState = rapid.SampledFrom(append([]deploy.State{""}, states...))
	anyCause = rapid.SampledFrom(append([]deploy.Cause{""}, deploy.Causes()...))
	anyActor = rapid.SampledFrom([]string{"", "ann", "bob"})
	// anyStatus is, more often than anyState, one that a deployment may come to.
	anyStatus = rapid.Custom(func(t *rapid.T) deploy.Status {
		s := deploy.Status{
			State: rapid.OneOf(anyState, rapid.SampledFrom(deploy.OfDeployment.States())).Draw(t, "state"),
			Cause: anyCause.Draw(t, "cause"), By: anyActor.Draw(t, "by"),
		}
		if rapid.Bool().Draw(t, "waits") {
			s.Until = at(1000)
		}
		return s
	})
	anyStep = rapid.SampledFrom(deploy.KindDeploy.Steps(everything))
	anyRef  = rapid.Custom(func(t *rapid.T) deploy.TargetRef {
		target := rapid.SampledFrom([]int{0, 1, 99, 100, 230}).Draw(t, "target")
		return deploy.TargetRef{
			Target: target, Host: string(rune('A' + target)),
			Attempt: rapid.IntRange(1, 3).Draw(t, "attempt"), Token: rapid.Uint64Range(1, 9).Draw(t, "token"),
		}
	})
	anyEvent = rapid.OneOf(
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.WasAccepted{Kind: deploy.KindDeploy, Targets: 231, Waves: rapid.IntRange(1, 3).Draw(t, "waves"), AcceptedAt: at(0)}
		}),
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.WasPlanned{
				First:   deploy.PieceSize * rapid.IntRange(0, 2).Draw(t, "piece"),
				Targets: []deploy.PlannedTarget{{"a", "A", 0}, {"b", "B", 1}},
			}
		}),
		rapid.Custom(func(t *rapid.T) deploy.Event { return deploy.WaveBegan{Wave: rapid.IntRange(0, 2).Draw(t, "wave")} }),
		rapid.Custom(func(t *rapid.T) deploy.Event { return deploy.WasStatus{Status: anyStatus.Draw(t, "status")} }),
		rapid.Custom(func(t *rapid.T) deploy.Event { return deploy.WasStopped{Cause: anyCause.Draw(t, "cause")} }),
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.WasConcluded{State: anyState.Draw(t, "state"), Cause: anyCause.Draw(t, "cause"), By: anyActor.Draw(t, "by")}
		}),
		rapid.Custom(func(t *rapid.T) deploy.Event { return deploy.JobStarted{On: anyRef.Draw(t, "on"), Executor: "ex"} }),
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.StepChanged{On: anyRef.Draw(t, "on"), Step: anyStep.Draw(t, "step"), State: anyState.Draw(t, "state")}
		}),
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.JobProgressed{On: anyRef.Draw(t, "on"), Step: anyStep.Draw(t, "step"), Done: rapid.Int64Range(0, 9).Draw(t, "done"), Total: 9}
		}),
		rapid.Custom(func(t *rapid.T) deploy.Event {
			return deploy.JobEnded{On: anyRef.Draw(t, "on"), State: anyState.Draw(t, "state"), Changed: rapid.Bool().Draw(t, "changed")}
		}),
	)
	// anyRecords is a stream of which other deployments have most sequences.
	anyRecords = rapid.Custom(func(t *rapid.T) []deploy.Record {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deploy.Record {
			return deploy.Record{Seq: rapid.Uint64Range(1, 5).Draw(t, "gap"), Event: anyEvent.Draw(t, "event")}
		}), 1, 60).Draw(t, "records")
		for i := range records {
			if i > 0 {
				records[i].Seq += records[i-1].Seq
			}
			records[i].Time = at(int(records[i].Seq))
		}
		return records
	})
)

func TestAnyRepetitionInOrderFoldsToTheSameDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := anyRecords.Draw(t, "stream")
		var got document
		for to := 0; to < len(records); {
			from := rapid.IntRange(0, to).Draw(t, "from")
			to = rapid.IntRange(max(from, to), len(records)).Draw(t, "to")
			got = got.fold(records[from:to]...)
		}
		require.Equal(t, document{}.fold(records...), got)
	})
}

func TestATerminalStateNeverChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d document
		for _, r := range anyRecords.Draw(t, "stream") {
			next := d.fold(r)
			if d.header.State.Terminal() {
				require.Equal(t, d.header.State, next.header.State)
				require.Equal(t, d.header.EndedAt, next.header.EndedAt)
				require.Equal(t, standing(d.header), standing(next.header))
			}
			for i, b := range d.buckets {
				for j, was := range b.Targets {
					if was.State.Terminal() {
						is := next.buckets[i].Targets[j]
						was.Name, was.Wave, was.Host = is.Name, is.Wave, is.Host // a plan that comes late names it
						require.Equal(t, was, is)
					}
				}
			}
			d = next
		}
	})
}

// A header goes from state to state as the table says, and by the events that
// say so: jobs never move one that rests, nor waves one that stops. An end alone
// may come without the stop before it.
func TestAHeaderMovesByTheTableAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d document
		for _, r := range anyRecords.Draw(t, "stream") {
			next := d.fold(r)
			was, is := standing(d.header), standing(next.header)
			if was != is {
				from := was.State
				if is.State.Terminal() {
					require.False(t, from.Terminal())
					from = deploy.Halting
				}
				if was.State != is.State { // the same may stand for another reason
					require.True(t, deploy.OfDeployment.CanFollow(from, is.State), "%s → %s", was.State, is.State)
				}
				switch e := r.Event.(type) {
				case deploy.WasStatus:
					require.Equal(t, e.Status, is)
				case deploy.WasConcluded:
					require.Equal(t, deploy.Status{State: e.State, Cause: e.Cause, Reason: e.Reason, By: e.By}, is)
				case deploy.WasAccepted:
					require.Equal(t, deploy.Accepted, is.State)
				case deploy.WaveBegan:
					require.NotContains(t, []deploy.State{deploy.Halting, deploy.Reverting}, was.State)
					require.Equal(t, deploy.Status{State: deploy.Running}, is)
				default:
					require.Contains(t, []deploy.State{"", deploy.Accepted, deploy.AwaitingApproval, deploy.Scheduled, deploy.Waiting}, was.State, "%T", e)
					require.Equal(t, deploy.Status{State: deploy.Running}, is, "%T", e)
				}
			}
			require.Equal(t, is.State.Terminal(), !next.header.EndedAt.IsZero())
			d = next
		}
	})
}

func TestCountsAreTheSumOfTheBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d document
		for _, r := range anyRecords.Draw(t, "stream") {
			d = d.fold(r)
			var ended deploy.Counts
			known := 0
			for i, c := range d.header.Counts {
				require.Equal(t, d.buckets[i].Counts(), c)
				require.Equal(t, len(d.buckets[i].Targets), c.Pending+c.Running+c.Succeeded+c.Failed+c.Skipped+c.Cancelled)
				known += len(d.buckets[i].Targets)
				ended.Running += c.Running
				ended.Succeeded += c.Succeeded
				ended.Failed += c.Failed
				ended.Skipped += c.Skipped
				ended.Cancelled += c.Cancelled
			}
			require.Len(t, d.header.Counts, maxKey(d.buckets)+1)
			total := d.header.Total()
			require.Equal(t, max(known, d.header.Targets),
				total.Pending+total.Running+total.Succeeded+total.Failed+total.Skipped+total.Cancelled, "every target is counted once")
			total.Pending = 0
			require.Equal(t, ended, total)
		}
	})
}

func maxKey(buckets map[int]deploy.Bucket) int {
	last := -1
	for i := range buckets {
		last = max(last, i)
	}
	return last
}

// History writes the documents of a batch one after another and moves its
// checkpoint last. Whichever of them a crash keeps, the batch comes again.
func TestACrashBetweenTheWritesOfABatchChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := anyRecords.Draw(t, "stream")
		stored := document{buckets: map[int]deploy.Bucket{}}
		for checkpoint := 0; checkpoint < len(records); {
			end := rapid.IntRange(checkpoint+1, len(records)).Draw(t, "end of batch")
			folded := stored.fold(records[checkpoint:end]...)
			crashes := rapid.IntRange(0, 2).Draw(t, "crash") == 0
			for i, b := range folded.buckets {
				if !crashes || rapid.Bool().Draw(t, "bucket is written") {
					stored.buckets[i] = b
				}
			}
			if !crashes || rapid.Bool().Draw(t, "header is written") {
				stored.header = folded.header
			}
			if !crashes {
				checkpoint = end
			}
		}
		require.Equal(t, document{}.fold(records...), stored)
	})
}

func TestFoldingLeavesTheDocumentFromBeforeAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := anyRecords.Draw(t, "stream")
		cut := rapid.IntRange(0, len(stream)-1).Draw(t, "cut")
		before, same := document{}.fold(stream[:cut]...), document{}.fold(stream[:cut]...)
		before.fold(stream[cut:]...)
		require.Equal(t, same, before)
		require.Equal(t, same.fold(slices.Clone(stream[cut:])...), before.fold(stream[cut:]...))
	})
}
