package main

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// shipped is a shell whose gateway has version 1 of shop and four hosts.
func shipped(t *testing.T) (*apitest.Gateway, *shell) {
	t.Helper()
	g := apitest.New(t)
	g.AddServers("web-1", "web-2", "web-3", "web-4")
	s := newShell(t, g)
	s.run("deploy", "shop", "--package", s.file("1.jar", "1"), "--version", "1", "--to", "web-1").exits(0)
	return g, s
}

// detached deploys version 1 to all hosts and returns the id.
func (s *shell) detached(args ...string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run(append([]string{"deploy", "shop", "--version", "1", "--all", "--detach"}, args...)...).exits(0).out)
}

func TestADryRunPrintsTheWavesAndTheDigest(t *testing.T) {
	_, s := shipped(t)
	before := len(document[list[client.Deployment]](s.run("status", "-o", "json").exits(0)).Items)
	args := []string{"deploy", "shop", "--version", "1", "--all", "--strategy", "canary", "--first", "1", "--batch", "2", "--dry-run"}
	out := s.run(args...).exits(0).out
	require.Regexp(t, `Digest +`+apitest.Digest, out)
	require.Regexp(t, `Steps +connect, stage, switch, clean\n`, out)
	require.Regexp(t, `May fail +0 in all, then stop\n`, out)
	require.Regexp(t, `1 +1 host +web-1\n2 +2 hosts +web-2, web-3\n… and 1 wave more\n$`, out)
	require.Equal(t, apitest.Digest, document[client.Plan](s.run(append(args, "-o", "json")...).exits(0)).Digest)
	require.Len(t, document[list[client.Deployment]](s.run("status", "-o", "json").exits(0)).Items, before)
}

// heard is what a program that runs has written so far.
type heard struct {
	mu   sync.Mutex
	into *bytes.Buffer // to be read once the program has ended
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.into.Write(p)
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(h.into.String(), text)
}

func TestACanaryHoldsUntilItIsJudged(t *testing.T) {
	_, s := shipped(t)
	for verb, c := range map[string]struct {
		exit int
		last string
	}{
		"promote": {0, "✓ shop 1: 4 done in "},
		"reject":  {1, "✗ shop 1: 1 done, 3 skipped in "},
	} {
		id := s.detached("--strategy", "canary", "--first", "1", "--hold", "2h")
		watch := s.command("watch", id)
		var out, err bytes.Buffer
		seen := &heard{into: &out}
		watch.Stdout, watch.Stderr = seen, &err
		require.NoError(t, watch.Start())
		require.Eventually(t, func() bool { return seen.has("  holding  ") }, patience, 20*time.Millisecond, "who watches is told")
		status := s.run("status", id).exits(0).out
		require.Regexp(t, `State +holding\n`, status)
		require.Regexp(t, `Because +the canary waits for a verdict, until 20`, status)
		s.run(verb, id, "--reason", "as seen").exits(0)
		r := s.finish(watch.Wait(), &out, &err).exits(c.exit)
		require.Contains(t, r.out, "  holding  ")
		require.Contains(t, r.out, "the canary waits for a verdict, until 20")
		require.Contains(t, r.out, c.last)
	}
}

func TestADeploymentWaitsForApproval(t *testing.T) {
	g, s := shipped(t)
	r := s.run("deploy", "shop", "--version", "1", "--all", "--detach", "--approval").exits(0)
	id := strings.TrimSpace(r.out)
	require.Contains(t, r.err, "slipway approve "+id+" --digest "+apitest.Digest)
	require.Contains(t, s.run("status", id).exits(0).out, apitest.Digest)
	require.Contains(t, s.run("approve", id, "--digest", strings.Repeat("0", 64)).exits(5).err, "the deployment is awaiting_approval")
	require.Equal(t, "Deployment "+id+" is running.\n", s.run("approve", id, "--digest", apitest.Digest, "--reason", "fine").exits(0).out)
	sent := g.Seen(http.MethodPost, "/v1/deployments/"+id+"/approve")
	require.JSONEq(t, `{"digest":"`+apitest.Digest+`","reason":"fine"}`, string(sent[1].Body))
	require.NotEmpty(t, sent[1].Key)
	s.run("watch", id).exits(0)

	rejected := s.detached("--approval")
	require.Equal(t, "Deployment "+rejected+" is rejected: the plan was not approved.\n", s.run("reject", rejected).exits(0).out)
	out := s.run("watch", rejected).exits(1).out
	require.Contains(t, out, "– shop 1: 4 skipped in ")
	require.Contains(t, out, ": rejected: the plan was not approved, by anna\n")
}

