package takeover

import (
	"maps"
	"slices"
	"strings"
)

// GroupLabel is what labels of groups of others begin with.
const GroupLabel = "group/"

// PatchLabels returns the merge patch after which what has some labels has those that a
// list says. With groups, labels of groups are those of the list alone.
func PatchLabels(have, said map[string]string, groups bool) map[string]any {
	patch := map[string]any{}
	for key := range have {
		if groups && strings.HasPrefix(key, GroupLabel) {
			patch[key] = nil
		}
	}
	for key, value := range said {
		patch[key] = value
	}
	return patch
}

// ChangedLabels names the labels in which two differ, as labels.KEY.
func ChangedLabels(have, next map[string]string) []string {
	var names []string
	keys := maps.Clone(next)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, have)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		had, was := have[key]
		if has, is := next[key]; was != is || had != has {
			names = append(names, "labels."+key)
		}
	}
	return names
}
