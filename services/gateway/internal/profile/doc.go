// Package profile holds what applications of one language have in common: what a request
// for a deployment may leave out. A profile says it with the fields of a request, in
// which {{application}} and {{directory}} stand for what the request names.
//
// The built-in ones are defaults.yaml; a file of the same form is laid over them.
package profile
