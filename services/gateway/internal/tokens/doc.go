// Package tokens keeps the API tokens: who may call, as what. A token is shown
// once, when it is made; what is stored is its SHA-256 alone, under which its
// owner's name and grants stand in the bucket TOKENS.
//
// One that was revoked on another gateway may be taken for a good one for two seconds;
// on the gateway that revoked it, it is refused at once.
package tokens
