package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout and stopTimeout bound what takes a second or two, on a busy machine.
	startTimeout = time.Minute
	stopTimeout  = 15 * time.Second

	// logTail is how much of the log is shown after a failure, in lines.
	logTail = 30
)

// installation is a running slipway-standalone.
type installation struct {
	url, token string

	process *exec.Cmd
	log     string        // path
	ended   chan struct{} // closed when the process has
}

// install starts slipway-standalone with its data in dir and returns when it serves requests.
func install(ctx context.Context, program, dir string, env []string) (*installation, error) {
	in := &installation{log: filepath.Join(dir, "standalone.log"), ended: make(chan struct{})}
	log, err := os.OpenFile(in.log, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInstallation, err)
	}
	defer log.Close()                                                     // the process has it
	in.process = exec.CommandContext(context.WithoutCancel(ctx), program, // stop ends it
		"--data", filepath.Join(dir, "data"), "--gateway-listen", "127.0.0.1:0")
	in.process.Env, in.process.Dir, in.process.Stderr = env, dir, log
	in.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who stop it when it is its turn
	said, err := in.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInstallation, err)
	}
	if err := in.process.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w: run make build", ErrInstallation, err)
	}
	announced := make(chan struct{})
	go func() {
		in.listen(said, announced)
		_ = in.process.Wait()
		close(in.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-announced:
		return in, nil
	case <-in.ended:
		err = errors.New("ended at once")
	case <-ctx.Done():
		err = ctx.Err()
	}
	in.stop()
	return nil, fmt.Errorf("%w: %w\n%s", ErrInstallation, err, in.tail())
}

var (
	urlLine   = regexp.MustCompile(`^Slipway listens on (http://\S+)$`)
	tokenLine = regexp.MustCompile(`^\s+(slw_\S+)$`)
)

// listen reads the announcement, closes announced when it has the address and the token, and reads on to the end.
func (in *installation) listen(said io.Reader, announced chan<- struct{}) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if found := urlLine.FindStringSubmatch(lines.Text()); found != nil {
			in.url = found[1]
		}
		if found := tokenLine.FindStringSubmatch(lines.Text()); found != nil && in.token == "" {
			in.token = found[1]
			close(announced)
		}
	}
}

// stop ends the process and returns when it is gone.
func (in *installation) stop() {
	_ = in.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-in.ended:
	case <-time.After(stopTimeout):
		_ = in.process.Process.Kill()
		<-in.ended
	}
}

// tail is the end of the log, without the requests that went well: those of one live display fill pages.
func (in *installation) tail() string {
	text, err := os.ReadFile(in.log)
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool {
		return strings.Contains(line, `"status":2`) && strings.Contains(line, `"message":"request"`)
	})
	lines = lines[max(0, len(lines)-logTail):]
	return "The end of its log:\n  " + strings.Join(lines, "\n  ")
}
