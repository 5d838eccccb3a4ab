package display

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestFrames(t *testing.T) {
	many := fleet()
	for i := range 92 {
		many.Targets = append(many.Targets, client.Target{
			Name: fmt.Sprintf("more-%02d", i), State: []client.State{client.Pending, client.Succeeded, client.Running, client.Pending}[i%4],
		})
	}
	many.Deployment.Targets, many.Deployment.Counts = 100, client.Counts{Pending: 48, Running: 25, Succeeded: 25, Failed: 1, Skipped: 1}

	foreign := fleet()
	foreign.Deployment.Targets, foreign.Targets = 5, foreign.Targets[:5]
	for i, name := range []string{"東京-サーバー", "büro-größe", "👩‍🚀 rocket", "e\u0301tage", "خادم"} {
		foreign.Targets[i].Name = name
	}

	hostile := fleet()
	hostile.Deployment.Targets, hostile.Targets = 3, hostile.Targets[:3]
	hostile.Deployment.Version = "1\x1b]0;title\x07"
	hostile.Targets[0].Name = "a\x1b[2J\r\nroot#"
	hostile.Targets[1].Name, hostile.Targets[1].Step = "b\u202egnp.exe\u009b31m", "sta\tge"
	hostile.Targets[2].Failure.Reason = "line one\nline two\x00 \xff\xfe\x7f"
	hostile.Notice = "cannot reach \x1b[31mhost"

	back := fleet()
	back.Deployment.Kind, back.Deployment.Version, back.Deployment.From = client.KindRollback, "", "1.4.2"
	back.Deployment.Targets, back.Deployment.Waves, back.Targets = 2, 1, []client.Target{
		{Name: "web-1", State: client.Succeeded, Previous: "1.4.2", Release: "1.4.1", Changed: true, StartedAt: after(0), EndedAt: after(100)},
		{Name: "web-2", State: client.Succeeded, Release: "1.5.0", Note: "runs 1.5.0: left alone", StartedAt: after(0), EndedAt: after(100)},
	}

	paused := fleet()
	paused.Deployment.State, paused.Deployment.Cause, paused.Deployment.By = client.Paused, "paused_by_person", "anna\x1b[1m"
	paused.Deployment.Reason, paused.Deployment.Until = "lunch", after(60_000)
	paused.Targets[7].State = client.Cancelled
	cases := []struct {
		name          string
		view          View
		width, height int
		color         bool
	}{
		{"wide", fleet(), 120, 40, false},
		{"color", fleet(), 80, 40, true},
		{"narrow", fleet(), 45, 40, false},
		{"very-narrow", fleet(), 24, 40, false},
		{"many", many, 80, 14, false},
		{"tiny", many, 20, 4, false},
		{"foreign", foreign, 80, 24, false},
		{"hostile", hostile, 100, 24, false},
		{"rollback", back, 80, 24, false},
		{"paused", paused, 80, 24, false},
		{"nothing-yet", View{Notice: "cannot reach 192.0.2.1: connection refused; trying again"}, 80, 24, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			golden(t, "frame-"+c.name, Frame(c.view, c.width, c.height, c.color))
		})
	}
}

func TestAFrameFitsItsTerminalWhateverIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := View{Now: noon, Notice: rapid.String().Draw(t, "notice")}
		v.Deployment = client.Deployment{ID: "x", Application: rapid.String().Draw(t, "application"), Waves: 2, AcceptedAt: noon}
		states := []client.State{client.Pending, client.Running, client.Succeeded, client.Failed, client.Skipped, client.Cancelled, "new"}
		v.Deployment.State = rapid.SampledFrom([]client.State{client.Running, client.Holding, client.AwaitingApproval, "new"}).Draw(t, "standing")
		v.Deployment.Cause, v.Deployment.Reason = rapid.String().Draw(t, "cause"), rapid.String().Draw(t, "reason")
		for range rapid.IntRange(0, 40).Draw(t, "hosts") {
			v.Targets = append(v.Targets, client.Target{
				Name: rapid.String().Draw(t, "name"), State: rapid.SampledFrom(states).Draw(t, "state"),
				Step: rapid.String().Draw(t, "step"), Note: string(rapid.SliceOf(rapid.Byte()).Draw(t, "note")),
				DoneBytes: rapid.Int64().Draw(t, "done"), TotalBytes: rapid.Int64().Draw(t, "total"), StartedAt: after(0),
			})
		}
		width, height := rapid.IntRange(9, 150).Draw(t, "width"), rapid.IntRange(2, 60).Draw(t, "height")
		lines := Frame(v, width, height, false)
		require.Less(t, len(lines), height)
		for _, l := range lines {
			require.Less(t, cells(l), width, "%q", l)
			require.Equal(t, l, Clean(l))
		}
	})
}

func TestTransfer(t *testing.T) {
	golden(t, "transfer", append(append(append(
		Transfer("uploading shop-1.4.2.tar.gz", 9_000_000, 20_000_000, 3*time.Second, "", 80, false),
		Transfer("reading x\x1b.jar", 0, 512, 0, "", 80, false)...),
		Transfer("uploading shop-1.4.2.tar.gz", 20_000_000, 20_000_000, 3*time.Second, "", 30, false)...),
		Transfer("uploading a", 1, 2, time.Second, "the server says: no", 80, false)...))
}

func TestAFleetThatFailsDoesNotHideWhatRuns(t *testing.T) {
	v := fleet()
	v.Targets = nil
	for i := range 50 {
		v.Targets = append(v.Targets, client.Target{Name: fmt.Sprint("bad-", i), State: client.Failed},
			client.Target{Name: fmt.Sprint("busy-", i), State: client.Running})
	}
	drawn := strings.Join(Frame(v, 80, 14, false), "\n")
	require.Contains(t, drawn, "bad-0")
	require.Contains(t, drawn, "busy-0")
}
