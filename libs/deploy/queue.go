package deploy

import "slices"

// Claim is one deployment's wish to work on a host: the deployment, and the
// host's ordinal among its targets.
type Claim struct {
	Deployment string `json:"deployment"`
	Target     int    `json:"target"`
}

// Queue is the order in which deployments may work on one host. Its owner
// alone may have a job stored; the others wait, first come first served.
type Queue struct {
	Owner   *Claim  `json:"owner,omitempty"`
	Waiting []Claim `json:"waiting,omitempty"`
}

// Enter puts the claim into the queue and says whether it owns the host now.
// Entering again changes nothing.
func (q Queue) Enter(c Claim) (Queue, bool) {
	switch {
	case q.Owner == nil:
		q.Owner = &c
		return q, true
	case q.Owner.Deployment == c.Deployment:
		return q, true
	case slices.ContainsFunc(q.Waiting, func(w Claim) bool { return w.Deployment == c.Deployment }):
		return q, false
	}
	q.Waiting = append(slices.Clone(q.Waiting), c)
	return q, false
}

// Leave takes the deployment out of the queue, wherever it stands. Where it was
// the owner, the first that waits becomes it. Leaving again changes nothing.
func (q Queue) Leave(deployment string) Queue {
	if q.Owner != nil && q.Owner.Deployment == deployment {
		q.Owner = nil
		if len(q.Waiting) > 0 {
			next := q.Waiting[0]
			q.Owner = &next
			q.Waiting = slices.Clone(q.Waiting[1:])
		}
		return q
	}
	q.Waiting = slices.DeleteFunc(slices.Clone(q.Waiting), func(w Claim) bool { return w.Deployment == deployment })
	return q
}
