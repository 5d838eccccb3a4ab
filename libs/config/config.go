package config

import (
	"errors"
	"strings"
)

// Validator is implemented by a configuration struct, or by a nested one, that
// checks more than the types of its settings. It returns every mistake that it
// finds, made with Invalid where one setting is at fault.
type Validator interface {
	Validate() []error
}

// Load fills target, a pointer to a struct with conf tags, from args (without
// the program's name), environ (as os.Environ gives it), the file that those
// name, and the defaults. A field that is set already takes the place of its
// default. prog is the program's name, for messages.
//
// It returns ErrHelp when help is asked for, else an *InvalidError with every
// mistake, Validate's included. After an error target is partly filled and not
// to be used.
func Load(target any, prog string, args, environ []string) error {
	s := newSchema(target)
	fromArgs, help, problems := s.readArgs(args)
	if help {
		return ErrHelp
	}
	fromEnv, more := s.readEnv(environ)
	problems = append(problems, more...)

	given := fromArgs.over(fromEnv)
	if file, ok := given[s.config]; ok {
		fromFile, more := s.readFile(file)
		problems = append(problems, more...)
		given = given.over(fromFile)
	}

	s.setDefaults()
	wrong := make(map[*setting]bool)
	for _, st := range s.settings {
		g, ok := given[st]
		if !ok {
			continue
		}
		if err := st.set(g); err != nil {
			wrong[st] = true
			problems = append(problems, &problem{flag: g.form.flag(), origin: g.origin, err: err})
		}
	}
	problems = append(problems, s.validate(given, wrong)...)
	if len(problems) > 0 {
		return &InvalidError{Prog: prog, Problems: problems}
	}
	return nil
}

// Defaults fills in the default of each field of target that is still zero. It
// is for a service that runs inside another program. A field that shall be
// zero although its default is not is set after the call.
func Defaults(target any) {
	newSchema(target).setDefaults()
}

func (s *schema) setDefaults() {
	for _, st := range s.settings {
		if st.fallback == "" || !st.value.IsZero() {
			continue
		}
		if err := parseInto(st.value, st.fallback); err != nil {
			panic("config: default of " + st.key + ": " + err.Error())
		}
	}
}

// validate asks the root and each group for mistakes. One about a setting that
// could not be read, or that the program sets by itself, is left out: it would
// speak of a value nobody gave.
func (s *schema) validate(given source, wrong map[*setting]bool) []error {
	var problems []error
	for _, sec := range s.sections {
		v, ok := sec.value.Addr().Interface().(Validator)
		if !ok {
			continue
		}
		for _, err := range v.Validate() {
			if err == nil {
				continue
			}
			var named *invalidSetting
			if !errors.As(err, &named) {
				problems = append(problems, &problem{flag: sec.flag(), err: err})
				continue
			}
			key := joinKey(sec.key, named.key)
			if s.isExcepted(key) {
				continue
			}
			p := &problem{flag: flagName(key), err: named.err}
			if f, ok := s.flags[p.flag]; ok {
				if wrong[f.setting] {
					continue
				}
				p.origin = given[f.setting].origin
			}
			problems = append(problems, p)
		}
	}
	return problems
}

// readEnv looks up the variables of the settings and no others: several
// services, and their helpers, may share an environment.
func (s *schema) readEnv(environ []string) (source, []error) {
	src := make(source)
	var problems []error
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		f, ok := s.envs[name]
		if !ok || text == "" {
			continue
		}
		if err := src.add(given{form: f, text: text, origin: name}); err != nil {
			problems = append(problems, err)
		}
	}
	return src, problems
}
