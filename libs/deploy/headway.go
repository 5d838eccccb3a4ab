package deploy

// Headway is how far a deployment has come: how many of its targets have ended, and how
// many are at which step.
type Headway struct {
	State State
	All   int
	Ended int
	At    map[Step]int
}

// Follower folds the events of one deployment, in order, into its headway.
type Follower struct {
	Headway
	Metadata []Note // of the deployment

	at    map[int]Step // of targets at work, by ordinal
	ended map[int]bool
}

// Fold takes the next event.
func (f *Follower) Fold(r Record) {
	switch e := r.Event.(type) {
	case WasAccepted:
		f.State, f.All, f.Metadata = Accepted, e.Targets, e.Metadata
	case WaveBegan:
		f.State = Running
	case WasStatus:
		f.State = e.Status.State
	case WasConcluded:
		f.State = e.State
	case JobStarted:
		f.move(e.On, e.Step)
	case StepChanged:
		f.move(e.On, e.Step)
		if e.Next != "" {
			f.move(e.On, e.Next)
		}
	case JobEnded:
		if e.State.Terminal() {
			f.move(e.On, "")
			f.ended[e.On.Target] = true
			f.Ended = len(f.ended)
		}
	}
}

// move notes at which step a target is; "" is at none.
func (f *Follower) move(on TargetRef, to Step) {
	if f.at == nil {
		f.at, f.ended, f.At = map[int]Step{}, map[int]bool{}, map[Step]int{}
	}
	if f.ended[on.Target] {
		return
	}
	if from := f.at[on.Target]; from != "" {
		if f.At[from]--; f.At[from] == 0 {
			delete(f.At, from)
		}
	}
	delete(f.at, on.Target)
	if to != "" {
		f.at[on.Target] = to
		f.At[to]++
	}
}
