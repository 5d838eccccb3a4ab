package inventory

import (
	"maps"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxLabels     = 64
	maxLabelValue = 128 // characters
)

// Labels is what a client wants labels to be.
type Labels struct {
	given map[string]*string // nil: remove the label
	reset bool
}

// ReadLabels takes the field labels. In a patch, null removes one of them, or all.
func ReadLabels(o *field.Object, patch bool) Labels {
	return readLabels(o, patch, checkLabel)
}

func readLabels(o *field.Object, patch bool, check func(key, value string) string) Labels {
	l := Labels{reset: patch && o.Null("labels")}
	l.given, _ = o.TextMap("labels", patch)
	for key, value := range l.given {
		if value != nil {
			o.Check("labels."+key, check(key, *value))
		}
	}
	return l
}

// Merge returns the labels that there are then, key by key.
func (l Labels) Merge(have map[string]string, errs *field.Errors) map[string]string {
	merged := map[string]string{}
	if !l.reset {
		maps.Copy(merged, have)
	}
	for key, value := range l.given {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = *value
		}
	}
	if len(merged) > maxLabels {
		errs.Add("labels", "must be at most %d", maxLabels)
	}
	return merged
}

func checkLabel(key, value string) string {
	if wrong := rule.LabelKey(key); wrong != "" {
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
func ReadSelector(o *field.Object, name string) map[string]string {
	labels, ok := o.TextMap(name, false)
	if !ok {
		return nil
	}
	if len(labels) == 0 {
		o.Check(name, "must hold at least one label")
	}
	selector := map[string]string{}
	for key, value := range labels {
		o.Check(name+"."+key, checkLabel(key, *value))
		selector[key] = *value
	}
	return selector
}
