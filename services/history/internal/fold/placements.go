package fold

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// places are the documents of what runs and ran where, while arrivals are placed.
type places struct {
	placements *draftSet[PartKey, deploy.Placements]
	departures *draftSet[DepartureKey, deploy.Departures]
}

func newPlaces() *places {
	return &places{
		placements: newDraftSet[PartKey](deploy.Placements.Clone),
		departures: newDraftSet[DepartureKey](deploy.Departures.Clone),
	}
}

// rows counts those of the documents that are to be written.
func (p *places) rows() int {
	n := 0
	for key := range p.placements.owned {
		n += len(p.placements.docs[key].All)
	}
	for key := range p.departures.owned {
		n += len(p.departures.docs[key].All)
	}
	return n
}

// departure is a placement that was replaced by an event.
type departure struct {
	key DepartureKey
	at  deploy.Mark
	was deploy.Placement
}

// placesOf folds what came to run on hosts, and what left them with that.
func (f *Folder) placesOf(ctx context.Context, p *places, arrivals []arrival, again bool) error {
	for _, a := range arrivals {
		p.placements.want(PartKey{a.Application, deploy.PartOf(a.Host)})
	}
	if err := p.placements.fill(ctx, f.placements, again, f.store.Placements, placementsSeq); err != nil {
		return err
	}
	var gone []departure
	for _, a := range arrivals {
		key := PartKey{a.Application, deploy.PartOf(a.Host)}
		doc := p.placements.own(key)
		doc.Application, doc.Part = key.Application, key.Part
		if was := doc.Fold(a.Arrival); was != nil {
			gone = append(gone, departure{DepartureKey{key, was.Day, was.Number}, a.Mark, was.Placement})
		}
	}
	for _, d := range gone {
		p.departures.want(d.key)
	}
	if err := p.departures.fill(ctx, f.departures, again, f.store.Departures, departuresSeq); err != nil {
		return err
	}
	for _, d := range gone {
		doc := p.departures.own(d.key)
		doc.Application, doc.Part, doc.Day, doc.Number = d.key.Application, d.key.Part, d.key.Day, d.key.Number
		doc.Fold(d.at, d.was)
	}
	return nil
}

// writePlaces writes the documents, that last from which the other follows.
func (f *Folder) writePlaces(ctx context.Context, p *places) error {
	if err := put(ctx, p.departures, departuresSeq, f.store.PutDepartures); err != nil {
		return fmt.Errorf("write what ran where: %w", err)
	}
	if err := put(ctx, p.placements, placementsSeq, f.store.PutPlacements); err != nil {
		return fmt.Errorf("write what runs where: %w", err)
	}
	return nil
}
