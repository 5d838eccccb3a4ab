package config

import (
	"fmt"
	"io"
	"strings"
)

// Usage writes the help text of the program prog: each setting of target with
// its names, what it is for, and its default. It returns w's error.
func Usage(w io.Writer, target any, prog string) error {
	s := newSchema(target)
	var b strings.Builder
	fmt.Fprintf(&b, `Usage: %s [--setting value ...]

A setting is given as a flag, as an environment variable, or in the YAML file
that --config names; the first of these that has it wins.

`, prog)
	s.config.usage(&b, "")
	for _, st := range s.settings {
		st.usage(&b, st.key)
	}
	b.WriteString("  --help\n        print this text and exit\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// usage writes one setting. key is its name in the file, "" when it has none.
func (st *setting) usage(b *strings.Builder, key string) {
	fmt.Fprintf(b, "  %s %s\n        %s\n", flagName(st.key), typeName(st.value.Type()), st.help)
	names := []string{"env " + envName(st.key)}
	if key != "" {
		names = append(names, "file "+key)
	}
	if st.fallback != "" {
		names = append(names, "default "+st.fallback)
	}
	fmt.Fprintf(b, "        %s\n", strings.Join(names, ", "))
	if st.isSecret() {
		f := form{setting: st, byFile: true}
		fmt.Fprintf(b, "        kept in a file of its own: %s, env %s, file %s\n", f.flag(), f.env(), f.key())
	}
}
