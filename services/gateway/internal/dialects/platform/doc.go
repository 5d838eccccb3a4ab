// Package platform is the dialect of a service that runs scripts which deploy a repository:
// POST and GET /api/deployments, GET /api/deployments/:id with /events and /ws below it, and
// GET /api/servers, below /compat/platform.
//
// It is asynchronous: a deployment is stored and begun, and then looked at. Servers and
// deployments are known by whole numbers, which stay (package numbers).
//
//	deployment   a deployment of kind script, in the project platform
//	path         a link to the directory in which the script works
//	script       the package: it lies in the release beside that directory
//	id           the version
//	execution    a target
//
// A script clones its repository into path, which has to be empty for that. So each
// deployment has a release of its own, with an empty directory in it to which path leads
// before the script runs. What was there before is the release before, and can be gone back
// to. The repository is not fetched by Slipway: the script does that on the server, with what
// the login there may read.
package platform
