package webhooks

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxURL         = 2000 // characters
	maxDescription = 200
	maxChosen      = 100 // projects, applications

	maxOverlap     = 7 * 24 * time.Hour
	defaultOverlap = 24 * time.Hour
)

// Input is what a client wants a webhook to be: nil stands for what was not said.
type Input struct {
	url, description, secret       *string
	events, projects, applications *[]string
	format                         string
}

// ReadNew takes a new webhook from what a client sent. guard says where it may lead.
func ReadNew(o *field.Object, errs *field.Errors, guard netguard.Guard) Input {
	in := read(o, errs, guard)
	if !o.Given("url") || o.Null("url") {
		errs.Add("url", "is required")
	}
	if in.events == nil {
		in.events = &DefaultEvents
	}
	in.secret = readSecret(o)
	o.End()
	return in
}

// ReadPatch takes a change of a webhook from a JSON merge patch: what is left out stays, null resets.
func ReadPatch(o *field.Object, errs *field.Errors, guard netguard.Guard) Input {
	in := read(o, errs, guard)
	if o.Null("url") {
		errs.Add("url", "cannot be removed")
	}
	if o.Null("description") {
		in.description = new(string)
	}
	if o.Null("events") {
		in.events = &DefaultEvents
	}
	if o.Null("projects") {
		in.projects = &[]string{}
	}
	if o.Null("applications") {
		in.applications = &[]string{}
	}
	o.Refuse("secret", "is replaced by POST /v1/webhooks/{id}/rotate")
	if o.Len() == 0 {
		errs.Add("body", "changes nothing")
	}
	o.End()
	return in
}

// CloudEvents is the format of what is told as events.
const CloudEvents = "cloudevents"

// ReadCallback takes the callback of a deployment, or returns false where none is asked for. forms are the formats that
// there are beside CloudEvents.
func ReadCallback(o *field.Object, errs *field.Errors, guard netguard.Guard, forms []string) (Input, bool) {
	url, given := o.Text("callback_url")
	secret, signed := o.Text("callback_secret")
	if signed {
		o.Check("callback_secret", wrongSecret(secret))
	}
	format, formed := o.OneOf("callback_format", append([]string{CloudEvents}, forms...)...)
	if !given {
		if signed {
			o.Check("callback_secret", "is for callback_url, which is not given")
		}
		if formed {
			o.Check("callback_format", "is for callback_url, which is not given")
		}
		return Input{}, false
	}
	errs.Check("callback_url", wrongURL(url, guard))
	if format == CloudEvents {
		format = ""
	}
	return Input{url: &url, secret: &secret, events: &DefaultEvents, format: format}, true
}

func read(o *field.Object, errs *field.Errors, guard netguard.Guard) Input {
	var in Input
	if url, ok := o.Text("url"); ok {
		errs.Check("url", wrongURL(url, guard))
		in.url = &url
	}
	if text, ok := o.Text("description"); ok {
		errs.Check("description", rule.Printable(text, 0, maxDescription))
		in.description = &text
	}
	if events, ok := o.Texts("events"); ok {
		checkEvents(events, errs)
		in.events = &events
	}
	in.projects = readChosen(o, errs, "projects", rule.Project)
	in.applications = readChosen(o, errs, "applications", rule.Application)
	return in
}

func checkEvents(events []string, errs *field.Errors) {
	known := append(Patterns(), Types()...)
	if len(events) == 0 {
		errs.Add("events", "must name at least one")
	}
	for i, e := range events {
		at := fmt.Sprintf("events[%d]", i)
		switch {
		case !slices.Contains(known, e):
			errs.Add(at, "must be one of %s", strings.Join(known, ", "))
		case slices.Contains(events[:i], e):
			errs.Add(at, "is given twice")
		}
	}
}

func readChosen(o *field.Object, errs *field.Errors, name string, check func(string) string) *[]string {
	names, ok := o.Texts(name)
	if !ok {
		return nil
	}
	if len(names) > maxChosen {
		errs.Add(name, "must be at most %d", maxChosen)
	}
	for i, one := range names {
		errs.Check(fmt.Sprintf("%s[%d]", name, i), check(one))
	}
	return &names
}

// readSecret takes the secret that is signed with.
func readSecret(o *field.Object) *string {
	secret, ok := o.Text("secret")
	if !ok {
		return nil
	}
	o.Check("secret", wrongSecret(secret))
	return &secret
}

func wrongSecret(text string) string {
	if _, err := ParseSecret(text); err != nil {
		return err.Error()
	}
	return ""
}

// wrongURL says what is wrong with where a webhook is to lead, or "". Names are looked at when they are connected to.
func wrongURL(text string, guard netguard.Guard) string {
	u, err := netguard.ParseURL(text)
	switch {
	case err != nil || len(text) > maxURL || rule.Printable(text, 1, maxURL) != "":
		return fmt.Sprintf("must be an http or https URL of at most %d characters", maxURL)
	case u.User != nil:
		return "must not hold a user or password: what is sent is signed"
	case u.Fragment != "":
		return "must not have a fragment"
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err == nil && guard.Control("tcp", net.JoinHostPort(addr.String(), "80"), nil) != nil {
		return "leads to an address that is not public; those that may be sent to are set by webhooks.allow"
	}
	return ""
}

// Apply returns the webhook with what the input says, its secret sealed. Where it is new and the input has no secret,
// one is made, which is returned, too. Its id must be set.
func (in Input) Apply(w Webhook, key seal.PublicKey, now time.Time) (_ Webhook, made string, err error) {
	set(&w.URL, in.url)
	set(&w.Description, in.description)
	set(&w.Events, in.events)
	set(&w.Projects, in.projects)
	set(&w.Applications, in.applications)
	if in.format != "" {
		w.Format = in.format
	}
	w.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	if w.State != "" {
		return w, "", nil
	}
	w.State, w.CreatedAt = Active, w.UpdatedAt
	if in.secret == nil {
		made = NewSecret()
		in.secret = &made
	}
	w.Secret, err = w.Seal(key, *in.secret)
	return w, made, err
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// Rotation is what a client says of a new secret.
type Rotation struct {
	secret  *string
	overlap time.Duration
}

// ReadRotation takes it.
func ReadRotation(o *field.Object) Rotation {
	r := Rotation{secret: readSecret(o), overlap: defaultOverlap}
	if text, ok := o.Text("overlap"); ok {
		overlap, err := time.ParseDuration(text)
		if err != nil || overlap < 0 || overlap > maxOverlap {
			o.Check("overlap", "must be a duration from 0s to "+maxOverlap.String())
		}
		r.overlap = overlap
	}
	o.End()
	return r
}

// Apply returns the webhook with a new secret, and that secret where it was made here. What is sent is signed with the one
// before as well until the overlap is over.
func (r Rotation) Apply(w Webhook, key seal.PublicKey, now time.Time) (_ Webhook, made string, err error) {
	if r.secret == nil {
		made = NewSecret()
		r.secret = &made
	}
	w.Previous = nil
	if r.overlap > 0 && w.Secret != "" {
		w.Previous = &Previous{Secret: w.Secret, Until: now.Add(r.overlap).UTC().Truncate(time.Millisecond)}
	}
	w.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	w.Secret, err = w.Seal(key, *r.secret)
	return w, made, err
}
