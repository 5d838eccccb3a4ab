package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Server is a host that can be deployed to, as it is stored.
type Server struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	Address           string            `json:"address"`
	Port              int               `json:"port"`
	User              string            `json:"user"`
	Credential        string            `json:"credential,omitempty"` // sealed; empty: the executor's agent
	CredentialKind    Kind              `json:"credential_kind"`
	CredentialExpires *time.Time        `json:"credential_expires,omitempty"` // when its certificate ends; nil: it has none, or one without an end
	HostKey           string            `json:"host_key,omitempty"`           // authorized_keys lines
	HostCA            string            `json:"host_ca,omitempty"`            // likewise: authorities that certify the host
	RevokedKeys       string            `json:"revoked_keys,omitempty"`       // likewise: keys of hosts and authorities that count no more
	LegacyAlgorithms  []string          `json:"legacy_algorithms,omitempty"`  // weak ones that may be agreed on with it
	FirstContact      bool              `json:"first_contact"`
	JumpHost          string            `json:"jump_host,omitempty"` // id of the server that this one is reached through; empty: none
	Labels            map[string]string `json:"labels"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`

	way way // as it was when the server was looked up; not stored
}

// Kind says what a credential consists of.
type Kind string

// The kinds of credentials.
const (
	KindAgent    Kind = "agent"
	KindKey      Kind = "private_key"
	KindPassword Kind = "password"
	KindBoth     Kind = "private_key_and_password"

	KindCertificate            Kind = "certificate" // of a private key
	KindCertificateAndPassword Kind = "certificate_and_password"
)

// maxTarget bounds what one server adds to a piece of a snapshot: a hundred of
// them must fit into one message.
const maxTarget = 10_000 // bytes

// Target is the server as a command carries it, with the jump hosts that it had
// when it was looked up.
func (s Server) Target() contract.Target {
	t := contract.Target{
		Host: s.ID, Name: s.Name, Address: s.Address, Port: s.Port, User: s.User,
		Credential: s.Credential, HostKey: s.HostKey, FirstContact: s.FirstContact, HostCA: s.HostCA, RevokedKeys: s.RevokedKeys,
		LegacyAlgorithms: s.LegacyAlgorithms,
		Zone:             s.Labels[contract.LabelZone],
	}
	for _, hop := range s.way.hops {
		t.Via = append(t.Via, hop.hop())
	}
	return t
}

// hop is the server as one that others are reached through.
func (s Server) hop() contract.Hop {
	return contract.Hop{
		Host: s.ID, Name: s.Name, Address: s.Address, Port: s.Port, User: s.User,
		Credential: s.Credential, HostKey: s.HostKey, FirstContact: s.FirstContact, HostCA: s.HostCA, RevokedKeys: s.RevokedKeys,
		LegacyAlgorithms: s.LegacyAlgorithms,
	}
}

// Zone is the network zone whose executors alone work on the server.
func (s Server) Zone() string { return cmp.Or(s.Labels[contract.LabelZone], contract.DefaultZone) }

// Unfit says why no executor could connect to the host, or "": the way to it is
// broken, or its identity, or that of a jump host, could not be checked.
func (s Server) Unfit() string {
	if s.way.broken != "" {
		return s.way.broken
	}
	for _, hop := range s.way.hops {
		if !hop.known() {
			return fmt.Sprintf("has the jump host %q, which has no host key, and whose first_contact is off", hop.Name)
		}
	}
	if !s.known() {
		return "has no host key, and first_contact is off"
	}
	return ""
}

// Broken says why there is no way to the server, which does not matter where it is
// connected to directly, or "".
func (s Server) Broken() string { return s.way.broken }

// known says whether an executor could tell the host from another: a key or an
// authority is stored, or the first key may be taken.
func (s Server) known() bool { return s.HostKey != "" || s.HostCA != "" || s.FirstContact }

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
