package webhooks

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Form writes what the receiver of a callback is told of its deployment in place of
// events, whenever that changes: told tells one body from another, apart from when it was
// made.
type Form func(deployment string, noted []deploy.Note, h deploy.Headway, at time.Time) (body any, told string)

// TypeHeadway is the type of deliveries in such a form.
const TypeHeadway = "deployment.headway"

// formed says whether the webhook is told in a form of the deployment's headway, as of an
// event.
func (w Webhook) formed(seq uint64) bool {
	return w.Format != "" && w.State != Disabled && seq > w.Since
}
