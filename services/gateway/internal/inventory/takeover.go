package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/xid"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
	"github.com/slipway-deploy/slipway/services/gateway/internal/serverlist"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// Defaults is what new servers get that a list does not say.
type Defaults struct {
	fields     map[string]json.RawMessage
	labels     map[string]string
	credential *contract.Credential
}

// ReadDefaults takes them from what a client sent. What is wrong is told as by
// ReadNew.
func ReadDefaults(ctx context.Context, o *field.Object, errs *field.Errors) Defaults {
	for _, name := range []string{"name", "address", "host_key"} {
		o.Refuse(name, "is that of one server: it stands in the list")
	}
	d := Defaults{fields: map[string]json.RawMessage{}, labels: map[string]string{}}
	for _, name := range []string{"user", "port", "first_contact", "jump_host", "host_ca", "revoked_keys", "legacy_algorithms"} {
		if raw := o.Raw(name); raw != nil {
			d.fields[name] = raw
		}
	}
	in := read(ctx, o, false)
	d.credential = in.credential
	for key, value := range in.labels.given {
		d.labels[key] = *value
	}
	return d
}

// Takeover is how a list of servers is taken over.
type Takeover struct {
	Entries  []serverlist.Entry
	Defaults Defaults
	Seal     seal.PublicKey
	DryRun   bool // nothing is stored
}

// Taken is what became of an entry.
type Taken struct {
	takeover.Taken
	in     Input
	have   *Server // nil: it is new
	behind string  // name of the entry that it is reached through; "": of none
}

// TakeOver has the servers be as a list says, and returns what became of each entry, in
// their order. Where one of them cannot be followed, nothing is stored (takeover.ErrEntry). What the list does
// not say of a server that is there stays. Doing it again changes nothing more.
func (v *Inventory) TakeOver(ctx context.Context, t Takeover) ([]Taken, error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, err
	}
	var servers map[string]mirror.Entry[stored]
	v.view.View(func(all map[string]mirror.Entry[stored]) { servers = maps.Clone(all) }) // keys of the list are opened: nobody is to wait for that
	taken := t.plan(ctx, servers)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch {
	case t.DryRun:
		return taken, nil
	case slices.ContainsFunc(taken, func(one Taken) bool { return len(one.Errors) > 0 }):
		return taken, takeover.ErrEntry
	default:
		return taken, v.carryOut(ctx, t, taken)
	}
}

// planner is what is known while a takeover is planned.
type planner struct {
	Takeover
	all       map[string]mirror.Entry[stored]
	listed    map[string]bool   // names of entries
	byAddress map[string]string // the name of the one server, or entry, of each address
	servers   map[string]string // the name of the one server of each address
}

// plan says what is to become of each entry.
func (t Takeover) plan(ctx context.Context, all map[string]mirror.Entry[stored]) []Taken {
	p := planner{t, all, map[string]bool{}, addresses(all, t.Entries), addresses(all, nil)}
	for _, e := range t.Entries {
		if e.Skip == "" { // what is no server may have the name of one
			p.listed[e.Name] = true
		}
	}
	taken := make([]Taken, len(t.Entries))
	for i, e := range t.Entries {
		one := &taken[i]
		one.Taken = takeover.Taken{Line: e.Line, Name: e.Name, Outcome: takeover.Skipped, Notes: e.Notes}
		if e.Skip != "" {
			one.Notes = append(one.Notes, e.Skip)
			continue
		}
		p.planOne(ctx, one, e)
		if jump := one.in.jumpHost; jump != nil && p.listed[*jump] {
			one.behind = *jump
		}
		if one.have == nil && one.in.credential == nil { // last: to seal it for every server would take its time
			one.in.credential = t.Defaults.credential
		}
	}
	refuseLoops(taken)
	return taken
}

// addresses is the name of the one server, or entry, of each address.
func addresses(all map[string]mirror.Entry[stored], entries []serverlist.Entry) map[string]string {
	names := map[string]string{}
	note := func(address, name string) {
		if before, twice := names[address]; twice && before != name {
			name = "" // it is not said which
		}
		names[address] = name
	}
	for _, e := range all {
		if s := e.Value.Server; s != nil && exists(all, s) {
			note(s.Address, s.Name)
		}
	}
	for _, e := range entries {
		if address, ok := e.Fields["address"].(string); ok {
			note(address, e.Name)
		}
	}
	return names
}

// planOne says what is to become of one entry.
func (p planner) planOne(ctx context.Context, one *Taken, e serverlist.Entry) {
	if IsIdentifier(e.Name) {
		one.Fail("name", "must not have the form of an id")
		return
	}
	said := maps.Clone(e.Fields)
	if jump, ok := said["jump_host"].(string); ok && byName(p.all, jump) == nil && !p.listed[jump] {
		said["jump_host"] = cmp.Or(p.byAddress[jump], jump)
	}
	one.have = p.known(one, e)
	if one.have != nil {
		delete(said, "credential") // it is not known whether it is that which is stored
	}
	document := p.document(e, said, one.have)
	o, err := field.Parse(document, &one.Errors)
	if err != nil {
		one.Fail("", err.Error())
		return
	}
	next := Server{}
	if one.have == nil {
		one.in = ReadNew(ctx, o, &one.Errors)
		one.Outcome = takeover.Created
	} else {
		one.in = ReadPatch(ctx, o, &one.Errors)
		one.ID, next = one.have.ID, *one.have
	}
	if len(one.Errors) > 0 {
		one.Outcome = takeover.Failed
		return
	}
	own := one.in.credential // sealed when it is stored, and not before
	one.in.credential = nil
	p.settle(one, next)
	one.in.credential = own
}

