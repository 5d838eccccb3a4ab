// Package haproxy has a running HAProxy send traffic from some servers of a
// backend to others, by its runtime API. It needs a socket of level admin.
//
// Fit is what HAProxy's own checks say, anew: what they said of a release that ran
// there before does not count. Servers without checks are taken as they are.
//
// A server is ready (gets traffic), drained (gets no new traffic, and is checked
// all the same) or in maintenance. Switch first sees that the new servers are fit
// while they are drained, then readies them, and only then drains the old ones:
// there are fit servers at every moment, and until all of the new ones are fit
// nothing changes for traffic.
package haproxy
