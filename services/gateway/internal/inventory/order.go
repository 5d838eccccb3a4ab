package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// Ordered returns the servers in the order of a label's values: naturally, so
// that rack 9 comes before rack 10. Servers without the label come last, and those
// with the same value stay in the order given. An empty key changes nothing.
func Ordered(servers []Server, key string) []Server {
	if key == "" {
		return servers
	}
	return slices.SortedStableFunc(slices.Values(servers), func(a, b Server) int {
		left, labelled := a.Labels[key]
		right, labelledToo := b.Labels[key]
		switch {
		case labelled && labelledToo:
			return naturally(left, right)
		case labelled:
			return -1
		case labelledToo:
			return 1
		}
		return 0
	})
}

// naturally compares two texts, in which runs of digits count as numbers.
func naturally(a, b string) int {
	for a != "" && b != "" {
		left, right := leadingDigits(a), leadingDigits(b)
		if left == "" || right == "" {
			if c := cmp.Compare(a[0], b[0]); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c := compareNumbers(left, right); c != 0 {
			return c
		}
		a, b = a[len(left):], b[len(right):]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// compareNumbers compares numbers of any length, as they are written.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
