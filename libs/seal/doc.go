// Package seal encrypts secrets so that they travel and rest unreadable, and
// only the executors, which hold the private key, can open them.
//
// Whoever holds the public key can seal: the gateway seals a credential when it
// receives it, and cannot read it any more afterwards. It is NaCl's sealed box
// (X25519, XSalsa20, Poly1305) with a key of its own for each secret, so equal
// secrets do not look equal. Their length shows.
//
// Each secret is sealed for a context, which names the place it belongs to, as
// "server/<id>/credential". The context is inside the sealed text and compared
// on opening, so a sealed text copied to another place does not open there.
// What a sealed box does not say is who sealed it.
//
// What is printed of it all:
//
//	slipway-seal-private-<43 characters of base64url>   to keep
//	slipway-seal-public-<43 characters of base64url>    to hand out
//	v1.<key id>.<base64url>                             a sealed secret
//
// A key can be replaced (Keys): the newest is sealed to, and the older ones open
// until nothing names them any more. What rests sealed can be sealed anew to the
// newest, with its context; package reseal does that to what the broker stores.
//
// The key id is the first 8 hexadecimal digits of the SHA-256 of the public
// key. It tells a wrong key from a damaged text, and is no secret.
package seal
