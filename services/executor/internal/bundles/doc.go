// Package bundles keeps packages as this executor ships them: fetched once from
// the object store or from their source (internal/fetch), verified against the digest that the command pins, checked
// entry by entry and packed anew (internal/archive), and served from disk to all
// hosts, or what of them hosts with another release lack.
//
// The directory is bounded and holds nothing that outlives the process: to fetch a
// package again costs less than to trust what lay there. A file is hashed as it is
// written, and again as another is made of it; and the host hashes what it is sent: where
// that differs, the file is read again (Bundle.Verify). What was damaged since is made anew. The manifests of
// releases that this process has not shipped are had from hosts (Cache.Learn).
package bundles
