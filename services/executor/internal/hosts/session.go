package hosts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// session is one shell on the host that does what it is asked for, one after the
// other, in one channel and under one fence:
//
//	begin ──> asked ──> answered ──> asked … ──> finish, over, killed or lost: ended
//
// Its goroutine ends with the command line on the host, or at once when kill is
// called or the connection closed.
type session struct {
	first hostcmd.Command
	mark  string         // the line that a task's streams begin after; "": it is none, and any line may be said
	input *io.PipeWriter // stdin of the shell
	kill  context.CancelFunc
	asked bool        // the first command was
	over  bool        // no other command may be asked for
	ahead string      // the request that was sent along with the last one; "": none was
	rest  *time.Timer // finishes it, once it has been at rest for long

	answers chan answer
	noCut   sync.Once     // a host may say so again
	uncut   chan struct{} // closed when the shell has told that only the end of stdin ends content
	ended   chan struct{} // closed when result and err are set
	result  ssh.Result
	err     error

	said       streams     // of the first command
	complaints *mask.Lines // what comes on stderr, on its way to now

	mu    sync.Mutex
	now   answer // what has come of the one that is at work
	begun bool   // a task of the user: it came to run, and has both streams
	// The ends of stdout and of stderr each come in their own time, so that the next command may
	// have said something before the other end of this one is here.
	told       []answer // by stdout, without stderr
	complained []string // by stderr
}

// streams take what a task of the user says; nil: nobody wants it.
type streams struct{ out, err io.Writer }

// answer is what came of a command.
type answer struct {
	hostcmd.Output
	stderr string
	code   int
	over   bool // the session has ended with it
}

// mostRest is how long a session waits for its next command. It has the lock of its
// login meanwhile, for which others wait.
const mostRest = 5 * time.Second

// mostAnswers is how many commands may be asked for before the first is answered.
const mostAnswers = 2

// mostStderr is how much of what a command writes there is kept, in bytes.
const mostStderr = 8 << 10

// begin starts a session whose first command comes with it; ask waits for it. The
// end of ctx does not matter to the session.
func begin(ctx context.Context, client *ssh.Client, first hostcmd.Command, said streams, m *mask.Mask) *session {
	ctx, kill := context.WithCancel(context.WithoutCancel(ctx))
	reader, writer := io.Pipe()
	s := &session{first: first, input: writer, kill: kill, answers: make(chan answer, mostAnswers), uncut: make(chan struct{}), ended: make(chan struct{})}
	s.said, s.complaints = said, m.Lines(s.keep)
	if first.Task {
		s.mark = hostcmd.Mark
	}
	go func() {
		defer close(s.ended)
		defer kill()
		s.result, s.err = client.Run(ctx, ssh.Command{
			Line: first.Line(), Stdin: reader, Stdout: s.hear, Stderr: s.hearStderr,
			Mark: s.mark, Out: said.out, Err: said.err,
		})
		_ = reader.Close() // who still writes is told
	}()
	return s
}

// takes says whether a command can be asked for here. If it can, it is to be. What was
// asked for along with the one before may have ended the session by now.
func (s *session) takes(c hostcmd.Command) bool {
	if s.over {
		return false
	}
	if s.ahead != "" {
		s.rest.Stop()
		return c.Request() == s.ahead
	}
	select {
	case <-s.ended:
		return false
	default:
		return !s.over && !c.Task && c.Follows(s.first) && s.rest.Stop()
	}
}

// ask asks for a command, with its content, and waits for its end. The one that
// the session began with has been asked for already. Errors are those of Host.Run;
// after one that is none of hostcmd.Check, the session is of no use any more.
func (s *session) ask(ctx context.Context, c hostcmd.Command, content io.Reader) (hostcmd.Output, error) {
	request := c.Request()
	if !s.asked || s.ahead != "" {
		s.asked, s.ahead, request = true, "", ""
	}
	if c.Then != nil {
		s.ahead = c.Then.Request()
		request += s.ahead
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	sent := make(chan error, 1)
	go func() { sent <- s.send(sending, request, c.Size, content) }()
	uncut := s.uncut
	for {
		select {
		case a := <-s.answers:
			return s.answered(ctx, a, c)
		case err := <-sent:
			if err != nil {
				s.abandon()
				return s.heard(), fmt.Errorf("read the command's input: %w", err)
			}
			sent = nil
			if uncut == nil {
				s.finish()
			}
		case <-uncut:
			uncut, s.over = nil, true
			if sent == nil {
				s.finish()
			}
		case <-s.ended:
			select {
			case a := <-s.answers: // it came last
				return s.answered(ctx, a, c)
			default:
				s.over = true
				return s.heard(), s.verdict(c)
			}
		case <-ctx.Done():
			s.abandon()
			return s.heard(), ctx.Err()
		}
	}
}

// send writes what asks for a command. That the shell stops reading is no failure:
// its answer tells what it meant, or its end.
func (s *session) send(ctx context.Context, request string, size int64, content io.Reader) error {
	if request != "" {
		_, _ = io.WriteString(s.input, request)
	}
	if size == 0 {
		return nil
	}
	source := &source{ctx: ctx, from: content, left: size}
	_, _ = io.Copy(s.input, source)
	if source.failure == nil && ctx.Err() == nil && size == hostcmd.UntilEnd {
		s.finish()
	}
	return source.failure // no finish: the shell must not take a part for the whole
}

// answered makes an answer the outcome of a command. The last of a session ends with
// it: what a command of the user left running may hold its output, as long as the step
// has time.
func (s *session) answered(ctx context.Context, a answer, c hostcmd.Command) (hostcmd.Output, error) {
	if !a.over && c.Size != hostcmd.UntilEnd {
		s.rest = time.AfterFunc(mostRest, s.finish)
		return a.Output, hostcmd.Check(a.code, a.stderr)
	}
	s.over = true
	s.finish()
	select {
	case <-s.ended:
		return a.Output, hostcmd.Check(a.code, a.stderr)
	case <-ctx.Done():
		s.abandon()
		return a.Output, ctx.Err()
	}
}

// finish lets the shell end, once it has done what it was asked for.
func (s *session) finish() { _ = s.input.Close() }

// abandon ends what runs, as far as that can be done from here. From its return on,
// nothing of it is heard.
func (s *session) abandon() {
	s.over = true
	s.kill()
	<-s.ended
}

// leave returns once the shell has ended, so that another finds the lock free.
func (s *session) leave(ctx context.Context) {
	s.finish()
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.kill()
	}
}

