package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
)

const headerLastEvent = "Last-Event-ID"

// errQuiet ends a wait for events in which there were none.
var errQuiet = errors.New("no events for a while")

// watchDeployment shows the events of one deployment from its first to its last.
func (a *API) watchDeployment(c *call) (answer, error) {
	after, err := a.seen(c)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	end, err := a.Deployments.Ended(ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	if end > 0 && after.event >= end {
		return answer{status: http.StatusNoContent}, nil // it tells a browser not to come back
	}
	return a.watch(ctx, c, c.id(), after)
}

// watchAll shows the events of all deployments that the caller may see.
func (a *API) watchAll(c *call) (answer, error) {
	after, err := a.seen(c)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	c.looked = true // pump does, for each event
	return a.watch(ctx, c, live.All, after)
}

// mark is the event after which a client wants to be shown more; 0: there is none.
type mark struct {
	event uint64
	name  string // of the parameter or header that says so
}

// seen returns it. Who comes back has sent the header; the query is for those who cannot.
func (a *API) seen(c *call) (after mark, err error) {
	q, err := c.query()
	if err != nil {
		return mark{}, err
	}
	read := func(name, text string) {
		after.name = name
		if after.event, err = strconv.ParseUint(text, 10, 63); err != nil {
			c.errs.Add(name, "is not the id of an event")
		}
	}
	if text, given := q.Text("after"); given {
		read("after", text)
	}
	q.End()
	if header := c.http.Request().Header.Get(headerLastEvent); header != "" {
		read(headerLastEvent, header)
	}
	return after, c.errs.Err()
}

func (a *API) watch(ctx context.Context, c *call, deployment string, after mark) (answer, error) {
	w, err := a.Live.Watch(ctx, c.caller.ID, deployment, after.event)
	switch {
	case errors.Is(err, live.ErrFull), errors.Is(err, live.ErrClosed):
		return answer{}, problemf(codeUnavailable, "%s", err)
	case errors.Is(err, live.ErrCallerFull):
		return answer{}, problemf(codeRateLimited, "%s", err).after(a.Limits.Beat)
	case errors.Is(err, live.ErrAhead):
		c.errs.Add(after.name, "%s", err)
		return answer{}, c.errs.Err()
	case err != nil:
		return answer{}, err
	}
	return answer{stream: func(c *call) { //nolint:contextcheck // the call has it
		defer w.Close()
		if strings.EqualFold(c.http.Request().Header.Get("Upgrade"), "websocket") {
			a.showOverWebSocket(c, w)
			return
		}
		a.showAsEvents(c, w)
	}}, nil
}

// viewer is where events are shown.
type viewer interface {
	show(events []*live.Event) error
	beat() error // says that the connection is alive
}

// pump shows events until there are no more, and returns why, or the viewer is gone.
// It lets no connection be silent for so long that a proxy takes it for dead, and looks
// as often whether the caller is still let in.
func (a *API) pump(ctx context.Context, c *call, w *live.Watch, v viewer) error {
	for looked, said := time.Now(), time.Now(); ; {
		if time.Since(looked) >= a.Limits.Beat {
			if err := a.still(ctx, c); errors.Is(err, access.ErrUnknown) || errors.Is(err, access.ErrExpired) {
				return err
			}
			looked = time.Now()
		}
		wait, cancel := context.WithTimeoutCause(ctx, a.Limits.Beat, errQuiet)
		events, err := w.Next(wait)
		cancel()
		if err != nil && !errors.Is(err, errQuiet) {
			return err
		}
		if events = c.visible(events); c.say != nil {
			if events, err = c.say(ctx, events); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			err = v.show(events)
		} else if time.Since(said) < a.Limits.Beat {
			continue
		} else {
			err = v.beat()
		}
		if err != nil {
			return err
		}
		said = time.Now()
	}
}

// visible returns the events that the caller may see. One who may see the deployment in
// the path may see all of its events.
func (c *call) visible(events []*live.Event) []*live.Event {
	if c.id() != "" || c.unlimited() {
		return events
	}
	return slices.DeleteFunc(events, func(e *live.Event) bool { return !c.sees([]string{e.Project}) })
}
