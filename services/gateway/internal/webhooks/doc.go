// Package webhooks keeps who wants to be told of events, and what has become of telling them: webhooks (webhook.go,
// input.go, secret.go) in the bucket WEBHOOKS (store.go), and deliveries (delivery.go, event.go) in the bucket HOOKS while
// they are under way, and in the stream HOOKED once they have ended (ledger.go). Package courier carries them.
//
// The callback of a deployment is a webhook whose id is the deployment's. It is told of this deployment alone.
//
//	          pause                     Gone (410)
//	active ──────────> paused   active ──────────> disabled
//	       <──────────                 <──────────
//	          resume                      resume
//
// A person pauses a webhook, or Slipway does where its receiver has failed for long. What happens meanwhile waits, and is
// sent once it is resumed.
//
//	waiting ──> delivered    the receiver answered 2xx
//	        ──> dead         it did not for as long as is tried, or the webhook is disabled
//
// A delivery that has ended, however it did, can be replayed: it is waiting again, with the id that it had.
package webhooks