// verdict is what the end of the session says of a command that did not answer. A task of
// the user never does: the exit code is its own, once it came to run.
func (s *session) verdict(c hostcmd.Command) error {
	s.mu.Lock()
	s.complaints.Flush()
	result, begun := s.result, s.begun
	_, result.Stderr = s.sofar() // not all that the session said, and without secrets
	s.mu.Unlock()
	if begun && s.err == nil && result.Signal == "" {
		return hostcmd.CheckTask(result.ExitStatus)
	}
	if err := verdict(result, s.err); err != nil || c.Task {
		return err
	}
	return fmt.Errorf("%w: the session ended before its command", ssh.ErrConnectionLost)
}

// heard is what a command that did not answer has reported.
func (s *session) heard() hostcmd.Output {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, _ := s.sofar()
	return out
}

// sofar is what has come of the command that is waited for. The caller holds mu.
func (s *session) sofar() (out hostcmd.Output, stderr string) {
	out, stderr = s.now.Output, s.now.stderr
	if len(s.told) > 0 {
		out = s.told[0].Output
	}
	if len(s.complained) > 0 {
		stderr = s.complained[0]
	}
	return out, stderr
}

// hear takes a line of stdout.
func (s *session) hear(line string) {
	if s.mark != "" && line == s.mark {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.begun = true
		return
	}
	r, ok := hostcmd.ParseLine(line)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Key == hostcmd.KeyUncut {
		s.noCut.Do(func() { close(s.uncut) })
	}
	if r.Key != hostcmd.KeyDone && r.Key != hostcmd.KeyOver {
		s.now.Results = append(s.now.Results, r)
		return
	}
	code, err := strconv.Atoi(r.Value)
	if err != nil {
		code = hostcmd.ExitFailed
	}
	if len(s.told) == mostAnswers {
		return // more than was asked for
	}
	s.told = append(s.told, answer{Output: s.now.Output, code: code, over: r.Key == hostcmd.KeyOver})
	s.now.Output = hostcmd.Output{}
	s.deliver()
}

// hearStderr takes a line of stderr.
func (s *session) hearStderr(line string) {
	if s.mark != "" && line == s.mark {
		return // what follows is the task's
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if line != hostcmd.EndOfStderr {
		s.complaints.Add(line, len(line) >= ssh.MaxLine)
		return
	}
	s.complaints.Flush()
	if len(s.complained) < mostAnswers {
		s.complained = append(s.complained, s.now.stderr)
	}
	s.now.stderr = ""
	s.deliver()
}

// keep keeps a line of stderr, and passes it on where it is not our own word. The caller
// holds mu.
func (s *session) keep(line string) {
	if s.said.err != nil && line != "" && !strings.HasPrefix(line, "slipway: ") {
		_, _ = io.WriteString(s.said.err, line+"\n") // it takes everything
	}
	s.now.stderr += line + "\n"
	if surplus := len(s.now.stderr) - mostStderr; surplus > mostStderr {
		s.now.stderr = s.now.stderr[surplus:]
	}
}

// deliver passes on what is whole. The caller holds mu.
func (s *session) deliver() {
	for len(s.told) > 0 && len(s.complained) > 0 {
		a := s.told[0]
		a.stderr = s.complained[0]
		s.told, s.complained = s.told[1:], s.complained[1:]
		select {
		case s.answers <- a:
		default: // nobody asked for it
		}
	}
}

// source is content on its way. It tells a reader that fails or ends early from a
// shell that stops reading, and leaves the reader alone once the command has ended.
type source struct {
	ctx     context.Context //nolint:containedctx // it ends with what it is read for
	from    io.Reader
	left    int64 // hostcmd.UntilEnd: whatever there is
	failure error
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, io.EOF
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	if s.left > 0 {
		p = p[:min(int64(len(p)), s.left)]
	}
	n, err := s.from.Read(p)
	if s.left > 0 {
		s.left -= int64(n)
	}
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF):
		s.failure = err
	case s.left > 0:
		s.failure = io.ErrUnexpectedEOF
	}
	return n, err
}
