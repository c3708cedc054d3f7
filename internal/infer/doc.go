// Package infer is the contract between those who want scores and the engine
// that gives them: Runner, its client over a worker process and its handler
// inside one.
//
// Only gourdian-infer runs a network in its own process (package ort). Everyone
// else holds a Client: the board a supervised one that serves a bundle
// (Supervise), training and evaluation one that serves a bundle or a bare graph
// (StartBundle; StartGraph in package features). Package fake is a Runner
// without any network; package infertest is the suite that all of them pass.
package infer
