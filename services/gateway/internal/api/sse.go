package api

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
)

const (
	mediaEvents = "text/event-stream"
	comeBack    = "retry: 2000\n\n" // milliseconds after which a client that lost us is to try again
)

// eventStream shows events as server-sent events:
// https://html.spec.whatwg.org/multipage/server-sent-events.html
type eventStream struct {
	out    outlet
	buffer bytes.Buffer
}

func (a *API) showAsEvents(c *call, w *live.Watch) {
	out := c.http.Response()
	s := &eventStream{out: a.outlet(c.http)}
	out.Header().Set(echo.HeaderContentType, mediaEvents)
	out.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	out.WriteHeader(http.StatusOK)
	s.buffer.WriteString(comeBack)
	if s.out.send(&s.buffer) == nil {
		// The end of the stream says all there is to say: who wants more comes back.
		_ = a.pump(c.ctx, c, w, s)
	}
}

func (s *eventStream) show(events []*live.Event) error {
	out := s.buffer.AvailableBuffer()
	for _, e := range events {
		// By hand, since it is done for each client.
		out = strconv.AppendUint(append(out, "id: "...), e.Seq, 10)
		out = append(append(out, "\nevent: "...), e.Type...)
		out = append(append(out, "\ndata: "...), e.JSON...) // of one line
		out = append(out, "\n\n"...)
	}
	s.buffer.Write(out)
	return s.out.send(&s.buffer)
}

func (s *eventStream) beat() error {
	s.buffer.WriteString(":\n\n")
	return s.out.send(&s.buffer)
}
