package inventory

import (
	"context"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const defaultPort = 22

var (
	hostLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
	identifier = regexp.MustCompile(`^[0-9a-v]{20}$`)
)

// Input is what a client wants a server to be: nil stands for what was not
// said.
type Input struct {
	name, address, user *string
	port                *int
	credential          *contract.Credential
	hostKey             *string
	hostCA, revokedKeys *string
	legacy              *[]string
	firstContact        *bool
	jumpHost            *string // id or name; "": none
	labels              Labels
}

// ReadNew takes a new server from what a client sent. What is wrong is added to
// errs; where ctx ends, not all of it was looked at.
func ReadNew(ctx context.Context, o *field.Object, errs *field.Errors) Input {
	for _, name := range []string{"name", "address", "user"} {
		if !o.Given(name) || o.Null(name) {
			errs.Add(name, "is required")
		}
	}
	in := read(ctx, o, false)
	if in.port == nil {
		port := defaultPort
		in.port = &port
	}
	return in
}

// ReadPatch takes a change of a server from a JSON merge patch: what is left
// out stays, null resets. What is wrong is told as by ReadNew.
func ReadPatch(ctx context.Context, o *field.Object, errs *field.Errors) Input {
	for _, name := range []string{"name", "address", "user"} {
		if o.Null(name) {
			errs.Add(name, "cannot be removed")
		}
	}
	in := read(ctx, o, true)
	if o.Null("port") {
		in.port = ptr(defaultPort)
	}
	if o.Null("host_key") {
		in.hostKey = ptr("")
	}
	if o.Null("host_ca") {
		in.hostCA = ptr("")
	}
	if o.Null("revoked_keys") {
		in.revokedKeys = ptr("")
	}
	if o.Null("legacy_algorithms") {
		in.legacy = &[]string{}
	}
	if o.Null("first_contact") {
		in.firstContact = ptr(false)
	}
	if o.Null("jump_host") {
		in.jumpHost = ptr("")
	}
	if o.Null("credential") {
		in.credential = &contract.Credential{}
	}
	if o.Len() == 0 {
		errs.Add("body", "changes nothing")
	}
	return in
}

func read(ctx context.Context, o *field.Object, patch bool) Input {
	var in Input
	in.name = text(o, "name", CheckName)
	in.address = text(o, "address", checkAddress)
	in.user = text(o, "user", checkUser)
	if port, ok := o.Int("port", 1, 65535); ok {
		in.port = &port
	}
	if c, ok := o.Object("credential"); ok {
		in.credential = ptr(readCredential(ctx, o, c))
	}
	in.hostKey = readKeys(o, "host_key")
	in.hostCA = readKeys(o, "host_ca")
	in.revokedKeys = readKeys(o, "revoked_keys")
	if legacy, ok := o.Texts("legacy_algorithms"); ok {
		checkLegacy(legacy, o)
		in.legacy = &legacy
	}
	if trust, ok := o.Bool("first_contact"); ok {
		in.firstContact = &trust
	}
	in.jumpHost = text(o, "jump_host", checkReference)
	in.labels = readLabels(o, patch, checkServerLabel)
	o.End()
	return in
}

// readKeys takes public keys, one a line.
func readKeys(o *field.Object, name string) *string {
	keys, ok := o.Text(name)
	if !ok {
		return nil
	}
	lines, wrong := ParseHostKey(keys)
	o.Check(name, wrong)
	return &lines
}

func text(o *field.Object, name string, check func(string) string) *string {
	value, ok := o.Text(name)
	if !ok {
		return nil
	}
	o.Check(name, check(value))
	return &value
}

// Apply returns the server with what the input says. Its id must be set. It
// fails with field.Errors where the two do not fit together.
func (in Input) Apply(s Server, key seal.PublicKey, now time.Time) (Server, error) {
	var errs field.Errors
	set(&s.Name, in.name)
	set(&s.Address, in.address)
	set(&s.User, in.user)
	set(&s.Port, in.port)
	set(&s.HostKey, in.hostKey)
	set(&s.HostCA, in.hostCA)
	set(&s.RevokedKeys, in.revokedKeys)
	set(&s.LegacyAlgorithms, in.legacy)
	set(&s.FirstContact, in.firstContact)
	set(&s.JumpHost, in.jumpHost)
	s.Labels = in.labels.Merge(s.Labels, &errs)
	if in.credential != nil || s.CredentialKind == "" {
		var c contract.Credential
		set(&c, in.credential)
		if err := s.setCredential(c, key); err != nil {
			return s, err
		}
	}
	if !s.fits() {
		errs.Add("credential", "is too large together with the keys of the host")
	}
	s.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	return s, errs.Err()
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func ptr[T any](v T) *T { return &v }

// CheckName says what is wrong with the name of a server, or "". An id must never
// be taken for the name of another server, so names do not look like ids: whoever
// is to tell one from the other goes by the pattern.
func CheckName(s string) string {
	if wrong := rule.Name(s, 1, 128); wrong != "" {
		return wrong
	}
	if IsIdentifier(s) {
		return "must not have the form of an id"
	}
	return ""
}

// checkReference says what is wrong with what is to be the id or the name of a
// server, or "".
func checkReference(s string) string {
	if IsIdentifier(s) {
		return ""
	}
	return CheckName(s)
}

func checkUser(s string) string {
	if wrong := rule.Name(s, 1, 64); wrong != "" {
		return wrong
	}
	if strings.HasPrefix(s, "-") {
		return "must not begin with '-'"
	}
	return ""
}

// IsIdentifier says whether a text has the form of an id, which no name has.
func IsIdentifier(s string) bool { return identifier.MatchString(s) }

func checkAddress(s string) string {
	const want = "must be a DNS name or an IP address, without a port or brackets"
	if addr, err := netip.ParseAddr(s); err == nil {
		if addr.Zone() != "" && !hostLabel.MatchString(addr.Zone()) {
			return want
		}
		return ""
	}
	name := strings.TrimSuffix(s, ".")
	if name == "" || len(name) > 253 {
		return want
	}
	parts := strings.Split(name, ".")
	for _, part := range parts {
		if !hostLabel.MatchString(part) {
			return want
		}
	}
	if digits.MatchString(parts[len(parts)-1]) { // 10.0.0.256 is no name
		return want
	}
	return ""
}
