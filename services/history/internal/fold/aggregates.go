package fold

import "github.com/slipway-deploy/slipway/libs/deploy"

// What is folded into the documents that deployments share follows from an event
// and from what their own documents say once they have folded it: which does not
// change any more when a deployment, or its work on a host, has ended. So folding
// again finds the same, and each document skips what it has.
//
// Where one of them follows from another (how long an application had been
// failing; what ran on a host before), the other is written last: as long as it
// does not hold an event, that can be found out again. Statistics are written with
// each batch (statistics.go), what runs where is not (arriving.go).

// findings is what a batch has for the documents that deployments share, in the order of its events.
type findings struct {
	conclusions []deploy.Conclusion
	arrivals    []arrival
}

// find looks through the entries of a batch that was folded.
func (d *drafts) find(entries []Entry, installation string) findings {
	var found findings
	for _, e := range entries {
		if !e.folds() {
			continue
		}
		switch event := e.Record.Event.(type) {
		case deploy.WasConcluded:
			if end, ok := deploy.ConclusionOf(*d.headers.docs[e.Deployment], e.Record, installation); ok {
				found.conclusions = append(found.conclusions, end)
			}
		case deploy.JobEnded:
			if a, ok := deploy.ArrivalOf(*d.headers.docs[e.Deployment], d.target(e.Deployment, event.On), e.Record, installation); ok {
				found.arrivals = append(found.arrivals, arrival{a, e})
			}
		}
	}
	return found
}
