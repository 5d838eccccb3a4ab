package courier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

var cfg = Config{RetryFirst: 5 * time.Second, RetryLongest: time.Hour, RetryFor: 24 * time.Hour, PauseAfter: 72 * time.Hour}

func said(status int, err string) answer {
	return answer{Attempt: webhooks.Attempt{Status: status, Error: err}}
}

func TestADeliveryIsTriedForADayAndThenDead(t *testing.T) {
	for _, jitter := range []float64{0, 0.999} {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		d := webhooks.Delivery{Type: "deployment.failed", State: webhooks.Waiting, CreatedAt: now}
		for d.State == webhooks.Waiting {
			d = cfg.after(d, said(500, "it answered 500"), now, jitter)
			if d.State == webhooks.Waiting {
				pause := d.Next.Sub(now)
				require.LessOrEqual(t, pause, time.Hour)
				require.GreaterOrEqual(t, pause, 2500*time.Millisecond)
				now = d.Next
			}
		}
		require.Equal(t, webhooks.Dead, d.State)
		require.Greater(t, now.Sub(d.CreatedAt), 22*time.Hour)
		require.LessOrEqual(t, now.Sub(d.CreatedAt), 24*time.Hour)
		require.Less(t, d.Attempts, 70)
	}
}

func TestWhatFollowsFromAnAnswer(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(typ string) webhooks.Delivery {
		return webhooks.Delivery{Type: typ, State: webhooks.Waiting, CreatedAt: now}
	}
	for name, c := range map[string]struct {
		typ    string
		answer answer
		state  webhooks.DeliveryState
		next   time.Duration
	}{
		"taken":                {"host.failed", said(202, ""), webhooks.Delivered, 0},
		"failed":               {"host.failed", said(404, "it answered 404"), webhooks.Waiting, 2500 * time.Millisecond},
		"no answer":            {"host.failed", said(0, "its server refuses connections"), webhooks.Waiting, 2500 * time.Millisecond},
		"gone":                 {"host.failed", said(410, "it answered 410"), webhooks.Dead, 0},
		"a test is sent once":  {webhooks.TypeTest, said(500, "it answered 500"), webhooks.Dead, 0},
		"asked to wait":        {"host.failed", answer{said(429, "x").Attempt, time.Minute}, webhooks.Waiting, time.Minute},
		"asked to wait a week": {"host.failed", answer{said(503, "x").Attempt, 7 * 24 * time.Hour}, webhooks.Waiting, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			d := cfg.after(of(c.typ), c.answer, now, 0)
			require.Equal(t, c.state, d.State)
			require.Equal(t, 1, d.Attempts)
			if c.state == webhooks.Waiting {
				require.Equal(t, c.next, d.Next.Sub(now))
			} else {
				require.Equal(t, now, d.EndedAt)
			}
		})
	}
}

func TestAReceiversHealth(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := webhooks.Delivery{Type: "host.failed"}
	w := cfg.health(webhooks.Webhook{State: webhooks.Active}, d, said(500, "it answered 500"), now)
	require.Equal(t, now, w.Failing.Since)
	require.Equal(t, webhooks.Active, w.State)
	later := cfg.health(w, d, said(502, "it answered 502"), now.Add(71*time.Hour))
	require.Equal(t, w, later, "the first failure counts")
	require.Nil(t, cfg.health(w, d, said(200, ""), now).Failing)
	require.Equal(t, w, cfg.health(w, webhooks.Delivery{Type: webhooks.TypeTest}, said(410, "it answered 410"), now), "a test says nothing")

	paused := cfg.health(w, d, said(502, "it answered 502"), now.Add(72*time.Hour))
	require.Equal(t, webhooks.Paused, paused.State)
	require.Equal(t, webhooks.BySlipway, paused.Stopped.By)
	require.True(t, paused.Untold)
	gone := cfg.health(w, d, said(410, "it answered 410"), now)
	require.Equal(t, webhooks.Disabled, gone.State)
	byPerson := webhooks.Webhook{State: webhooks.Active}.Pause("ann", "", now)
	require.Equal(t, byPerson, cfg.health(byPerson, d, said(410, "it answered 410"), now))
	require.Equal(t, webhooks.Webhook{State: webhooks.Active}, paused.Resume(7), "what happened meanwhile waits")
	require.Equal(t, webhooks.Webhook{State: webhooks.Active, Since: 7}, gone.Resume(7))
}

func TestARecordIsFreeOnceItsHolderIsSilent(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var w watch
	held := record{Holder: "g1"}
	require.True(t, (&watch{}).free(record{}, 1, now, time.Minute), "nobody holds it")
	require.False(t, w.free(held, 7, now, time.Minute))
	require.False(t, w.free(held, 7, now.Add(59*time.Second), time.Minute))
	require.False(t, w.free(held, 8, now.Add(time.Minute), time.Minute), "it was written")
	require.False(t, w.free(held, 8, now.Add(119*time.Second), time.Minute))
	require.True(t, w.free(held, 8, now.Add(2*time.Minute), time.Minute))
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:04:05 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(text, now), text)
	}
}
