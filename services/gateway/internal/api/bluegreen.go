package api

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	defaultColor = "color"
	defaultKept  = 10 * time.Minute
	maxBalancers = 100
	maxNames     = 64 << 10 // bytes, of all servers of both sets: they stand in the environment of commands
)

// blueGreen is what the strategy of that name says beside what others do, as it is
// sent, too.
type blueGreen struct {
	Label   string   `json:"label"`
	To      string   `json:"to"`
	Traffic *traffic `json:"traffic"`
	Keep    string   `json:"keep"`
	Retire  *retire  `json:"retire,omitempty"`
}

type traffic struct {
	Servers []string          `json:"servers"` // names or ids, as they were given
	HAProxy *contract.HAProxy `json:"haproxy,omitempty"`
	Command string            `json:"command,omitempty"`
}

type retire struct {
	Command string `json:"command"`
}

// readBlueGreen takes those fields.
func readBlueGreen(o *field.Object) (*blueGreen, int64) {
	b := &blueGreen{Label: defaultColor, Traffic: &traffic{}}
	if label, given := o.Text("label"); given {
		o.Check("label", rule.LabelKey(label))
		b.Label = label
	}
	b.To, _ = o.Required("to")
	if t, given := o.Object("traffic"); given {
		b.Traffic = readTraffic(t)
	} else if !o.Given("traffic") || o.Null("traffic") {
		o.Check("traffic", "is required")
	}
	kept := readMilliseconds(o, "keep")
	if kept == 0 {
		kept = defaultKept.Milliseconds()
	}
	b.Keep = period(kept)
	if r, given := o.Object("retire"); given {
		command, _ := r.Required("command")
		if command != "" {
			r.Check("command", rule.Command(command))
		}
		r.End()
		b.Retire = &retire{command}
	}
	return b, kept
}

func readTraffic(o *field.Object) *traffic {
	t := &traffic{}
	t.Servers, _ = o.Texts("servers")
	switch {
	case !o.Given("servers") || o.Null("servers"):
		o.Check("servers", "is required")
	case len(t.Servers) == 0 || len(t.Servers) > maxBalancers:
		o.Check("servers", fmt.Sprintf("must name 1 to %d balancers", maxBalancers))
	}
	h, byHAProxy := o.Object("haproxy")
	if byHAProxy {
		t.HAProxy = &contract.HAProxy{}
		t.HAProxy.Socket, _ = h.Required("socket")
		if t.HAProxy.Socket != "" {
			h.Check("socket", rule.Socket(t.HAProxy.Socket))
		}
		t.HAProxy.Backend, _ = h.Required("backend")
		if t.HAProxy.Backend != "" {
			h.Check("backend", rule.HAProxyName(t.HAProxy.Backend))
		}
		h.End()
	}
	command, byCommand := o.Text("command")
	if byCommand {
		o.Check("command", rule.Command(command))
		t.Command = command
	}
	if byHAProxy == byCommand {
		o.Check("haproxy", "must be there, or command: one of both")
	}
	o.End()
	return t
}

// arrange returns the servers in the order of the plan. Where the deployment goes
// by sets, it finds these among the servers, and completes the policy; what is
// wrong is added to the call's errors.
func (a *API) arrange(c *call, w *course, servers []inventory.Server) ([]inventory.Server, error) {
	asked := w.sets
	if asked == nil {
		c.checkHealth(w.policy, servers)
		return inventory.Ordered(servers, w.orderBy), nil
	}
	balancers, err := a.balancers(c, asked.Traffic.Servers)
	if err != nil || len(c.errs) > 0 {
		return nil, err
	}
	fresh, old := c.divide(asked, servers)
	c.checkHealth(w.policy, fresh)
	c.checkSets(asked, fresh, old, balancers)
	if len(c.errs) > 0 {
		return nil, nil
	}
	fresh, old = inventory.Ordered(fresh, w.orderBy), inventory.Ordered(old, w.orderBy)
	s := &w.policy.Strategy
	s.BlueGreen = &contract.BlueGreen{
		From: setOf(asked.Label, old), To: setOf(asked.Label, fresh),
		Traffic: contract.Traffic{HAProxy: asked.Traffic.HAProxy, Command: asked.Traffic.Command},
	}
	s.Sets = []contract.Set{
		{Role: string(deploy.RoleNew), Targets: len(fresh)}, {Role: string(deploy.RoleBalancer), Targets: len(balancers)},
	}
	plan := slices.Concat(fresh, balancers)
	if asked.Retire != nil {
		s.BlueGreen.Retire = asked.Retire.Command
		s.Sets = append(s.Sets, contract.Set{Role: string(deploy.RoleOld), Targets: len(old)})
		plan = append(plan, old...)
	}
	return plan, nil
}

