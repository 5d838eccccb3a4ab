package deploy

import "time"

// Hosts is the document that says which hosts up to PieceSize targets are, from ordinal
// Index×PieceSize on, and by which a deployment is found by a host. It changes when they
// are planned, and not by what becomes of them.
type Hosts struct {
	Deployment string
	Index      int
	Seq        uint64    // last event folded
	AcceptedAt time.Time // of the deployment: lists are in this order
	IDs        []string
}

// Fold folds one record of the piece, of a deployment that was accepted then, in place.
func (h *Hosts) Fold(r Record, accepted time.Time) {
	p, ok := r.Event.(WasPlanned)
	if !ok || r.Seq <= h.Seq {
		return
	}
	h.Seq, h.AcceptedAt, h.IDs = r.Seq, accepted, make([]string, 0, len(p.Targets))
	for _, t := range p.Targets {
		h.IDs = append(h.IDs, t.Host)
	}
}
