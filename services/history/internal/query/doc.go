// Package query answers questions about deployments over NATS, by request and
// reply. Any replica answers; which one does is the broker's choice.
//
// A question may name a sequence of EV that the answer must have seen: it waits
// until this replica has folded that event, for a bounded time. What cannot be
// answered comes back as contract.Refused.
package query
