package inventory

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Server is a host that can be deployed to, as it is stored.
type Server struct {
	ID             string            `json:"id"`
	Name           string            `json:"name"`
	Address        string            `json:"address"`
	Port           int               `json:"port"`
	User           string            `json:"user"`
	Credential     string            `json:"credential,omitempty"` // sealed; empty: the executor's agent
	CredentialKind Kind              `json:"credential_kind"`
	HostKey        string            `json:"host_key,omitempty"` // authorized_keys lines
	FirstContact   bool              `json:"first_contact"`
	Labels         map[string]string `json:"labels"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

// Kind says what a credential consists of.
type Kind string

// The kinds of credentials.
const (
	KindAgent    Kind = "agent"
	KindKey      Kind = "private_key"
	KindPassword Kind = "password"
	KindBoth     Kind = "private_key_and_password"
)

// maxTarget bounds what one server adds to a piece of a snapshot: a hundred of
// them must fit into one message.
const maxTarget = 10_000 // bytes

// Target is the server as a command carries it.
func (s Server) Target() contract.Target {
	return contract.Target{
		Host: s.ID, Name: s.Name, Address: s.Address, Port: s.Port, User: s.User,
		Credential: s.Credential, HostKey: s.HostKey, FirstContact: s.FirstContact,
		Zone: s.Labels[contract.LabelZone],
	}
}

// Zone is the network zone whose executors alone work on the server.
func (s Server) Zone() string { return cmp.Or(s.Labels[contract.LabelZone], contract.DefaultZone) }

// Reachable says whether an executor could trust the host: a key is stored, or
// the first one may be taken.
func (s Server) Reachable() bool { return s.HostKey != "" || s.FirstContact }

// Matches says whether the server carries all of these labels.
func (s Server) Matches(labels map[string]string) bool {
	for k, v := range labels {
		if have, ok := s.Labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

func (s Server) fits() bool {
	encoded, err := json.Marshal(s.Target())
	return err == nil && len(encoded) <= maxTarget
}
