package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// Exit statuses, as the help documents them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitDenied      = 4
	exitRejected    = 5
	exitInterrupted = 130
)

var (
	// errFailed: a deployment did not succeed. The output says which and why.
	errFailed = errors.New("the deployment did not succeed")

	// errNotLoggedIn: it is not known which server to ask, or with which token.
	errNotLoggedIn = errors.New("not logged in")

	// What the server would refuse, if it were asked.
	errNoHosts           = errors.New("there are no hosts yet; 'slipway servers add' adds one")
	errNothingToRollBack = errors.New("there is nothing to roll back")
	errNotFinished       = errors.New("the last deployment is not finished")
)

// exit says what went wrong, on standard error, and returns the exit status.
func (a *app) exit(ctx context.Context, err error) int {
	status := a.status(ctx, err)
	switch {
	case status == exitOK || errors.Is(err, errFailed):
	case status == exitInterrupted:
		a.note("slipway: interrupted")
	default:
		a.complain(err)
	}
	return status
}

func (a *app) status(ctx context.Context, err error) int {
	var misuse usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &misuse) || !a.ran:
		return exitUsage
	case errors.Is(err, client.ErrDenied) || errors.Is(err, errNotLoggedIn):
		return exitDenied
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, client.ErrRejected) || errors.Is(err, errNoHosts) ||
		errors.Is(err, errNothingToRollBack) || errors.Is(err, errNotFinished):
		return exitRejected
	default:
		return exitUsage
	}
}

// complain writes the error, each bad field, and what helps.
func (a *app) complain(err error) {
	a.note("slipway: %s", err)
	var p *client.Problem
	if errors.As(err, &p) {
		for _, field := range p.Errors {
			a.note("  %s: %s", field.Field, field.Message)
		}
		if p.Hint != "" && p.Status != 401 { // which has one of its own
			a.note("  %s", p.Hint)
		}
		if p.Status >= 500 && p.RequestID != "" {
			a.note("  the server's log has more, by the request id %s", p.RequestID)
		}
	}
	switch {
	case !a.ran:
		a.note("'slipway --help' and 'slipway COMMAND --help' say how.")
	case errors.Is(err, errNotLoggedIn) || p != nil && p.Status == 401:
		a.note("'slipway login --url URL' logs in.")
	}
}

// note writes lines to standard error. Anything may be in the arguments.
func (a *app) note(format string, args ...any) {
	for part := range strings.SplitSeq(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n") {
		_, _ = fmt.Fprintln(a.err, display.Clean(part))
	}
}