// balancers finds the servers that traffic comes through.
func (a *API) balancers(c *call, listed []string) ([]inventory.Server, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	found, err := a.Servers.Choose(ctx, inventory.Choice{Listed: listed})
	var unknown field.Errors
	if errors.As(err, &unknown) {
		for _, one := range unknown {
			c.errs.Add("strategy.traffic."+one.Field, "%s", one.Message)
		}
		return nil, nil
	}
	a.checkReachable(c, found)
	return found, err
}

// divide tells the two sets by the label.
func (c *call) divide(asked *blueGreen, servers []inventory.Server) (fresh, old []inventory.Server) {
	from := ""
	for _, s := range servers {
		switch value := s.Labels[asked.Label]; {
		case value == "":
			c.errs.Add("servers", "%q (%s) has no label %s, which tells the two sets", s.Name, s.ID, asked.Label)
		case value == asked.To:
			fresh = append(fresh, s)
		case from == "" || from == value:
			from, old = value, append(old, s)
		default:
			c.errs.Add("servers", "%q (%s) is of a third set: %s is %s, beside %s and %s", s.Name, s.ID, asked.Label, value, asked.To, from)
		}
	}
	if len(servers) > 0 && len(fresh) == 0 {
		c.errs.Add("strategy.to", "no chosen server has the label %s=%s", asked.Label, asked.To)
	}
	if len(fresh) > 0 && len(old) == 0 {
		c.errs.Add("servers", "must be of two sets: all have the label %s=%s", asked.Label, asked.To)
	}
	return fresh, old
}

// checkSets refuses what no balancer could be told, or would be its own target.
func (c *call) checkSets(asked *blueGreen, fresh, old, balancers []inventory.Server) {
	both := slices.Concat(fresh, old)
	if len(both) > contract.ServersOfSets {
		c.errs.Add("servers", "must be at most %d with this strategy", contract.ServersOfSets)
		return
	}
	balances, bytes := map[string]bool{}, 0
	for _, b := range balancers {
		balances[b.ID] = true
	}
	for _, s := range both {
		bytes += len(s.Name) + 1
		if balances[s.ID] {
			c.errs.Add("strategy.traffic.servers", "%q (%s) is of one of the sets", s.Name, s.ID)
		}
		if wrong := rule.HAProxyName(s.Name); wrong != "" && asked.Traffic.HAProxy != nil {
			c.errs.Add("servers", "the name %q %s", s.Name, wrong)
		}
	}
	if bytes > maxNames {
		c.errs.Add("servers", "must have names of at most %d bytes together with this strategy", maxNames)
	}
}

// setOf is a set as balancers are told of it.
func setOf(label string, servers []inventory.Server) contract.ServerSet {
	set := contract.ServerSet{Name: servers[0].Labels[label]}
	for _, s := range servers {
		set.Servers = append(set.Servers, s.Name)
	}
	return set
}

// refuseSets refuses a strategy that is for what is deployed first.
func (c *call) refuseSets(w course) {
	if w.sets != nil {
		c.errs.Add("strategy.type", "%s is for new deployments alone", deploy.BlueGreen)
	}
}

// wayBack has a deployment that went from one set to another rolled back as a
// whole, in an order of its own.
func (a *API) wayBack(c *call, of *deployments.Finished, w *course, chosen map[string]bool) error {
	if of.Strategy != string(deploy.BlueGreen) {
		return nil
	}
	for name, given := range chosen {
		if given {
			c.errs.Add(name, "cannot be chosen: a deployment from one set to another is rolled back as a whole, traffic first")
		}
	}
	strategy, about, err := a.Deployments.WayBack(c.ctx, *of)
	if err != nil {
		return err
	}
	w.policy.Strategy, of.About = strategy, about
	if w.policy.Failures.Total == "" {
		w.policy.Failures.Total = "100%" // a server that stays behind keeps no other from going back
	}
	return nil
}

// stepsOf is what a deployment does on each server of a wave of this role; "" is of
// a wave without one.
func stepsOf(role string, work *contract.Work) []string {
	var steps []string
	for _, s := range deploy.KindDeploy.On(deploy.Role(role)).Steps(work.Domain(deploy.KindDeploy)) {
		steps = append(steps, string(s))
	}
	return steps
}
