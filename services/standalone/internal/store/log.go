package store

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// logHandler passes FerretDB's errors on. Its warnings are dropped: they tell of clients that disconnect and of
// commands that are refused, and the client, which is told too, knows better whether that matters.
//
// It also closes damage when SQLite finds a damaged file: FerretDB reports that to clients as one internal error among
// others, who would try again for ever.
type logHandler struct {
	slog.Handler
	*damageAlarm
}

type damageAlarm struct {
	damage chan struct{}
	once   sync.Once
}

// SQLite's own texts for SQLITE_CORRUPT and SQLITE_NOTADB; FerretDB hands on no codes.
var damageTexts = []string{"database disk image is malformed", "file is not a database"}

func newLogHandler(log zerolog.Logger) *logHandler {
	return &logHandler{
		Handler:     zerolog.NewSlogHandler(log.With().Str("part", "store").Logger()),
		damageAlarm: &damageAlarm{damage: make(chan struct{})},
	}
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	for _, text := range damageTexts {
		if strings.Contains(r.Message, text) {
			h.once.Do(func() { close(h.damage) })
		}
	}
	if r.Level < slog.LevelError || !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{Handler: h.Handler.WithAttrs(attrs), damageAlarm: h.damageAlarm}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{Handler: h.Handler.WithGroup(name), damageAlarm: h.damageAlarm}
}
