// Package retention archives deployments that need not be at hand any more, and brings
// them back.
//
// A deployment's way into the archive, each step safe to repeat from the first:
//
//  1. it is chosen: it has ended, its policy says so, and nothing needs it (choose.go);
//  2. its documents are written to a file of its own, which is read again (internal/archive);
//  3. between two batches of folding, if it is still what was written: it is noted as
//     archived, and its header removed;
//  4. its other documents are removed, and that is noted, too.
//
// A crash after 2 leaves a file that the next one replaces by the same; after 3, what is
// left is removed when somebody looks again. What deployments share (statistics, what runs
// and ran where) stays. From 3 on, nothing is folded into the deployment (internal/fold),
// so that neither a replay nor a late event brings a part of it back.
//
// The replica that folds does all this, beside folding: a slow archive delays no event.
package retention
