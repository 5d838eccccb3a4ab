package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// standing is the document of a deployment.
type standing struct {
	Deployment client.Deployment
	Targets    []client.Target
}

const wrongKeyReason = "the host showed another key than the one stored"

var wrongKey = apitest.Fault{Step: "connect", Code: "host_key_changed", Reason: wrongKeyReason}

func TestDeployUploadsShipsAndWatchesInPlainLines(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2", "other")
	s := newShell(t, g)
	file := s.file("shop-1.tar.gz", "content")
	r := s.run("deploy", "shop", "--package", file, "--version", "1", "--to", "web-1,web-2").exits(0)
	require.Equal(t, "Uploaded shop-1.tar.gz, 7 B.\n", r.err)
	out := r.out
	require.Regexp(t, `Deployment \w{20}: shop 1 on 2 hosts\.\n`, out)
	for _, change := range []string{
		"web-1  connect  succeeded", "web-1  stage  running", "web-1  stage  succeeded", "web-2  clean  succeeded", "web-2  -  succeeded  1",
	} {
		require.Equal(t, 1, strings.Count(out, change+"\n"), "%s in %s", change, out)
	}
	require.Regexp(t, `✓ shop 1: 2 done in \S+\n$`, out)
	require.NotContains(t, out, "\x1b")

	again := s.run("deploy", "shop", "--package", file, "--version", "1", "--to", "web-1").exits(0)
	require.Equal(t, "shop 1 is uploaded already.\n", again.err)
	require.Contains(t, again.out, "web-1  -  succeeded  1 ran already\n")
	require.Len(t, g.Seen(http.MethodPost, "/v1/packages"), 1)

	require.Contains(t, s.run("deploy", "shop", "--newest", "--to", "web-1").exits(0).out, ": shop 1 on 1 host.\n")
	for _, other := range []string{"--version", "--package"} {
		s.run("deploy", "shop", "--newest", other, "1", "--to", "web-1").exits(2)
	}
}

func TestAHostThatFailsFailsTheDeployment(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2", "web-3")
	g.Fail("web-2", wrongKey)
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	r := s.run("deploy", "shop", "--package", file, "--version", "1", "--all", "--strategy", "rolling", "--batch", "2", "--keep", "3", "--path", "/srv/shop").exits(1)
	require.Contains(t, r.out, "✗ shop 1: 1 done, 1 failed, 1 skipped in ")
	require.Regexp(t, `web-2 +connect +host_key_changed +`+wrongKeyReason+`\n$`, r.out)
	require.Contains(t, r.out, "web-3  -  skipped  not begun: the deployment stopped before\n")
	require.Equal(t, "Uploaded shop.jar, 7 B.\n", r.err)

	got := document[standing](s.run("deploy", "shop", "--version", "1", "--to", "web-2", "-o", "json").exits(1))
	require.Equal(t, client.Failed, got.Deployment.State)
	require.Equal(t, "host_key_changed", got.Targets[0].Failure.Code)

	status := s.run("status", got.Deployment.ID).exits(1)
	require.Contains(t, status.out, wrongKeyReason)
	require.Equal(t, got, document[standing](s.run("status", got.Deployment.ID, "-o", "json").exits(1)))
}

