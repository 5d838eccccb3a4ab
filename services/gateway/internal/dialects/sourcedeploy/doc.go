// Package sourcedeploy is the dialect of NAVER Cloud's SourceDeploy: projects with stages
// and scenarios, deployments of a scenario that may wait for an approval, their canaries,
// and the history of a project, below /compat/sourcedeploy.
//
//	project            project
//	stage              stage: Server, or AutoScalingGroup where a group says which servers
//	scenario           template that names a stage; it says what is deployed, and how
//	autoScalingGroup   group of servers
//	history            deployment that was made by a template
//	request, approval  approval that the deployment waits for
//
// Clients know all of them, and servers, by whole numbers, which stay (package numbers).
// Answers are in an object result, but for the detail of a deployment, which its document
// shows without; times are milliseconds since 1970, and null where there is none yet.
package sourcedeploy
