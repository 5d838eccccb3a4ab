package inventory

import (
	"maps"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	defaultPort   = 22
	maxLabels     = 64
	maxLabelValue = 128 // characters
)

var (
	hostLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
	identifier = regexp.MustCompile(`^[0-9a-v]{20}$`)
	labelKey   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$`)
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
	jumpHost            *string            // id or name; "": none
	labels              map[string]*string // nil: remove the label
	resetLabels         bool
}

// ReadNew takes a new server from what a client sent.
func ReadNew(o *field.Object, errs *field.Errors) Input {
	for _, name := range []string{"name", "address", "user"} {
		if !o.Given(name) || o.Null(name) {
			errs.Add(name, "is required")
		}
	}
	in := read(o, errs, false)
	if in.port == nil {
		port := defaultPort
		in.port = &port
	}
	return in
}

// ReadPatch takes a change of a server from a JSON merge patch: what is left
// out stays, null resets.
func ReadPatch(o *field.Object, errs *field.Errors) Input {
	for _, name := range []string{"name", "address", "user"} {
		if o.Null(name) {
			errs.Add(name, "cannot be removed")
		}
	}
	in := read(o, errs, true)
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
	in.resetLabels = o.Null("labels")
	if o.Len() == 0 {
		errs.Add("body", "changes nothing")
	}
	return in
}

func read(o *field.Object, errs *field.Errors, patch bool) Input {
	var in Input
	in.name = text(o, errs, "name", CheckName)
	in.address = text(o, errs, "address", checkAddress)
	in.user = text(o, errs, "user", checkUser)
	if port, ok := o.Int("port", 1, 65535); ok {
		in.port = &port
	}
	if c, ok := o.Object("credential"); ok {
		in.credential = ptr(readCredential(c, errs))
	}
	in.hostKey = readKeys(o, errs, "host_key")
	in.hostCA = readKeys(o, errs, "host_ca")
	in.revokedKeys = readKeys(o, errs, "revoked_keys")
	if legacy, ok := o.Texts("legacy_algorithms"); ok {
		checkLegacy(legacy, errs)
		in.legacy = &legacy
	}
	if trust, ok := o.Bool("first_contact"); ok {
		in.firstContact = &trust
	}
	in.jumpHost = text(o, errs, "jump_host", checkReference)
	in.labels, _ = o.TextMap("labels", patch)
	for key, value := range in.labels {
		if value != nil {
			errs.Check("labels."+key, checkServerLabel(key, *value))
		}
	}
	o.End()
	return in
}

// readKeys takes public keys, one a line.
func readKeys(o *field.Object, errs *field.Errors, name string) *string {
	keys, ok := o.Text(name)
	if !ok {
		return nil
	}
	lines, wrong := ParseHostKey(keys)
	errs.Check(name, wrong)
	return &lines
}

func text(o *field.Object, errs *field.Errors, name string, check func(string) string) *string {
	value, ok := o.Text(name)
	if !ok {
		return nil
	}
	errs.Check(name, check(value))
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
	s.Labels = in.mergeLabels(s.Labels)
	if len(s.Labels) > maxLabels {
		errs.Add("labels", "must be at most %d", maxLabels)
	}
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

func (in Input) mergeLabels(have map[string]string) map[string]string {
	merged := map[string]string{}
	if !in.resetLabels {
		maps.Copy(merged, have)
	}
	for key, value := range in.labels {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = *value
		}
	}
	return merged
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

// CheckLabelKey says what is wrong with the key of a label, or "".
func CheckLabelKey(key string) string {
	if !labelKey.MatchString(key) {
		return "must be 1 to 63 letters, digits, '.', '_', '/' and '-', with a letter or a digit at both ends"
	}
	return ""
}

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

func checkLabel(key, value string) string {
	if wrong := CheckLabelKey(key); wrong != "" {
		return "the key " + wrong
	}
	if wrong := rule.Printable(value, 0, maxLabelValue); wrong != "" {
		return wrong
	}
	return ""
}

// checkServerLabel is checkLabel for a server, one of whose labels is its zone.
// Selectors may ask for any value: no server carries what is wrong.
func checkServerLabel(key, value string) string {
	if key == contract.LabelZone && !contract.ValidZone(value) {
		return "must be 1 to 32 lower-case letters, digits, '_' and '-': it names a network zone"
	}
	return checkLabel(key, value)
}

// ParseSelector reads labels written as key=value, and names those that are not.
func ParseSelector(parameter string, labels []string, errs *field.Errors) map[string]string {
	selector := map[string]string{}
	for _, l := range labels {
		key, value, ok := strings.Cut(l, "=")
		before, twice := selector[key]
		switch {
		case !ok || checkLabel(key, value) != "":
			errs.Add(parameter, "must be written as key=value, with a valid key")
		case twice && before != value:
			errs.Add(parameter, "asks for two values of one key")
		}
		selector[key] = value
	}
	return selector
}

// ReadSelector takes labels from an object, all of which a server must carry.
func ReadSelector(o *field.Object, name string, errs *field.Errors) map[string]string {
	labels, ok := o.TextMap(name, false)
	if !ok {
		return nil
	}
	if len(labels) == 0 {
		errs.Add(name, "must hold at least one label")
	}
	selector := map[string]string{}
	for key, value := range labels {
		errs.Check(name+"."+key, checkLabel(key, *value))
		selector[key] = *value
	}
	return selector
}
