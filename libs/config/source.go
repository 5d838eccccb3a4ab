package config

import "maps"

// given is a setting as one source states it, not parsed yet.
type given struct {
	form   form
	text   string
	list   []string // the items of a YAML list
	isList bool
	origin string // where it stands: a flag, a variable, or file and line
}

// source is what one source states. A setting stands in it once.
type source map[*setting]given

// add enters g, in place of what came before it. Two forms of one setting
// contradict each other, so that is a mistake.
func (src source) add(g given) error {
	earlier, ok := src[g.form.setting]
	if ok && earlier.form != g.form {
		return &problem{flag: flagName(g.form.setting.key), origin: g.origin, err: errTwoForms}
	}
	src[g.form.setting] = g
	return nil
}

// over returns what holds when src has precedence over lower.
func (src source) over(lower source) source {
	all := make(source, len(src)+len(lower))
	maps.Copy(all, lower)
	maps.Copy(all, src)
	return all
}
