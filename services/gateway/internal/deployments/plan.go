package deployments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

// deed is all that a deployment of a package will do, in the one form that its
// digest is taken of. Its fields, their names and their order are part of what a
// digest means: a person who approves one means exactly this.
type deed struct {
	Application contract.Application `json:"application"`
	Version     string               `json:"version"`
	SHA256      string               `json:"sha256"`
	Servers     []place              `json:"servers"`        // in the order of the plan
	Work        *contract.Work       `json:"work,omitempty"` // of secrets, the names alone
	Policy      contract.Policy      `json:"policy"`         // without the approval, which is no part of the work
}

// place is where a server is.
type place struct {
	ID      string  `json:"id"`
	Address string  `json:"address"`
	Port    int     `json:"port"`
	User    string  `json:"user"`
	Via     []place `json:"via,omitempty"` // its jump hosts
}

func placeOf(s inventory.Server) place {
	t := s.Target()
	p := place{ID: t.Host, Address: t.Address, Port: t.Port, User: t.User}
	for _, hop := range t.Via {
		p.Via = append(p.Via, place{ID: hop.Host, Address: hop.Address, Port: hop.Port, User: hop.User})
	}
	return p
}

// Digest is the SHA-256, in hex, of what a deployment of the package will do. It
// depends on nothing else: the same order gives the same digest on any gateway.
func Digest(o Order, p contract.Package) string {
	w := deed{Application: o.Application, Work: unsealed(o.Work), Version: p.Version, SHA256: p.SHA256, Servers: make([]place, len(o.Servers)), Policy: o.Policy}
	w.Policy.Approval = nil
	for i, s := range o.Servers {
		w.Servers[i] = placeOf(s)
	}
	text, _ := json.Marshal(w) // strings, numbers and a time within a year: that cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// unsealed is the work without what its secrets are: sealed, they differ each time, and
// open, they could be guessed by the digest.
func unsealed(w *contract.Work) *contract.Work {
	if w == nil {
		return nil
	}
	out := *w
	out.Secrets, out.Hooks = named(w.Secrets), slices.Clone(w.Hooks)
	for i := range out.Hooks {
		out.Hooks[i].Secrets = named(out.Hooks[i].Secrets)
	}
	return &out
}

func named(secrets []contract.Secret) []contract.Secret {
	var names []contract.Secret
	for _, s := range secrets {
		names = append(names, contract.Secret{Name: s.Name})
	}
	return names
}

// Waves is the plan for so many servers. A policy that cannot be carried out,
// which no command of this gateway holds, counts as all at once.
func Waves(p contract.Policy, servers int) deploy.Waves {
	policy, err := p.Domain()
	if err != nil {
		return deploy.Strategy{}.Plan(servers)
	}
	return policy.Strategy.Plan(servers)
}
