package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// saidLine is a line of GET /v1/deployments/{id}/logs.
type saidLine struct {
	Name    string `json:"name"`
	Attempt int    `json:"attempt"`
	Number  int    `json:"number"`
	Step    string `json:"step"`
	Stream  string `json:"stream"`
	Level   string `json:"level"`
	Text    string `json:"text"`
}

// said is what was said on hosts so far.
func (c *client) said(t testing.TB, deployment string, filter url.Values) []saidLine {
	t.Helper()
	return all[saidLine](t, c, "/v1/deployments/"+deployment+"/logs", filter)
}

// awaitLine waits until this was said somewhere.
func (c *client) awaitLine(t testing.TB, deployment, text string) {
	t.Helper()
	eventually(t, func() bool {
		for _, l := range c.said(t, deployment, nil) {
			if l.Text == text {
				return true
			}
		}
		return false
	}, "nobody says %q", text)
}

func TestWhatAHookSaysIsReadAndFollowedWhileItRuns(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 2)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1")
	var gates []func()
	for _, h := range hosts {
		gates = append(gates, h.Gate("gate"))
	}
	d := s.deploy(t, order{Application: app, Version: "v1", Servers: names, Hooks: hooks{Before: []hook{
		{Name: "talk", Command: `echo "hello from $SLIPWAY_SERVER"; echo trouble >&2; read go <gate; printf 'the end'`},
	}}})
	for _, name := range names {
		s.awaitLine(t, d.ID, "hello from "+name)
	}
	require.False(t, s.deployment(t, d.ID).ended())

	sh := &shell{t, t.TempDir()}
	require.Zero(t, sh.runWith(s.token+"\n", "login", "--url", s.url).status)
	require.Contains(t, sh.must("output", d.ID).stdout, names[0]+"  before  hello from "+names[0]+"\n")
	for _, open := range gates {
		open()
	}
	followed := sh.must("output", d.ID, "--follow").stdout
	s.succeed(t, d.ID)
	for _, name := range names {
		require.Contains(t, followed, name+"  before  the end\n")
		var texts []string
		for _, l := range s.said(t, d.ID, url.Values{"server": {name}, "limit": {"1"}}) {
			require.Equal(t, name, l.Name)
			texts = append(texts, l.Stream+" "+l.Text)
		}
		require.ElementsMatch(t, []string{`slipway hook "talk"`, "stdout hello from " + name, "stderr trouble", "stdout the end"}, texts)
	}
	require.Len(t, s.said(t, d.ID, url.Values{"stream": {"stderr"}}), len(names))

	require.Equal(t, 3, strings.Count(sh.must("output", d.ID, "--tail", "3", "--follow").stdout, "\n"))
	require.Empty(t, sh.must("output", d.ID, "--to", "1h").stdout)
	saved := filepath.Join(sh.dir, "said.log")
	sh.must("output", d.ID, "--file", saved, "--on", names[0])
	raw, err := os.ReadFile(saved)
	require.NoError(t, err)
	require.Contains(t, string(raw), "\t"+names[0]+"\tbefore\tstdout\tthe end\n")
	require.NotContains(t, string(raw), names[1])
}

func TestOutputOutlivesAnExecutorAndAHistoryThatAreKilled(t *testing.T) {
	t.Parallel()
	// The one that is killed is waited for longer, so that a busy machine does not take the job from the other one.
	f := startFleet(t, fleetSize{schedulers: 1, executors: 2, flags: []string{"--job-ack-wait=20s"}})
	h := hosttest.Start(t, 1)[0]
	names := f.addAll(t, []*hosttest.Host{h})
	f.uploadVersions(t, 0, "v1")
	open := h.Gate("gate")
	d := f.deploy(t, order{Application: app, Version: "v1", Servers: names, Hooks: hooks{Before: []hook{{Name: "count", Command: `echo x >>tries
n=$(wc -l <tries) i=0
while [ $i -lt 450 ]; do
	i=$((i+1))
	echo "try $((n)) line $i"
done
[ $n -gt 1 ] || read go <gate`}}}})
	f.awaitLine(t, d.ID, "try 1 line 450")
	victim := f.executorOf(f.targets(t, d.ID)[names[0]])
	f.history.kill()
	victim.kill()
	f.history.start()
	f.succeed(t, d.ID)
	open()

	var want, got []string
	for try := 1; try <= 2; try++ {
		for i := 1; i <= 450; i++ {
			want = append(want, fmt.Sprintf("try %d line %d", try, i))
		}
	}
	lines := f.said(t, d.ID, url.Values{"stream": {"stdout"}, "limit": {"77"}})
	for _, l := range lines {
		got = append(got, l.Text)
	}
	require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"))
	require.Equal(t, 1, lines[0].Attempt)
	require.Equal(t, 2, lines[len(lines)-1].Attempt)
	checkStories(t, readEvents(t, openStreams(t, f.natsURL)))
	checkReplay(t, f)
}
