// Package jobs carries out jobs: it takes them from the work queue, does their
// steps on the hosts, and tells how they went.
//
// A delivery ends in one of these ways:
//
//	done        the terminal event is stored, by this attempt or an earlier one
//	superseded  a newer attempt is in the journal, or the lease is lost: not a word more
//	cut short   the broker is away: it is delivered again by itself
//	handed back the executor's own disk is the trouble: another may fare better
//	refused     nobody can read it: the host fails, if it can be told which
package jobs
