package idempotency

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
)

// Key is where the record of a client's key stands: each token has keys of its
// own.
func Key(tokenID, header string) string {
	sum := sha256.Sum256([]byte(tokenID + "\x00" + header))
	return hex.EncodeToString(sum[:])
}

// Within is the key of a request that is made on behalf of another with a key of its own:
// the nth with this fingerprint.
func Within(header, fingerprint string, nth int) string {
	return Key(header, fingerprint+" "+strconv.Itoa(nth))
}

// ValidHeader says whether a client's key is 1 to 255 visible ASCII characters.
func ValidHeader(header string) bool {
	for _, b := range []byte(header) {
		if b < '!' || b > '~' {
			return false
		}
	}
	return header != "" && len(header) <= 255
}

// Fingerprint tells requests apart. It is keyed with the token itself, which is
// stored nowhere: a plain hash of a body that holds a weak password would give
// the password away to whoever reads the record and can guess.
func Fingerprint(secret, method, path string, query url.Values, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range [][]byte{[]byte(method), []byte(path), []byte(query.Encode()), body} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	return hex.EncodeToString(mac.Sum(nil))
}
