// Package access is who may do what: callers have roles, over all or in projects,
// and roles have permissions. It is a table and what follows from it, and knows
// nothing of HTTP, tokens or deployments.
//
// A permission reaches in one of three ways:
//
//	Anywhere    what it is about belongs to no project, and is shared by all:
//	            whoever has it in one project has it
//	PerProject  it is about something of a project: whoever has it there, or over all
//	Everywhere  it is about the installation: whoever has it over all
package access