// known returns the server that an entry is about, nil where it is new.
func (p planner) known(one *Taken, e serverlist.Entry) *Server {
	have := byName(p.all, e.Name)
	address, _ := e.Fields["address"].(string)
	if name := p.servers[address]; have == nil && e.ByAddress && name != "" && !p.listed[name] {
		have = byName(p.all, name)
		one.Notes = append(slices.Clone(one.Notes), fmt.Sprintf("it is the server %q, by its address", name))
	}
	return have
}

// settle finds what would change, and what the two do not go together in.
func (p planner) settle(one *Taken, next Server) {
	next, err := one.in.Apply(next, p.Seal, time.Now())
	var errs field.Errors
	if errors.As(err, &errs) {
		one.Errors, one.Outcome = errs, takeover.Failed
		return
	}
	if ref := next.JumpHost; ref != "" {
		hop := byID(p.all, ref)
		if hop == nil {
			hop = byName(p.all, ref)
		}
		switch {
		case hop == nil && !p.listed[ref]:
			one.Fail("jump_host", "no server has this id or name, and none of the list")
		case hop != nil:
			next.JumpHost = hop.ID
		}
	}
	if one.have == nil || one.Outcome == takeover.Failed {
		return
	}
	one.Changes = changes(*one.have, next)
	one.Outcome = takeover.Same
	if len(one.Changes) > 0 {
		one.Outcome = takeover.Changed
	}
}

// document is what the entry says, as a client would.
func (t Takeover) document(e serverlist.Entry, said map[string]any, have *Server) []byte {
	var had map[string]string
	if have != nil {
		had = have.Labels
	}
	labels := takeover.PatchLabels(had, e.Labels, e.Groups)
	if have == nil {
		said["name"] = e.Name
		for name, value := range t.Defaults.fields {
			if _, is := said[name]; !is {
				said[name] = value
			}
		}
		for key, value := range t.Defaults.labels {
			if _, is := labels[key]; !is {
				labels[key] = value
			}
		}
	}
	said["labels"] = labels
	document, err := json.Marshal(said)
	if err != nil {
		return []byte("?") // what no field is, as a list in a list in YAML can be; it is refused as no JSON
	}
	return document
}

// changes names the fields in which two servers differ.
func changes(have, next Server) []string {
	var names []string
	for _, f := range []struct {
		name       string
		have, next any
	}{
		{"address", have.Address, next.Address}, {"port", have.Port, next.Port}, {"user", have.User, next.User},
		{"host_key", have.HostKey, next.HostKey}, {"host_ca", have.HostCA, next.HostCA}, {"revoked_keys", have.RevokedKeys, next.RevokedKeys},
		{"first_contact", have.FirstContact, next.FirstContact}, {"jump_host", have.JumpHost, next.JumpHost},
	} {
		if f.have != f.next {
			names = append(names, f.name)
		}
	}
	if !slices.Equal(have.LegacyAlgorithms, next.LegacyAlgorithms) {
		names = append(names, "legacy_algorithms")
	}
	return append(names, takeover.ChangedLabels(have.Labels, next.Labels)...)
}

// refuseLoops fails entries that are reached through themselves, or through too many.
func refuseLoops(taken []Taken) {
	behind := map[string]string{}
	for _, one := range taken {
		if one.Outcome != takeover.Skipped {
			behind[one.Name] = one.behind
		}
	}
	for i := range taken {
		hops := 0
		for at := taken[i].behind; at != "" && hops <= maxHops; at = behind[at] {
			hops++
		}
		if hops > maxHops {
			taken[i].Fail("jump_host", fmt.Sprintf("is reached through itself, or through more than %d jump hosts", maxHops))
		}
	}
}

// carryOut stores what was planned: those first through which others are reached.
func (v *Inventory) carryOut(ctx context.Context, t Takeover, taken []Taken) error {
	left := map[string]bool{}
	for _, one := range taken {
		if one.Stores() {
			left[one.Name] = true
		}
	}
	for {
		var now []*Taken
		for i := range taken {
			if one := &taken[i]; one.Stores() && left[one.Name] && !left[one.behind] {
				now = append(now, one)
			}
		}
		if len(now) == 0 {
			return nil
		}
		if err := v.storeAll(ctx, t, now); err != nil {
			return err
		}
		for _, one := range now {
			left[one.Name] = false
		}
	}
}

func (v *Inventory) storeAll(ctx context.Context, t Takeover, now []*Taken) error {
	var (
		mu  sync.Mutex
		all errgroup.Group
	)
	all.SetLimit(takeover.AtOnce)
	for _, one := range now {
		all.Go(func() error {
			id, err := v.store(ctx, t, *one)
			mu.Lock()
			defer mu.Unlock()
			var errs field.Errors
			switch {
			case errors.As(err, &errs):
				one.Errors, one.Outcome = errs, takeover.Failed
			case errors.Is(err, ErrNameTaken), errors.Is(err, ErrNotFound):
				one.Fail("name", "somebody else was first: "+err.Error())
			case err != nil:
				return err
			}
			one.ID = id
			return nil
		})
	}
	return all.Wait()
}

// store creates or changes the server of an entry.
func (v *Inventory) store(ctx context.Context, t Takeover, one Taken) (id string, err error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if one.have != nil {
		_, _, err := v.Change(ctx, one.have.ID, 0, func(s Server) (Server, error) {
			next, err := one.in.Apply(s, t.Seal, now)
			if err == nil && len(changes(s, next)) == 0 {
				return s, nil
			}
			return next, err
		})
		return one.have.ID, err
	}
	s, err := one.in.Apply(Server{ID: xid.New().String(), CreatedAt: now}, t.Seal, now)
	if err != nil {
		return "", err
	}
	s, _, err = v.Create(ctx, s)
	return s.ID, err
}
