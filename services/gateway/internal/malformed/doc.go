// Package malformed makes requests that are nearly as openapi.yaml describes them, for
// tests that throw many at a gateway: each begins as a valid one (value.go), and then
// something is wrong with its body (tree.go, text.go) or its head (request.go).
//
// What a seed gives is the same each time.
package malformed
