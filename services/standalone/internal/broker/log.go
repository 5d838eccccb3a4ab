package broker

import (
	"fmt"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// serverLog passes the server's warnings and errors on. It is also the only way to learn that the server has failed: an
// embedded one logs as fatal what would end a process, and goes on without.
type serverLog struct {
	log   zerolog.Logger
	dir   string
	fatal chan error // the first failure

	mu       sync.Mutex
	warnings []string // until forgetWarnings
	keep     bool
}

func newServerLog(log zerolog.Logger, dir string) *serverLog {
	return &serverLog{log: log.With().Str("part", "broker").Logger(), dir: dir, fatal: make(chan error, 1), keep: true}
}

// JetStream's words when it has given up to write, a stream or all of them, because the disk is full, read-only or broken.
// It does not try again before it is started anew.
var givenUp = []string{"will be DISABLED", "disabling JetStream", "ritical write error"}

// Fatalf implements server.Logger.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.fail(fmt.Errorf(format, v...))
}

// Errorf implements server.Logger.
func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error().Msg(text)
	l.noticeGivingUp(text)
}

// Warnf implements server.Logger.
func (l *serverLog) Warnf(format string, v ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	l.log.Warn().Msg(text)
	l.noticeGivingUp(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keep {
		l.warnings = append(l.warnings, text)
	}
}

// Noticef implements server.Logger.
func (l *serverLog) Noticef(string, ...any) {}

// Debugf implements server.Logger.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (l *serverLog) Tracef(string, ...any) {}

func (l *serverLog) noticeGivingUp(text string) {
	for _, words := range givenUp {
		if strings.Contains(text, words) {
			l.fail(fmt.Errorf("%w to %q (%s): free space on its disk, make it writable, and start again", ErrWrite, l.dir, text))
		}
	}
}

func (l *serverLog) fail(err error) {
	select {
	case l.fatal <- err:
	default: // the first is the cause
	}
}

// takeWarnings returns what was warned of until now and keeps no more.
func (l *serverLog) takeWarnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	warnings := l.warnings
	l.warnings, l.keep = nil, false
	return warnings
}
