package config

import (
	"fmt"
	"reflect"
	"strings"
)

// readArgs reads the command line. The flag package is not used for it: that
// stops at the first mistake. A flag given twice has its last value, so that a
// wrapper script's flags can be overridden.
func (s *schema) readArgs(args []string) (src source, help bool, problems []error) {
	src = make(source)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--help" || arg == "-h" {
			return nil, true, nil
		}
		if !strings.HasPrefix(arg, "-") {
			problems = append(problems, fmt.Errorf("unexpected argument %q", arg))
			continue
		}
		name, text, hasText := strings.Cut(arg, "=")
		f, known := s.flags[name]
		if !known {
			problems = append(problems, fmt.Errorf("unknown flag %s", name))
			// What follows is most likely its value, and maybe a secret.
			if !hasText && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:]
			}
			continue
		}
		if !hasText {
			switch {
			case f.setting.value.Kind() == reflect.Bool:
				// The value may be left out, so what follows is it only if it cannot be anything else.
				text = "true"
				if len(args) > 0 && (args[0] == "true" || args[0] == "false") {
					text, args = args[0], args[1:]
				}
			case len(args) == 0:
				problems = append(problems, &problem{flag: name, err: errNoValue})
				continue
			default:
				text, args = args[0], args[1:]
			}
		}
		if err := src.add(given{form: f, text: text, origin: name}); err != nil {
			problems = append(problems, err)
		}
	}
	return src, false, problems
}