func TestWhereToDeployIsAskedForAsItIsDocumented(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		body string
	}{
		"names":    {[]string{"--to", `web-1,"a,b"`, "--to", "web-2"}, `"servers":["web-1","a,b","web-2"]`},
		"labels":   {[]string{"--label", "role=web", "--label", "env=x,y"}, `"selector":{"role":"web","env":"x,y"}`},
		"both":     {[]string{"--to", "web-1", "--label", "role=web"}, `"servers":["web-1"],"selector":{"role":"web"}`},
		"settings": {[]string{"--to", "web-1", "--path", "/srv/x", "--keep", "2", "--remove", "1.0,1.1"}, `"servers":["web-1"],"path":"/srv/x","keep":2,"remove":["1.0","1.1"]`},
		"bounded":  {[]string{"--to", "a", "--max-parallel", "7", "--min-healthy", "3"}, `"servers":["a"],"strategy":{"type":"all","max_parallel":7,"min_healthy":"3"}`},
		"serial":   {[]string{"--to", "a", "--strategy", "serial", "--pause", "30s"}, `"servers":["a"],"strategy":{"type":"serial","pause":"30s"}`},
		"rolling": {[]string{"--to", "a", "--strategy", "rolling", "--batch", "25%", "--max-failed", "2", "--max-failed-batch", "0", "--on-overrun", "pause", "--skip-unreachable"},
			`"servers":["a"],"strategy":{"type":"rolling","batch":"25%"},"failures":{"total":"2","batch":"0","then":"pause","unreachable":"skip"}`},
		"canary": {[]string{"--to", "a", "--strategy", "canary", "--first", "1", "--batch", "5", "--hold", "2h"},
			`"servers":["a"],"strategy":{"type":"canary","first":"1","batch":"5","hold":"2h"}`},
		"approval":         {[]string{"--to", "a", "--approval"}, `"servers":["a"],"approval":{}`},
		"approval in time": {[]string{"--to", "a", "--approval=8h", "--not-requester"}, `"servers":["a"],"approval":{"not_requester":true,"expires_in":"8h"}`},
		"order": {[]string{"--to", "a", "--strategy", "serial", "--order-by", "rack", "--on-overrun", "rollback"},
			`"servers":["a"],"strategy":{"type":"serial","order_by":"rack"},"failures":{"then":"rollback"}`},
		"hours": {[]string{"--to", "a", "--window", "mon-wed,sat 22:00-06:00", "--window", "12:00-13:00", "--zone", "Europe/Berlin", "--except", "2036-12-24,2036-12-25"},
			`"servers":["a"],"calendar":{"zone":"Europe/Berlin","windows":[{"days":["mon","tue","wed","sat"],"from":"22:00","to":"06:00"},{"from":"12:00","to":"13:00"}],"except":["2036-12-24","2036-12-25"]}`},
		"over the weekend": {[]string{"--to", "a", "--window", "fri-mon 22:00-06:00"},
			`"servers":["a"],"calendar":{"windows":[{"days":["fri","sat","sun","mon"],"from":"22:00","to":"06:00"}]}`},
		"bounds": {[]string{"--to", "a", "--host-timeout", "30m", "--step-timeout", "10m", "--progress-deadline", "5m", "--when-busy", "refuse", "--project", "checkout"},
			`"servers":["a"],"timeouts":{"host":"30m","step":"10m"},"progress_deadline":"5m","when_busy":"refuse","project":"checkout"`},
		"when": {[]string{"--to", "a", "--at", "2036-01-31T22:00:00Z", "--deadline", "2h"}, `"servers":["a"],"start_at":"2036-01-31T22:00:00Z","deadline":"2h"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := apitest.New(t)
			s := newShell(t, g)
			s.run(append([]string{"deploy", "shop", "--version", "1", "--detach"}, c.args...)...).exits(5) // there is no such version
			sent := g.Seen(http.MethodPost, "/v1/deployments")
			require.Len(t, sent, 1)
			require.NotEmpty(t, sent[0].Key)
			require.JSONEq(t, `{"application":"shop","version":"1",`+c.body+`}`, string(sent[0].Body))
		})
	}
}

func TestAPackageByURLIsFetchedByTheServer(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	sum := strings.Repeat("ab", 32)
	s.run("deploy", "shop", "--package", "https://ci.example.com/shop.zip", "--sha256", sum, "--version", "1", "--to", "web-1").exits(0)
	sent := g.Seen(http.MethodPost, "/v1/packages")
	require.Len(t, sent, 1)
	require.JSONEq(t, `{"application":"shop","version":"1","url":"https://ci.example.com/shop.zip","sha256":"`+sum+`"}`, string(sent[0].Body))
	require.Contains(t, s.run("packages", "list").exits(0).out, "shop.zip")
	require.Len(t, document[list[client.Package]](s.run("packages", "list", "--application", "shop", "-o", "json").exits(0)).Items, 1)
}

func TestATokenFromStandardInputIsReadOnce(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, nil)
	s.input = apitest.Token + "\n"
	s.run("deploy", "shop", "--package", "https://ci.example.com/shop.zip", "--sha256", strings.Repeat("ab", 32), "--version", "1",
		"--to", "web-1", "--url", g.URL, "--token-file", "-").exits(0)
}

func TestDetachPrintsTheIdAlone(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	s.run("deploy", "shop", "--package", file, "--version", "0", "--to", "web-1").exits(0)
	r := s.run("deploy", "shop", "--version", "0", "--to", "web-1", "--detach").exits(0)
	require.Regexp(t, `^[0-9a-v]{20}\n$`, r.out)
	require.Contains(t, r.err, "slipway watch "+strings.TrimSpace(r.out))
	require.Empty(t, g.Seen(http.MethodGet, "/v1/deployments/"+strings.TrimSpace(r.out)))
	accepted := document[standing](s.run("deploy", "shop", "--version", "0", "--to", "web-1", "--detach", "-o", "json").exits(0))
	require.Equal(t, client.Accepted, accepted.Deployment.State)
}

func TestADeploymentIsMadeOnceHoweverOftenItIsAskedFor(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	var posts, lost, looks atomic.Int32
	g.Before(func(w http.ResponseWriter, r *http.Request) bool {
		down := r.URL.Path == "/v1/deployments" && posts.Add(1) == 1 || strings.HasSuffix(r.URL.Path, "/targets") && looks.Add(1) == 3
		if down {
			apitest.Unavailable(w, r)
		}
		return down
	})
	g.Lose(func(r *http.Request) bool { return r.URL.Path == "/v1/deployments" && lost.Add(1) == 1 })
	r := s.run("deploy", "shop", "--package", file, "--version", "1", "--to", "web-1").exits(0)
	require.Contains(t, r.err, "the server says: the message broker does not answer; trying again\n")
	require.Len(t, document[list[client.Deployment]](s.run("status", "-o", "json").exits(0)).Items, 1)
}

func TestRollbackOfADeploymentAndOfAnApplication(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	for _, version := range []string{"1", "2"} {
		file := s.file("shop-"+version+".jar", "content "+version)
		s.run("deploy", "shop", "--package", file, "--version", version, "--all").exits(0)
	}
	require.Contains(t, s.run("releases", "shop").exits(0).out, "web-1  2     1       1, 2")
	out := s.run("rollback", "--application", "shop", "--on", "web-1").exits(0).out
	require.Contains(t, out, "shop 2 back to what ran before on 1 host.")
	require.Contains(t, out, "web-1  -  succeeded  2 → 1\n")

	// The last deployment is still the one of version 2: a rollback is not rolled back.
	got := document[standing](s.run("rollback", "--application", "shop", "--to", "1", "-o", "json").exits(0))
	require.Equal(t, "1", got.Deployment.Version)
	require.Equal(t, []bool{false, true}, []bool{got.Targets[0].Changed, got.Targets[1].Changed})
	id := got.Deployment.RollbackOf
	require.Regexp(t, `^[0-9a-v]{20}\n$`, s.run("rollback", id, "--detach").exits(0).out)

	rows := document[list[client.ServerReleases]](s.run("releases", "shop", "--on", "web-1,web-2", "-o", "json").exits(0))
	require.Equal(t, "1", rows.Items[0].Current)
}

func TestAnApplicationWhoseLastDeploymentRunsIsNotRolledBack(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	s.run("rollback", "--application", "shop").exits(5)
	s.run("deploy", "shop", "--package", s.file("1.jar", "1"), "--version", "1", "--all").exits(0)
	g.Hold()
	id := strings.TrimSpace(s.run("deploy", "shop", "--version", "1", "--all", "--detach").exits(0).out)
	r := s.run("rollback", "--application", "shop").exits(5)
	require.Contains(t, r.err, "the last deployment is not finished: 'slipway watch "+id+"'")
	require.Contains(t, s.run("rollback", id).exits(5).err, "the deployment is not finished")
}

func TestWatchWritesAJSONLineForEachChange(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	g.Fail("web-2", wrongKey)
	s := newShell(t, g)
	s.file("1.jar", "1")
	id := strings.TrimSpace(s.run("deploy", "shop", "--package", "1.jar", "--version", "1", "--all", "--detach").exits(0).out)
	out := s.run("watch", id, "-o", "json").exits(1).out
	type change struct {
		Deployment, Name, Step, State string
		Failure                       *client.Failure
		Counts                        *client.Counts
	}
	var all []change
	for line := range strings.Lines(out) {
		var c change
		require.NoError(t, json.Unmarshal([]byte(line), &c), line)
		require.Equal(t, id, c.Deployment)
		all = append(all, c)
	}
	require.Equal(t, "accepted", all[0].State)
	last := all[len(all)-1]
	require.Equal(t, "failed", last.State)
	require.Equal(t, client.Counts{Succeeded: 1, Failed: 1}, *last.Counts)
	require.Contains(t, all, change{Deployment: id, Name: "web-2", State: "failed", Failure: &client.Failure{Code: "host_key_changed", Reason: wrongKeyReason}})
	require.Contains(t, all, change{Deployment: id, Name: "web-1", Step: "switch", State: "succeeded"})
}

func TestReleasesOfAHostThatCannotBeRead(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	g.Fail("web-2", wrongKey)
	s := newShell(t, g)
	require.Regexp(t, `web-2 +\? .*host_key_changed: `, s.run("releases", "shop").exits(1).out)
	s.run("releases", "shop", "--on", "web-1", "--path", "/srv/shop").exits(0)
}

func TestNothingFromTheServerSteersTheTerminal(t *testing.T) {
	g := apitest.New(t)
	hostile := "evil\x1b]0;owned\x07\r\u009b2J\u202e"
	g.Free()
	g.AddServers(hostile, "web-2")
	g.Fail("web-2", apitest.Fault{Step: "stage", Code: "host_error\x1b[8m", Reason: "line\n" + hostile})
	s := newShell(t, g)
	s.file("1.jar", "1")
	s.run("deploy", "shop", "--package", "1.jar", "--version", "1", "--all").exits(1)
	harmful := regexp.MustCompile("[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e]")
	for _, args := range [][]string{
		{"servers", "list"}, {"servers", "show", hostile}, {"status"}, {"releases", "shop"},
		{"deploy", "shop", "--version", "1", "--all"}, {"servers", "show", hostile + "x"},
		{"deploy", "shop", "--version", "1", "--to", hostile + "x"}, {"watch", hostile},
	} {
		for _, output := range []string{"text", "json"} {
			r := s.run(append(args, "-o", output)...)
			require.False(t, harmful.MatchString(r.out+r.err), "%q: %q %q", args, r.out, r.err)
		}
	}
	same := document[list[client.Server]](s.run("servers", "list", "-o", "json").exits(0))
	require.Equal(t, hostile, same.Items[0].Name, "JSON says what it was")
}

func TestACalendarMayStandInAFile(t *testing.T) {
	g, s := shipped(t)
	file := s.file("nights.json", `{"zone": "Europe/Berlin", "windows": [{"days": ["mon"], "from": "22:00", "to": "06:00"}]}`)
	s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--calendar", file).exits(0)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.JSONEq(t, `{"application":"shop","version":"1","servers":["web-1"],"calendar":{"zone":"Europe/Berlin","windows":[{"days":["mon"],"from":"22:00","to":"06:00"}]}}`,
		string(sent[len(sent)-1].Body))
	for _, args := range [][]string{
		{"--calendar", file + "x"}, {"--calendar", s.file("bad.json", `{"window": []}`)}, {"--calendar", file, "--zone", "UTC"},
		{"--zone", "UTC"}, {"--except", "2036-12-24"}, {"--window", "monday 22:00-06:00"}, {"--window", "22:00"},
		{"--window", "mon 22-06"}, {"--window", "mon tue 22:00-06:00"}, {"--when-busy", "panic"}, {"--window", ""},
	} {
		s.run(append([]string{"deploy", "shop", "--version", "1", "--to", "web-1"}, args...)...).exits(2)
	}
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), len(sent))
}

func TestMeasurementsStandInAFile(t *testing.T) {
	g, s := shipped(t)
	analysis := `{"checks": [{"name": "up", "http": {"url": "https://shop.example.com/health", "body": "{{version}}"}},
		{"name": "errors", "prometheus": {"query": "errors", "expect": "< 1"}}], "interval": "30s", "failures": 0}`
	file := s.file("analysis.json", analysis)
	canary := []string{"deploy", "shop", "--version", "1", "--to", "web-1", "--strategy", "canary", "--first", "1"}
	s.run(append(canary, "--analysis", file)...).exits(0)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.JSONEq(t, `{"application":"shop","version":"1","servers":["web-1"],"strategy":{"type":"canary","first":"1","analysis":`+analysis+`}}`,
		string(sent[len(sent)-1].Body))
	for _, args := range [][]string{
		append(canary, "--analysis", file+"x"), append(canary, "--analysis", s.file("bad.json", `{"check": []}`)),
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--analysis", file},
	} {
		s.run(args...).exits(2)
	}
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), len(sent))
}

func TestTwoSetsStandInAFile(t *testing.T) {
	g, s := shipped(t)
	const sets = `{"label": "color", "to": "green", "keep": "1h", "retire": {"command": "systemctl stop shop"},
		"traffic": {"servers": ["web-2"], "haproxy": {"socket": "/run/haproxy/admin.sock", "backend": "shop"}}}`
	file := s.file("sets.json", sets)
	deploy := []string{"deploy", "shop", "--version", "1", "--to", "web-1"}
	s.run(append(deploy, "--blue-green", file, "--hold", "1h")...).exits(0)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.JSONEq(t, `{"application":"shop","version":"1","servers":["web-1"],"strategy":{"type":"blueGreen","hold":"1h",`+sets[1:]+`}`,
		string(sent[len(sent)-1].Body))
	for _, args := range [][]string{
		{"--blue-green", file + "x"}, {"--blue-green", s.file("bad.json", `{"color": "green"}`)},
		{"--blue-green", file, "--strategy", "serial"}, {"--blue-green", file, "--batch", "1"},
	} {
		s.run(append(deploy, args...)...).exits(2)
	}
}

func TestADeploymentThatIsNotToWaitIsRefused(t *testing.T) {
	g, s := shipped(t)
	g.Fill()
	r := s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--when-busy", "refuse").exits(5)
	require.Contains(t, r.err, "3 deployments are under way, and no more may be")
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), 2, "it is not tried again: that was not to wait for")
	s.run("deploy", "shop", "--version", "1", "--to", "web-1").exits(0)
}

func TestAFailedDeploymentSaysWhichRollbackTookItBack(t *testing.T) {
	g, s := shipped(t)
	g.Slow()
	g.Fail("web-2", wrongKey)
	r := s.run("deploy", "shop", "--version", "1", "--all", "--project", "checkout", "--on-overrun", "rollback").exits(1)
	require.Regexp(t, `-  -  reverting  .*\(more hosts failed than may\)  \(rolled back by [0-9a-v]{20}\)\n`, r.out)
	require.Regexp(t, `\nRolled back by ([0-9a-v]{20}): 'slipway status [0-9a-v]{20}' shows how\.\n`, r.out)
	id := document[list[client.Deployment]](s.run("status", "--limit", "1", "-o", "json").exits(0)).Items[0].ID
	status := s.run("status", id).exits(1).out
	require.Regexp(t, `Taken back +Rolled back by [0-9a-v]{20}: 'slipway status`, status)
	require.Regexp(t, `Project +checkout\n`, status)
}

func TestWhatAnApplicationNeedsIsReadFromAFile(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	needs := s.file("needs.yaml", `
environment:
  MOTD: |
    it's "two"
    lines
hooks:
  during: [{name: migrate, script: bin/migrate, timeout: 10m}]
restart: {supervisor: {program: shop}}
checks:
  - {http: {url: "http://127.0.0.1:8080/health", body: "{{version}}"}, tries: 30}
`)
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--detach", "--needs", needs).exits(5) // there is no such version
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.Len(t, sent, 1)
	require.JSONEq(t, `{"application":"shop","version":"1","servers":["a"],"environment":{"MOTD":"it's \"two\"\nlines\n"},
		"hooks":{"during":[{"name":"migrate","script":"bin/migrate","timeout":"10m"}]},"restart":{"supervisor":{"program":"shop"}},
		"checks":[{"http":{"url":"http://127.0.0.1:8080/health","body":"{{version}}"},"tries":30}]}`, string(sent[0].Body))

	for _, bad := range []string{"servers: [b]", "- a", "a: [", "restart"} {
		s.run("deploy", "shop", "--version", "1", "--to", "a", "--needs", s.file("bad.yaml", bad)).exits(2)
	}
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--needs", "/nowhere/needs.yaml").exits(2)
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--needs", needs, "--profile", "java", "--restart").exits(2)
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), 1)
}