func TestADeploymentIsPausedResumedAndCancelled(t *testing.T) {
	g, s := shipped(t)
	g.Hold()
	id := s.detached()
	paused := document[client.Controlled](s.run("pause", id, "--reason", "lunch", "-o", "json").exits(0))
	require.Equal(t, client.Controlled{ID: id, State: client.Paused, Cause: "paused_by_person"}, paused)
	require.Contains(t, s.run("status", id).exits(0).out, "lunch, by anna")
	require.Equal(t, "Deployment "+id+" is running.\n", s.run("resume", id).exits(0).out)
	require.Contains(t, s.run("promote", id).exits(5).err, "the deployment is running")
	require.Equal(t, "Deployment "+id+" is cancelled.\n", s.run("cancel", id, "--reason", "wrong version").exits(0).out)
	require.Contains(t, s.run("resume", id).exits(5).err, "the deployment has ended: cancelled")
	out := s.run("watch", id).exits(1).out
	require.Contains(t, out, "web-1  -  cancelled  not begun: the deployment was cancelled\n")
	require.Contains(t, out, ": cancelled: wrong version, by anna\n")
	s.run("status", id).exits(1)
	require.Len(t, document[list[client.Deployment]](s.run("status", "--state", "cancelled", "-o", "json").exits(0)).Items, 1)
	s.run("cancel", "d3v5k1jq0s9c73999999").exits(5)
}

func TestARetryGoesToTheHostsThatFailed(t *testing.T) {
	g, s := shipped(t)
	g.Fail("web-2", wrongKey)
	failed := document[standing](s.run("deploy", "shop", "--version", "1", "--all", "-o", "json").exits(1)).Deployment
	require.Regexp(t, `web-2 +connect +host_key_changed`, s.run("retry", failed.ID, "--strategy", "serial", "--max-failed", "1").exits(1).out)
	sent := g.Seen(http.MethodPost, "/v1/deployments/"+failed.ID+"/retry")
	require.JSONEq(t, `{"strategy":{"type":"serial"},"failures":{"total":"1"}}`, string(sent[0].Body))
	g.Hold()
	require.Equal(t, client.KindDeploy, document[standing](s.run("retry", failed.ID, "--all-hosts", "--detach", "-o", "json").exits(0)).Deployment.Kind)
	sent = g.Seen(http.MethodPost, "/v1/deployments/"+failed.ID+"/retry")
	require.JSONEq(t, `{"all":true}`, string(sent[1].Body))
	again := strings.TrimSpace(s.run("retry", failed.ID, "--detach").exits(0).out)
	got := document[standing](s.run("status", again, "-o", "json").exits(0))
	require.Equal(t, failed.ID, got.Deployment.RetryOf)
	require.Equal(t, 1, got.Deployment.Targets)
	require.Contains(t, s.run("retry", again).exits(5).err, "the deployment is not finished")
}

func TestHostsAreSkippedBeforeTheyBegin(t *testing.T) {
	g, s := shipped(t)
	id := s.detached("--strategy", "canary", "--first", "1", "--hold", "2h")
	require.Eventually(t, func() bool {
		s.run("status", id)
		return document[standing](s.run("status", id, "-o", "json")).Deployment.State == client.Holding
	}, patience, 100*time.Millisecond)
	require.Contains(t, s.run("skip", id, "web-3", "web-1").exits(5).err, "web-1 has begun already")
	s.run("skip", id, "stranger").exits(5)
	s.run("skip", id).exits(2)
	require.Equal(t, "Deployment "+id+" is holding: the canary waits for a verdict.\n",
		s.run("skip", id, "web-4", "--reason", "being repaired").exits(0).out)
	sent := g.Seen(http.MethodPost, "/v1/deployments/"+id+"/skip")
	require.JSONEq(t, `{"servers":["web-4"],"reason":"being repaired"}`, string(sent[len(sent)-1].Body))
	s.run("promote", id).exits(0)
	require.Contains(t, s.run("watch", id).exits(0).out, "2 done, 2 skipped")
}

func TestLocksAreShownAndBroken(t *testing.T) {
	g, s := shipped(t)
	require.Equal(t, "HOST  DEPLOYMENT  WAITING\n", s.run("locks").exits(0).out)
	owner, next := "d3v5k1jq0s9c73000901", "d3v5k1jq0s9c73000902"
	slots := client.Slots{
		All: 20, Project: 3, Holders: []client.Slot{{Deployment: owner, Project: "checkout", Since: time.Now().UTC()}},
		Waiting: []client.Slot{{Deployment: next, Since: time.Now().UTC()}},
	}
	g.Lock("web-1", owner, slots, next)
	g.Lock("web-2", owner, slots)
	out := s.run("locks").exits(0).out
	require.Regexp(t, `web-1 +`+owner+` +`+next+`\n`, out)
	require.Contains(t, out, "At most 20 deployments over all and 3 of one project may be under way.\n")
	require.Regexp(t, owner+` +checkout +under way`, out)
	require.Regexp(t, next+` +- +waits`, out)
	require.NotContains(t, s.run("locks", "--on", "web-2").exits(0).out, "web-1")
	require.Len(t, document[client.Locks](s.run("locks", "-o", "json").exits(0)).Items, 2)

	require.Contains(t, s.run("unlock", "web-1", "--deployment", next).exits(5).err, "another deployment has the server: "+owner)
	require.Equal(t, "web-1 was taken from deployment "+owner+".\n",
		s.run("unlock", "web-1", "--deployment", owner, "--reason", "the machine is gone").exits(0).out)
	s.run("unlock", "web-1", "--deployment", owner).exits(5)
	s.run("unlock", "web-2").exits(2)
	sent := g.Seen(http.MethodDelete, "/v1/locks/web-1")
	require.Equal(t, "deployment="+owner+"&reason=the+machine+is+gone", sent[1].Query)
}
