package history

// Folded is the sequence of the last event of EV that the documents hold, as far
// as this replica knows. It goes back where documents were lost and are made
// again.
func (s *Service) Folded() uint64 { return s.position.Seq() }
