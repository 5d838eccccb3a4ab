// Package supervisor has a supervisord restart programs, tell how they run and take
// in new ones, by the XML-RPC that it speaks on its socket:
// http://supervisord.org/api.html. Nothing is needed on the host but the socket, which
// answers in a few milliseconds where supervisorctl takes half a second to start.
package supervisor
