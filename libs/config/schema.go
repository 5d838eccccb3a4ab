package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// schema is a target struct, seen as the settings and groups that it has.
type schema struct {
	settings []*setting // in the order of the fields
	sections []section  // the root first
	config   *setting   // --config: in settings' place, but not a field of the target

	// Keys of settings and groups that the program sets by itself; true once a
	// field has it.
	excepted map[string]bool

	// Each name that a source may use. A secret has two.
	flags map[string]form
	envs  map[string]form
	keys  map[string]form
}

// setting is one value that can be configured.
type setting struct {
	key      string // nats.url
	fallback string // the default, as text
	help     string
	value    reflect.Value
}

// section is a group of settings: the target itself or a nested struct.
type section struct {
	key   string // "" for the root
	value reflect.Value
}

// form is one of the ways to give a setting: as the value, or (for a secret)
// as the name of a file that holds it.
type form struct {
	setting *setting
	byFile  bool
}

// key is the form's name in the YAML file.
func (f form) key() string {
	if f.byFile {
		return f.setting.key + "_file"
	}
	return f.setting.key
}

func (f form) flag() string { return flagName(f.key()) }
func (f form) env() string  { return envName(f.key()) }

func (st *setting) isSecret() bool { return st.value.Type() == reflect.TypeFor[Secret]() }

// flag names the settings of a group as flags. It is "" for the root.
func (sec section) flag() string {
	if sec.key == "" {
		return ""
	}
	return flagName(sec.key) + "-*"
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func joinKey(group, name string) string {
	if group == "" {
		return name
	}
	return group + "." + name
}

func flagName(key string) string {
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

func envName(key string) string {
	return "SLIPWAY_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// newSchema reads the tags of target. It panics where they make no sense.
func newSchema(target any) *schema {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: target is a %T, not a pointer to a struct", target))
	}
	s := &schema{
		excepted: map[string]bool{},
		flags:    map[string]form{}, envs: map[string]form{}, keys: map[string]form{},
	}
	s.config = &setting{
		key:   "config",
		help:  "YAML file with settings",
		value: reflect.New(reflect.TypeFor[string]()).Elem(),
	}
	s.name(form{setting: s.config})
	// The file cannot name itself, or another one.
	delete(s.keys, s.config.key)
	s.walk("", v.Elem())
	return s
}

func (s *schema) walk(key string, v reflect.Value) {
	s.sections = append(s.sections, section{key: key, value: v})
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, ok := field.Tag.Lookup("conf")
		if !ok {
			continue // not configuration: a logger, a hook for tests
		}
		_, excepted := s.excepted[joinKey(key, name)]
		switch {
		case !namePattern.MatchString(name):
			panic(fmt.Sprintf("config: field %s: %q is no name for a setting", field.Name, name))
		case !field.IsExported() || field.Anonymous:
			panic(fmt.Sprintf("config: field %s: a setting is an exported field with a name", field.Name))
		case excepted:
			s.excepted[joinKey(key, name)] = true
		case field.Type.Kind() == reflect.Struct:
			s.walkGroup(joinKey(key, name), field, v.Field(i))
		default:
			s.addField(joinKey(key, name), field, v.Field(i))
		}
	}
}

// walkGroup walks a nested struct without what its except tag names.
func (s *schema) walkGroup(key string, field reflect.StructField, v reflect.Value) {
	except, err := splitList(field.Tag.Get("except"))
	if err != nil {
		panic(fmt.Sprintf("config: field %s: except %v", field.Name, err))
	}
	for i, name := range except {
		except[i] = joinKey(key, name)
		s.excepted[except[i]] = false
	}
	s.walk(key, v)
	for _, name := range except {
		if !s.excepted[name] {
			panic(fmt.Sprintf("config: field %s excepts %s, which it does not have", field.Name, name))
		}
	}
}

// isExcepted tells whether the program sets the setting by itself.
func (s *schema) isExcepted(key string) bool {
	for name := range s.excepted {
		if key == name || strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

func (s *schema) addField(key string, field reflect.StructField, v reflect.Value) {
	st := &setting{
		key:      key,
		fallback: field.Tag.Get("default"),
		help:     field.Tag.Get("help"),
		value:    v,
	}
	if typeName(v.Type()) == "" {
		panic(fmt.Sprintf("config: %s: a setting cannot be a %s", key, v.Type()))
	}
	if st.help == "" {
		panic(fmt.Sprintf("config: %s has no help", key))
	}
	s.settings = append(s.settings, st)
	s.name(form{setting: st})
	if st.isSecret() {
		s.name(form{setting: st, byFile: true})
	}
}

// name enters a form under its names. A flag and a variable are one to one, so
// that a collision of the one is a collision of the other.
func (s *schema) name(f form) {
	if _, taken := s.flags[f.flag()]; taken || f.flag() == "--help" {
		panic("config: two settings are named " + f.flag())
	}
	s.flags[f.flag()] = f
	s.envs[f.env()] = f
	s.keys[f.key()] = f
}

// isGroup tells whether key names a nested struct.
func (s *schema) isGroup(key string) bool {
	for _, sec := range s.sections {
		if sec.key == key {
			return true
		}
	}
	return false
}
