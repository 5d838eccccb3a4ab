// Package numbers gives native objects numbers, for clients of older services, which know
// things by a whole number: an object gets one the first time that it is asked for, and
// keeps it for all time (store.go), or brings along the one that others know it by already
// (keep.go). A number is never given again, also after what had it is gone.
//
// The bucket NUMBERS holds of each kind the number that was given last, which object each
// number was set aside for, and which number each object has:
//
//	<kind>.last          18
//	<kind>.no.<number>   the id
//	<kind>.of.<id>       the number
//
// Any number of gateways may do this at once. The first cell changes by compare-and-set, so
// nobody else sets the same numbers aside; the others are created and never change, and the
// one under the id decides which number an object has. What a gateway set aside for an object
// that has one by then, or before it died, is nobody's: a gap.
package numbers
