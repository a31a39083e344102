// Package sim holds the proof of the write protocol by simulation: it compares the
// client with a reference model, cuts its operations off at every request, and
// runs schedules of several clients over a network that delays, repeats and loses
// requests, in virtual time. Everything depends on seeds that a failure prints.
//
// `make sim CASES=n SEED=s` runs it at length; `go test` runs a small fixed part.
package sim
