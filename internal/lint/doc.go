// Package lint holds the house rules that a machine can hold: who imports whom, where the clock is read, what SQL may be
// made of, how long a file may be. It is all tests, which read the source of this repository; a rule that is broken
// names file and line, and says what to do instead.
//
// Where a rule has exceptions, each stands in a list here with its reason, and an exception that nothing needs any more
// fails too.
package lint
