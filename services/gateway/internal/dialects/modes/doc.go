// Package modes is the dialect of the service whose document is
// 001_bda77ac1efae2ec3.txt: one application, deployed by docker, uv or pip, with progress,
// estimates and callbacks.
//
// What it deploys, and where, is a project of Slipway's: a profile is a template of it, an
// environment a stage. A deployment notes its mode, and its id follows from the native one
// and back (dialects.Short), so nothing is stored about it here.
package modes
