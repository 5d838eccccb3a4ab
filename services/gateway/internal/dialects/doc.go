// Package dialects is how clients of other deployment services are understood: each
// dialect, a package of its own below, translates what such a client says to operations
// of the native API, and what comes of them to what it expects. Its base path is
// /compat/<name>.
//
// A dialect has no state, no goroutines and no store. All that it does it asks of
// Native, as the caller of its request: permissions are those of the native operations,
// and so is what the audit log says. What it needs of the caller before anything is
// translated stands with each Route.
//
// Old clients are met as they are: Said takes numbers and booleans sent as text, forms as
// well as JSON, and what is not known is not looked at.
package dialects