func TestSecretsComeFromTheEnvironmentOrFiles(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	s.env = append(s.env, "PASSWORD=it's $2\n")
	s.input = "from input\r\n"
	needs := s.file("needs.yaml", "secrets: {TOKEN: from needs}")
	line := []string{"deploy", "shop", "--version", "1", "--to", "a", "--detach", "--needs", needs}
	s.run(append(line, "--secret", "PASSWORD", "--secret", "KEY="+s.file("key", "two\nlines\n"), "--secret", "INPUT=-")...).exits(5)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.Len(t, sent, 1)
	require.JSONEq(t, `{"application":"shop","version":"1","servers":["a"],
		"secrets":{"TOKEN":"from needs","PASSWORD":"it's $2\n","KEY":"two\nlines\n","INPUT":"from input"}}`, string(sent[0].Body))

	for why, flags := range map[string][]string{
		"there is no NOWHERE in the environment": {"--secret", "NOWHERE"},
		"the secret TOKEN is given twice":        {"--secret", "TOKEN=" + needs},
		"no such file":                           {"--secret", "KEY=/nowhere"},
		"only one file can be standard input":    {"--secret", "A=-", "--secret", "B=-"},
		"must be names and values":               {"--secret", "PASSWORD", "--needs", s.file("list.yaml", "secrets: [canary]")},
		"is not YAML":                            {"--needs", s.file("bad.yaml", "secrets:\n  A: canary\n  B: [canary\n")},
	} {
		r := s.run(append(line, flags...)...).exits(2)
		require.Contains(t, r.err, why)
		require.NotContains(t, r.err, "canary")
	}
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), 1)
}

