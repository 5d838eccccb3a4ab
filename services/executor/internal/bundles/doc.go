// Package bundles keeps packages as this executor ships them: fetched once from
// the object store or from their source (internal/fetch), verified against the digest that the command pins, checked
// entry by entry and packed anew (internal/archive), and served from disk to all
// hosts, or what of them hosts with another release lack. The directory is bounded and holds nothing that outlives the process.
package bundles
