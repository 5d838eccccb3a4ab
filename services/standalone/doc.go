// Package standalone is all of Slipway in one process: the four services, their message broker (NATS with JetStream,
// internal/broker) and their document store (FerretDB on SQLite, internal/store), on one data directory.
//
// The services are the very same as in an installation of many processes, and speak to each other by NATS alone; only
// their connections stay within the process. What starts needs what started before it, and is stopped before it:
//
//	broker → store → history → scheduler → executor → gateway → announcement
//
// The data directory holds, for its owner alone:
//
//	lock          claimed by the one process that uses the directory
//	seal.key      opens the credentials of servers and secrets; without it they must be entered again
//	webhooks.key  opens the secrets of webhooks; without it they must be rotated
//	nats/         commands, events, inventory, packages: what exists nowhere else
//	store/        documents, made from the events, and again if deleted
//	cache/        packages on their way to hosts; may be deleted while nothing runs
package standalone
