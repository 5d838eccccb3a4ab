// Package rex is the dialect of a service that runs modules by name: POST /compat/rex, with
// the token in the query.
//
//	Deploy:Core:syncpro   brings programs and their configuration to the directories that
//	                      are released from
//	Deploy:Core:deploy    releases them to the servers of a name, by native deployments
//	Deploy:Core:rollback  takes the servers of a name back to what ran there before
//
// What stands for what is the inventory of the original, a table in which each row is a
// program on a server: a file in CSV or a dump in SQL, as it was exported, read anew for
// each request. The directories are those of the original, on the machine of the gateway,
// or on a file system that all gateways share.
package rex
