// Package follow watches a deployment until it ends, by asking for it again and again.
//
// A small fleet is one page of targets, read each time. A large one has many: each time one page is read, in turn, of
// those that can have changed. A page whose servers have all ended is never read again, and one of a later wave not
// before its wave begins. So the gateway gets the same two small requests each time, whatever the size of the fleet.
package follow