func TestTheEndOfALogIsShownWithItsHosts(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	out := s.run("logs", "shop", "shared/log/a", "--lines", "7", "--on", "web-2").exits(0).out
	require.Equal(t, "web-2  this is web-2\nweb-2  \\x1b[2Jshared/log/a 7\n", out)
	g.Fail("web-2", wrongKey)
	r := s.run("logs", "shop", "shared/log/a").exits(1)
	require.Contains(t, r.out, "web-1  this is web-1\n")
	require.Contains(t, r.out, "web-2  ? host_key_changed: "+wrongKeyReason+"\n")
	require.Len(t, document[list[client.ServerLog]](s.run("logs", "shop", "a", "-o", "json").exits(1)).Items, 2)
	s.run("logs", "shop", "info.log", "--profile", "java", "--directory", "store", "--on", "web-1").exits(0)
	asked := g.Seen(http.MethodGet, "/v1/logs")
	require.Contains(t, asked[len(asked)-1].Query, "directory=store")
	s.run("logs", "shop").exits(2)
}

func TestAProfileIsPassedOn(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("a")
	s := newShell(t, g)
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--detach", "--profile", "golang", "--directory", "store", "--restart").exits(5) // there is no such version
	require.JSONEq(t, `{"application": "shop", "version": "1", "servers": ["a"], "profile": "golang", "directory": "store", "restart": true}`,
		string(g.Seen(http.MethodPost, "/v1/deployments")[0].Body))
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--restart").exits(2)
	s.run("deploy", "shop", "--version", "1", "--to", "a", "--directory", "b").exits(2)
}

