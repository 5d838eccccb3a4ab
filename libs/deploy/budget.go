package deploy

// Overrun is what follows when more hosts fail than a budget allows.
type Overrun string

// What may follow.
const (
	OverrunStops  Overrun = "stop"  // what has not begun never begins
	OverrunPauses Overrun = "pause" // a person decides
	// OverrunReverts is OverrunStops, and then hosts go back to what ran before: on
	// an overrun, and wherever else a deployment fails as a whole.
	OverrunReverts Overrun = "rollback"
)

// Budget says how many hosts may fail. A limit that is nil allows all of them.
type Budget struct {
	Batch *Amount `json:"batch,omitempty"` // of one wave
	Total *Amount `json:"total,omitempty"` // of all hosts
	Then  Overrun `json:"then,omitempty"`  // empty: OverrunStops
	// SkipUnreachable leaves hosts that cannot be reached out of account.
	SkipUnreachable bool `json:"skip_unreachable,omitempty"`
}

// spent says whether more hosts have failed than may: of a wave of this size,
// or of all targets.
func (b Budget) spent(wave, inWave, targets, inAll int) bool {
	return b.Batch != nil && inWave > b.Batch.Of(wave) ||
		b.Total != nil && inAll > b.Total.Of(targets)
}
