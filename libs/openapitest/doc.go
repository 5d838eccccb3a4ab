// Package openapitest holds what tests exchange with a gateway to openapi.yaml: a
// Transport sees every request and every answer of a client, and says what the
// document does not allow. What stands for a gateway in tests of a client holds both
// to it by itself (CheckRequest, CheckAnswer).
//
// OpenAPI 3.1 holds plain JSON Schema, so that any part of it can be compiled as one.
// What binds the two (paths, parameters, media types, headers) is in exchange.go.
package openapitest
