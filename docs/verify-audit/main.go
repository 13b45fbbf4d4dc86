// Verify-audit verifies an export of Gatehouse's audit log (JSON lines), without Gatehouse and without its database. It is three files over Go's standard
// library, to be read before it is trusted: what a line says (line.go), how lines follow each other (log.go), and what is told of it (here).
//
//	go build -o verify-audit main.go line.go log.go
//	./verify-audit -key KEY audit.jsonl
//	./verify-audit -key KEY audit-archive/audit-*.jsonl audit.jsonl
//
// KEY is what "gatehouse audit key" prints; ask for it by another way than the export's. The oldest events may be in files of the archive: name those before the export,
// in their order. With -checkpoints FILE the log is also compared with checkpoints that were
// kept elsewhere. It ends with 0 when every event from the first to the last is as it was, 1 when one is not, 2 when it could not look,
// and 3 when what it holds is right but is not all: a choice of events, of which nobody can tell whether one is missing, or a log whose oldest events were
// archived, in files that were not named.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("verify-audit", flag.ContinueOnError)
	var keys []string
	flags.Func("key", "a public key that is trusted; may be given more than once", func(k string) error { keys = append(keys, k); return nil })
	checkpoints := flags.String("checkpoints", "", "file of checkpoints that were kept elsewhere")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		fmt.Fprintln(out, "usage: verify-audit [-key KEY] [-checkpoints FILE] [ARCHIVED.jsonl…] audit.jsonl")
		return 2
	}
	var files []io.Reader
	for _, path := range flags.Args() {
		f, err := os.Open(path)
		if err != nil {
			fmt.Fprintln(out, err)
			return 2
		}
		defer func() { _ = f.Close() }()
		files = append(files, f)
	}
	outside, err := kept(*checkpoints, keys)
	if err != nil {
		return failure(out, "The checkpoints are not right:", err)
	}
	rep, err := verify(keys, outside, files...)
	if err != nil {
		return failure(out, "The log is not whole:", err)
	}
	return rep.tell(out, keys)
}

// failure says what is wrong and is 1; it is 2 where a file could not be read, which tells nothing about the log.
func failure(out io.Writer, says string, err error) int {
	var file *fs.PathError
	if errors.As(err, &file) {
		fmt.Fprintln(out, "Could not look:", err)
		return 2
	}
	fmt.Fprintln(out, says, err)
	return 1
}

// tell says what was found of a log that is right, as far as it is here.
func (rep report) tell(out io.Writer, keys []string) int {
	if !rep.whole {
		fmt.Fprintf(out, "These %d events are as they were. They are a choice: whether one is missing can't be told.\n", rep.events)
		return 3
	}
	if rep.from > 0 {
		fmt.Fprintf(out, "The log is whole from event %d on: %d events, head %s.\nThe events before it were archived, which is signed. Name the files of the archive too to verify them.\n", rep.from, rep.events, rep.head)
	} else {
		fmt.Fprintf(out, "The log is whole: %d events, head %s.\n", rep.events, rep.head)
	}
	fmt.Fprintf(out, "It ends where it was signed at %q: of what was recorded after that it tells nothing.\n", rep.at)
	if len(keys) == 0 && rep.key != "" {
		fmt.Fprintf(out, "It is signed with %s. Compare that with what \"gatehouse audit key\" prints.\n", rep.key)
	}
	if rep.from > 0 {
		return 3
	}
	return 0
}