func TestInitHasSupervisorsKnowAnApplication(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	file := s.file("shop.conf", "[program:shop]\ncommand=/srv/shop\n")
	out := s.run("init", "shop", "--supervisor", file, "--to", "web-1", "--project", "checkout", "--socket", "/run/s", "--profile", "java").exits(0).out
	require.Contains(t, out, "init of shop on 1 host.")
	require.Contains(t, out, "web-1  -  succeeded  the supervisor took up shop\n")
	require.JSONEq(t, `{"project":"checkout","profile":"java","servers":["web-1"],"supervisor":{"content":"[program:shop]\ncommand=/srv/shop\n","socket":"/run/s"}}`,
		string(g.Seen("POST", "/v1/applications/shop/init")[0].Body))
	require.Regexp(t, `^[0-9a-v]{20}\n$`, s.run("init", "shop", "--supervisor", file, "--all", "--detach").exits(0).out)
	require.Contains(t, s.run("init", "shop", "--supervisor", file, "--to", "web-9").exits(5).err, "there is no server web-9")
}

func TestNotesOfADeploymentAreShown(t *testing.T) {
	g, s := shipped(t)
	id := strings.TrimSpace(s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--note", "ticket=SHOP-42", "--note", "build=a=b", "--skip-checks", "--detach").exits(0).out)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	require.Contains(t, string(sent[len(sent)-1].Body), `"skip_checks":true`)
	require.Regexp(t, `Notes +build=a=b, ticket=SHOP-42\n`, s.run("status", id).exits(0).out)
	s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--note", "ticket").exits(2)

	found := func(metadata ...string) []client.Deployment {
		return document[list[client.Deployment]](s.run(append([]string{"status", "-o", "json"}, metadata...)...).exits(0)).Items
	}
	require.Len(t, found("--metadata", "build=a=b", "--metadata", "ticket=SHOP-42"), 1)
	require.Empty(t, found("--metadata", "build=a=b", "--metadata", "ticket=SHOP-4"))
	s.run("status", "--metadata", "ticket").exits(2)
	s.run("status", id, "--metadata", "ticket=SHOP-42").exits(2)
}
