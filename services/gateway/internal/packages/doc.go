// Package packages keeps what can be deployed: the records of packages in the
// bucket PACKAGES (catalog.go) and their content in the object store of the same
// name (content.go), which is checked while it streams (stream.go, format.go)
// and may be fetched from a URL (fetch.go). A package may also stay where it is,
// at a source that executors fetch it from (reference.go).
//
// A record stands under the hash of its application and version, so that there
// is one of each, by compare-and-set. The content is stored first, under the id
// of the package, and the record says that it is complete; whatever content has
// no record is a leftover of an upload that died, and is swept (sweep.go).
package packages
