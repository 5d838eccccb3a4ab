package serverlist

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const maxPattern = 256 // bytes

var hostRange = regexp.MustCompile(`\[(\d+|[A-Za-z]):(\d+|[A-Za-z])(?::(\d+))?\]`)

// expand returns the hosts that a pattern of Ansible stands for: web[01:10] are ten,
// and each further range multiplies them. The second result says what is wrong with
// it, or is "".
func expand(pattern string) (hosts []string, wrong string) {
	if len(pattern) > maxPattern {
		return nil, "is too long"
	}
	at := hostRange.FindStringSubmatchIndex(pattern)
	if at == nil {
		if strings.ContainsAny(pattern, "[]*?!") {
			return nil, "is no name of a host, and no range such as web[01:10]"
		}
		return []string{pattern}, ""
	}
	rest, wrong := expand(pattern[at[1]:])
	if wrong != "" {
		return nil, wrong
	}
	step := ""
	if at[6] >= 0 {
		step = pattern[at[6]:at[7]]
	}
	members, wrong := membersOf(pattern[at[2]:at[3]], pattern[at[4]:at[5]], step)
	if len(members)*len(rest) > maxEntries {
		wrong = tooMany
	}
	if wrong != "" {
		return nil, wrong
	}
	for _, member := range members {
		for _, tail := range rest {
			hosts = append(hosts, pattern[:at[0]]+member+tail)
		}
	}
	return hosts, ""
}

var tooMany = fmt.Sprintf("is a range of more than %d hosts", maxEntries)

// membersOf is what a range stands for. Numbers are as wide as the first one where
// that begins with a zero.
func membersOf(first, last, by string) (members []string, wrong string) {
	step := 1
	if by != "" {
		step, _ = strconv.Atoi(by)
	}
	low, lowErr := strconv.Atoi(first)
	high, highErr := strconv.Atoi(last)
	show := strconv.Itoa
	switch {
	case lowErr != nil && highErr != nil && len(first) == 1 && len(last) == 1:
		low, high = int(first[0]), int(last[0])
		show = func(n int) string { return string(rune(n)) }
	case lowErr != nil || highErr != nil:
		return nil, "is a range of which one end is no number and one is"
	case strings.HasPrefix(first, "0"):
		show = func(n int) string { return fmt.Sprintf("%0*d", len(first), n) }
	}
	if high < low || step < 1 {
		return nil, "is a range of nothing"
	}
	if (high-low)/step >= maxEntries {
		return nil, tooMany
	}
	for n := low; n <= high; n += step {
		members = append(members, show(n))
	}
	return members, ""
}
