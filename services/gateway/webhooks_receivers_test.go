package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestAReceiverThatIsGoneIsAskedNoMoreAndOthersAreTold(t *testing.T) {
	f := start(t, withWebhooks(t))
	all := make(chan struct{})
	gone, other := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		<-all
		w.WriteHeader(http.StatusGone)
	}), newReceiver(t, nil)
	id, _ := f.hook(object{"url": gone.URL})
	f.hook(object{"url": other.URL, "events": []string{"webhook.*"}})
	f.runs("d1")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries").column("id")) == 4 }, "all are under way")
	close(all)
	w := f.stands(id, "disabled")
	require.Equal(t, "slipway", w["stopped"].(map[string]any)["by"])
	told := other.await(1)[0].event(t)
	require.Equal(t, "com.slipway.webhook.disabled", told["type"])
	require.Equal(t, map[string]any{"webhook": id, "owner": "bootstrap", "state": "disabled", "reason": "the receiver answered 410 Gone"}, told["data"])
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=dead").column("id")) == 4 }, "what was under way is dead")
	require.Len(t, gone.got(), 1, "it was asked once")
	f.post("/v1/webhooks/"+id+"/test", nil).refused(409, "state_conflict")
	dead := f.get("/v1/webhooks/" + id + "/deliveries").column("id")
	f.post("/v1/webhooks/"+id+"/deliveries/"+dead[3]+"/replay", nil).refused(409, "state_conflict")

	gone.behave(nil)
	f.post("/v1/webhooks/"+id+"/resume", nil).is(200)
	f.runs("d2")
	gone.await(5)
	require.Equal(t, course, gone.types()[1:])
}

func TestAReceiverThatFailsForLongIsPausedAndWhatIsForItWaits(t *testing.T) {
	f := start(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.PauseAfter = 200 * time.Millisecond })
	rc, other := newReceiver(t, answering(503)), newReceiver(t, nil)
	id, _ := f.hook(object{"url": rc.URL})
	f.hook(object{"url": other.URL, "events": []string{"webhook.paused"}})
	f.runs("d1")
	w := f.stands(id, "paused")
	require.Contains(t, w["stopped"].(map[string]any)["reason"], "it answered 503")
	require.Equal(t, []string{id}, f.get("/v1/webhooks?state=paused").is(200).column("id"))
	require.Equal(t, id, other.await(1)[0].event(t)["data"].(map[string]any)["webhook"])
	f.runs("d2")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == 8 }, "all wait")
	rc.behave(nil)
	f.post("/v1/webhooks/"+id+"/resume", nil).is(200)
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=delivered").column("id")) == 8 }, "all are delivered")
}

func TestADeliveryIsDeadAfterItsTime(t *testing.T) {
	f := start(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.RetryFor = 2 * time.Second })
	rc := newReceiver(t, answering(500))
	id, _ := f.hook(object{"url": rc.URL})
	f.runs("d1")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=dead").column("id")) == 4 }, "dead letters")
	first := rc.got()[0].header.Get("webhook-id")
	d := f.ended(id, first)
	require.Greater(t, d["attempts"], 1.)
	last := d["last_attempt"].(map[string]any)
	require.Equal(t, "it answered 500", last["error"])
	require.Equal(t, "so it is", last["response"])

	rc.behave(nil)
	f.post("/v1/webhooks/"+id+"/deliveries/"+first+"/replay", nil).is(202)
	f.eventually(func() bool {
		d = f.get("/v1/webhooks/" + id + "/deliveries/" + first).object()
		return d["state"] == "delivered"
	}, "the replay")
	require.Equal(t, 1., d["replays"])
	posts := rc.got()
	require.Equal(t, first, posts[len(posts)-1].header.Get("webhook-id"), "the same id")
	f.post("/v1/webhooks/"+id+"/deliveries/none/replay", nil).refused(404, "not_found")
}

func TestWhatIsNotPublicIsNotSentTo(t *testing.T) {
	f := start(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.Allow = []string{"127.0.0.1/32"} })
	inside := newReceiver(t, nil)
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	redirecting := newReceiver(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	})
	for _, url := range []string{"http://127.0.0.2/", "http://[::1]:80/", "https://10.1.2.3/", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/"} {
		errs := f.post("/v1/webhooks", object{"url": url}).refused(422, "invalid_request")
		require.Contains(t, errs["url"], "not public", url)
	}
	id, _ := f.hook(object{"url": redirecting.URL})
	d := f.ended(id, f.post("/v1/webhooks/"+id+"/test", nil).is(202).id())
	require.Equal(t, "it answered 307, and redirects are not followed", d["last_attempt"].(map[string]any)["error"])
	require.Empty(t, inside.got())

	// The name leads to where it may at first, and elsewhere when it is looked up again.
	var at atomic.Value
	at.Store(net.IPv4(127, 0, 0, 1))
	resolveBy(t, &at)
	id, _ = f.hook(object{"url": "http://rebind.test:" + port + "/"})
	d = f.ended(id, f.post("/v1/webhooks/"+id+"/test", nil).is(202).id())
	require.Equal(t, "delivered", d["state"])
	inside.CloseClientConnections()
	at.Store(net.IPv4(127, 0, 0, 2))
	d = f.ended(id, f.post("/v1/webhooks/"+id+"/test", nil).is(202).id())
	require.Equal(t, "dead", d["state"], "a test is sent once")
	require.Equal(t, "127.0.0.2:"+port+" is not a public address", d["last_attempt"].(map[string]any)["error"])
	require.Len(t, inside.got(), 1)
}

// resolveBy has every name resolve to the address, until the test ends.
func resolveBy(t *testing.T, at *atomic.Value) {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for {
			query := make([]byte, 512)
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if answer, err := answerDNS(query[:n], at.Load().(net.IP)); err == nil {
				_, _ = server.WriteTo(answer, from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		require.NoError(t, server.Close())
		<-answered
	})
}

func answerDNS(query []byte, at net.IP) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) == 0 {
		return nil, errors.Join(err, errors.New("no question"))
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA && strings.HasSuffix(q.Name.String(), ".test.") {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
			Body:   &dnsmessage.AResource{A: [4]byte(at.To4())},
		}}
	}
	return m.Pack()
}
