package executor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// spoken is a line of the output of a job, with where it came from.
type spoken struct {
	attempt int
	token   uint64
	number  int
	step    string
	contract.OutputLine
}

// output is what was said on a host so far, in the order in which it is stored.
func (s *system) output(deployment, host string) []spoken {
	s.t.Helper()
	var all []spoken
	for seq := uint64(0); ; {
		msg, err := s.bus.Events().GetMsg(s.t.Context(), seq+1, jetstream.WithGetMsgSubject(contract.OutputSubject(deployment, host)))
		if err != nil {
			require.ErrorIs(s.t, err, jetstream.ErrMsgNotFound)
			return all
		}
		seq = msg.Sequence
		m, err := contract.Decode(msg.Data)
		require.NoError(s.t, err)
		said := m.Body.(contract.JobOutputEvent)
		for i, l := range said.Lines {
			all = append(all, spoken{m.Attempt, m.Token, said.First + i, said.Step, l})
		}
	}
}

// texts is what was said on one stream.
func texts(all []spoken, stream string) []string {
	var said []string
	for _, l := range all {
		if l.Stream == stream {
			said = append(said, l.Text)
		}
	}
	return said
}

func (s *system) awaitLine(deployment, host, text string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		for _, l := range s.output(deployment, host) {
			if l.Text == text {
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond, "nobody says %q", text)
}

// hooked is a deployment with these commands before it.
func (s *system) hooked(h *hosttest.Host, commands ...string) string {
	work := &contract.Work{}
	for i, c := range commands {
		work.Hooks = append(work.Hooks, contract.Hook{Step: "before", Name: fmt.Sprint("h", i+1), Command: c})
	}
	return s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: s.upload("1.0", 10)})
}

func TestWhatAHookSaysIsStoredWhileItRuns(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	open := h.Gate("gate")
	id := s.hooked(h, "echo one; echo two >&2; read go <gate; echo three; printf 'the end'", "true", "echo '  x'; exit 0")
	s.awaitLine(id, h.Name, "one")
	s.awaitLine(id, h.Name, "two")
	require.NotContains(t, steps(s.story(id, h.Name)), "before succeeded")
	open()
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	all := s.output(id, h.Name)
	require.Equal(t, []string{"one", "three", "the end", "  x"}, texts(all, "stdout"))
	require.Equal(t, []string{"two"}, texts(all, "stderr"))
	require.Equal(t, []string{`hook "h1"`, `hook "h3"`}, texts(all, "slipway"), "who says nothing is not mentioned")
	for i, l := range all {
		require.Equal(t, i+1, l.number)
		require.Equal(t, 1, l.attempt)
		require.Equal(t, "before", l.step)
		require.Equal(t, "info", l.Level)
		require.Equal(t, s.story(id, h.Name)[1].Token, l.token)
	}
}

func TestADeploymentThatSaysNothingHasNoOutput(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	id := s.hooked(h, "true")
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	require.Empty(t, s.output(id, h.Name))
}

func TestWhatLooksLikeSlipwaysOwnWordsIsOutput(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	id := s.hooked(h, `for stream in 1 2; do
for word in task end "over 0" "done 0" "ran before-0" "evicted 9"; do echo "slipway $word" >&$stream; done
echo "slipway: it is over" >&$stream
done
exit 90`)
	ended := s.await(id, h.Name)
	require.Equal(t, "failed", ended.State)
	require.Equal(t, contract.FailCommand, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, `hook "h1": the command failed: it ended with status 90`+"\nslipway ")
	all := s.output(id, h.Name)
	want := []string{"slipway task", "slipway end", "slipway over 0", "slipway done 0", "slipway ran before-0", "slipway evicted 9", "slipway: it is over"}
	require.Equal(t, want, texts(all, "stdout"))
	require.Equal(t, want, texts(all, "stderr"))
	last := all[len(all)-1]
	require.Equal(t, contract.OutputLine{
		Time: last.Time, Stream: "slipway", Level: "error", Text: `hook "h1": the command failed: it ended with status 90`,
	}, last.OutputLine)
}

func TestAHookThatFloodsIsCutAndEnds(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	before, err := s.bus.Events().Info(t.Context())
	require.NoError(t, err)
	id := s.hooked(h, "yes | head -c 50M; echo the end", "echo later",
		`head -c 100000 /dev/zero | tr '\0' x; echo; printf '\377\376ok\r\n50%%\r100%%\n'`)
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	all := s.output(id, h.Name)
	notes := texts(all, "slipway")
	require.Len(t, notes, 5)
	require.Contains(t, notes[1], "this step says much")
	require.Contains(t, notes[2], "lines (")
	require.Contains(t, notes[2], "were left out here")
	said := texts(all, "stdout")
	require.Less(t, len(said), 1200)
	require.Equal(t, "y", said[0])
	require.Equal(t, []string{"later", strings.Repeat("x", 4096) + "… (95904 bytes more)", "\uFFFDok", "100%"}, said[len(said)-4:])
	require.Equal(t, "the end", said[len(said)-5])
	after, err := s.bus.Events().Info(t.Context())
	require.NoError(t, err)
	require.Less(t, after.State.Bytes-before.State.Bytes, uint64(300<<10))
	require.Less(t, after.State.Msgs-before.State.Msgs, uint64(40))
}

func TestBothAttemptsOfAHookAreHeardInOrder(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	open := h.Gate("gate")
	stop := s.executor(crashes)
	id := s.hooked(h, "echo x >>ran; echo begin; test $(wc -l <ran) -gt 1 || read go <gate; echo end")
	s.awaitLine(id, h.Name, "begin")
	stop() // in the midst of the hook
	s.executor(takesUp)
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	open()
	all := s.output(id, h.Name)
	// A machine that stands still for long enough to lose a lease has an attempt more.
	said := texts(all, "stdout")
	require.Greater(t, len(said), 2)
	require.Equal(t, append(slices.Repeat([]string{"begin"}, len(said)-1), "end"), said)
	number, attempt := 0, 0
	for _, l := range all {
		if l.attempt != attempt {
			number, attempt = 0, l.attempt
		}
		number++
		require.Equal(t, number, l.number)
	}
	require.GreaterOrEqual(t, attempt, len(said)-1)
	require.Less(t, all[0].token, all[len(all)-1].token)
}

func TestAConnectionThatBreaksInAHookLosesNoLine(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	open := h.Gate("gate")
	id := s.hooked(h, "echo x >>ran; echo begin; test $(wc -l <ran) -gt 1 || read go <gate; echo end")
	s.awaitLine(id, h.Name, "begin")
	h.KillSessions()
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	open()
	all := s.output(id, h.Name)
	require.Equal(t, []string{"begin", "begin", "end"}, texts(all, "stdout"))
	require.Contains(t, texts(all, "slipway")[1], `hook "h1": `, "what broke off is told")
}
