// Package sync is the dialect of a service that brings packages to servers, links them
// there and goes back: POST /deploy, /rollback and /init_deploy, GET /get_current_version
// and /get_latest_log, below /compat/sync.
//
// It is synchronous: a request is answered when what it asks for has ended on every
// server. The verdict is the status_code of the body, 200 or 501; with 501, data says of
// each server that failed why. A client that hangs up does not stop anything.
//
//	project_name  application, and the program of supervisor
//	language      profile: where the application lies, how it is restarted, where its logs are
//	deploy_dir    directory of the profile, of golang alone
//	filename      version: the name of the release on its servers
//	link_name     link to what runs, of a jar with .jar at its end
package sync
