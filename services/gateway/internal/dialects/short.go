package dialects

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/rs/xid"
)

// Short turns an id into one that follows from its second and 32 bits, for dialects whose
// ids have no room for more. Two ids of one second become the same once in 2^32.
func Short(id string) string {
	whole, err := xid.FromString(id)
	if err != nil {
		return id
	}
	sum := sha256.Sum256(whole.Bytes())
	return ShortOf(whole.Time(), binary.BigEndian.Uint32(sum[:]))
}

// ShortOf is the id of a second and these bits.
func ShortOf(second time.Time, bits uint32) string {
	var id xid.ID
	binary.BigEndian.PutUint32(id[:], uint32(second.Unix())) // ids have 32 bits for it, until 2106
	binary.BigEndian.PutUint32(id[4:], bits)
	sum := sha256.Sum256(id[:8])
	copy(id[8:], sum[:])
	return id.String()
}

// Bits returns what a short id follows from, and false for any other.
func Bits(id string) (second time.Time, bits uint32, short bool) {
	whole, err := xid.FromString(id)
	if err != nil {
		return time.Time{}, 0, false
	}
	second, bits = whole.Time().UTC(), binary.BigEndian.Uint32(whole[4:])
	return second, bits, ShortOf(second, bits) == id
}
