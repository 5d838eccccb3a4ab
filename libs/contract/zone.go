package contract

import (
	"cmp"
	"strings"
)

// A zone is a part of the network that some executors reach and others do not.
// A server is in the zone that its label says, and only executors of that zone
// work on it.
const (
	LabelZone   = "zone"    // the label of a server
	DefaultZone = "default" // of servers without the label

	maxZone = 32 // characters
)

// ValidZone says whether s can name a zone: a token of a subject, short, and in
// lower case, so that no two zones differ by case alone.
func ValidZone(s string) bool {
	return ValidToken(s) && len(s) <= maxZone && s == strings.ToLower(s)
}

// zoneToken is a zone as it stands in subjects, where "" is the default zone.
func zoneToken(zone string) string { return cmp.Or(zone, DefaultZone) }
