package config

import (
	"fmt"
	"io"
)

// Secret is a text that is not to be seen: it prints and marshals as
// "[secret]", or as nothing when it is empty. The text itself is had by
// converting: string(s).
//
// One way around it is left, as fmt does not call methods there: a Secret in
// an unexported field, printed as part of its struct.
type Secret string

const hidden = "[secret]"

// String returns "[secret]", or "" for no secret at all.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format is what keeps verbs that String does not serve, as %#v and %d, from
// showing the text.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.String())
}

// MarshalText makes JSON, YAML and log lines show what String does.
func (s Secret) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}
