// Package identity knows callers by what others say of them: JWTs that an issuer has
// signed, with a secret that it shares with the gateway, with a key whose public half
// the gateway has in a file, or with keys that the issuer publishes (OpenID Connect
// discovery).
//
// What a token says of how it is signed is only used to find the key: each key is for
// one algorithm, and of algorithms only those are looked at that the configured source
// of keys can have. So a public key is never taken for a secret, and a token that is
// not signed is no token.
package identity
