// Package rebuild makes all documents anew from the event stream, beside the live
// ones, compares the two, and puts right what differs.
//
// What the stream does not keep any more cannot be made anew: deployments that began
// before its first event, and documents of several deployments (statistics, what runs
// where) unless the stream keeps every event there was. Those are passed over, and
// stay as they are. So do documents of a stream that was there before this one.
//
// Of what happened since the stream began, it is all there is: a document of that time
// which no event has made does not belong there.
package rebuild
