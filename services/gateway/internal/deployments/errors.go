package deployments

import "errors"

var (
	// ErrNotFound says that there is no such deployment.
	ErrNotFound = errors.New("no such deployment")
	// ErrArchived says that the deployment is in the archive, from where it can be brought
	// back.
	ErrArchived = errors.New("the deployment was archived")
	// ErrNotFinished says that a deployment that is to be rolled back, or tried
	// again, still runs.
	ErrNotFinished = errors.New("the deployment is not finished")
	// ErrNotADeploy says that what is to be rolled back brought no release.
	ErrNotADeploy = errors.New("the deployment is a rollback itself, or an init")
	// ErrNothing says that no server is left for what is asked.
	ErrNothing = errors.New("there is nothing to do")
	// ErrState says that a deployment does not do what is asked where it stands.
	ErrState = errors.New("that cannot be done now")
	// ErrBusy says that as many deployments as may be are under way.
	ErrBusy = errors.New("too many deployments are under way")
	// ErrNotLocked says that no deployment has the server.
	ErrNotLocked = errors.New("no deployment has the server")
	// ErrOwner says that another deployment has the server than was thought.
	ErrOwner = errors.New("another deployment has the server")
	// ErrNoAnswer says that the service that knows does not answer.
	ErrNoAnswer = errors.New("a service that is needed does not answer")
	// ErrNoExecutor says that no executor serves a zone.
	ErrNoExecutor = errors.New("no executor serves the zone")
)
