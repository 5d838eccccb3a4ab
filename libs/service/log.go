package service

import (
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// LogConfig says what is logged, and how.
type LogConfig struct {
	Level  string `conf:"level" default:"info" help:"trace, debug, info, warn or error"`
	Format string `conf:"format" default:"auto" help:"json, console, or auto: console on a terminal"`
}

// Validate returns every mistake in the configuration.
func (c LogConfig) Validate() []error {
	var errs []error
	if _, err := observe.ParseLevel(c.Level); err != nil {
		errs = append(errs, config.Invalid("level", "%w", err))
	}
	if c.Format != "json" && c.Format != "console" && c.Format != "auto" {
		errs = append(errs, config.Invalid("format", "%q is not json, console or auto", c.Format))
	}
	return errs
}

// NewLog returns the log of a service, written to w. The level is that of all logs of
// the process, and can be changed while it runs: libs/observe.
func NewLog(c LogConfig, name string, w *os.File) zerolog.Logger {
	level, err := observe.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	zerolog.SetGlobalLevel(level)
	var out io.Writer = w
	if c.Format == "console" || c.Format == "auto" && isatty.IsTerminal(w.Fd()) {
		out = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(out).With().Timestamp().Str("service", name).Logger()
}
