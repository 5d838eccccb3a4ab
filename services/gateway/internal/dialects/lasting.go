package dialects

import (
	"context"
	"time"
)

// outlasts is for how long what Lasting is for goes on without its client: a large file is
// fetched in that time, and a program follows its configuration. It has a bound since a
// deployment may wait for a person, and a client that hangs up may ask again and again.
const outlasts = 15 * time.Minute

type baseKey struct{}

// Within is the context that those of all requests of a server are made of: Lasting ends
// with it.
func Within(ctx context.Context) context.Context { return context.WithValue(ctx, baseKey{}, ctx) }

// Lasting returns the context of a request for what must not be cut short by a client
// that hangs up: until something new has begun of which the rest goes on by itself. It ends a
// quarter of an hour after the client has gone, and with the server.
func Lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stops := []func() bool{context.AfterFunc(ctx, func() {
		select {
		case <-time.After(outlasts):
			cancel()
		case <-lasting.Done():
		}
	})}
	if base, ok := ctx.Value(baseKey{}).(context.Context); ok {
		stops = append(stops, context.AfterFunc(base, cancel))
	}
	return lasting, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
