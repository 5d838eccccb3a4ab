// Package throttle keeps callers from asking too often, and from guessing. What it
// knows is in the memory of one gateway, and bounded: of the callers and addresses
// that were seen longest ago it forgets what it knew.
package throttle
