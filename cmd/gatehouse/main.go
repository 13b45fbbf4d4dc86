// Command gatehouse is the developer portal: it serves the pages, and answers for every request whether a key may do this now.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

// version is set by the linker for releases.
var version = ""

type commands struct {
	Serve   serveCommand   `cmd:"" default:"1" help:"Serve the portal and the verification API."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to this version and stop."`
	Admin   adminCommand   `cmd:"" help:"Manage the company's own people."`
	Users   usersCommand   `cmd:"" help:"People with an account, for operators."`
	Audit   auditCommand   `cmd:"" help:"The audit log."`
	Keys    keysCommand    `cmd:"" help:"API keys, for operators: on the database itself."`
	Demo    demoCommand    `cmd:"" help:"Serve a believable company from a database of its own, which is filled on the first start."`

	Backup      backupCommand      `cmd:"" help:"Copy a SQLite database while it is in use."`
	Restore     restoreCommand     `cmd:"" help:"Put a backup in the place of the SQLite database."`
	Doctor      doctorCommand      `cmd:"" help:"Look at everything that this installation needs, and say what to do."`
	Move        moveCommand        `cmd:"" help:"Take a SQLite installation over to PostgreSQL, whole, while it serves."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server of this machine whether it is ready."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
	HashWorker  hashWorkerCommand  `cmd:"" hidden:"" help:"Compute password hashes for the process that started this one."`
}

// world is what a command sees of the outside.
type world struct {
	ctx       context.Context
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
	lookupEnv func(string) (string, bool)
	worker    func() *exec.Cmd // this program as a process that computes password hashes; nil: they are computed here
}

func main() { os.Exit(run()) }

// errTerminated is the cause of a context that SIGTERM ended: an orchestrator stops the process, and others take over from it.
var errTerminated = errors.New("terminated")

// untilSignal returns a context that ends at the first SIGINT or SIGTERM; its cause tells which. stop gives signals back.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				cancel(errTerminated)
			}
			cancel(nil)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

func newParser(w *world) (*kong.Kong, error) {
	return kong.New(&commands{}, kong.Name("gatehouse"), kong.Description("A developer portal that hands out API keys and answers for them."),
		kong.Bind(w), kong.Help(withSettings))
}

// run is main with an exit code: 0 done, 1 failed or refused, 2 wrong settings or usage, 3 no installation is where the settings lead; keys and audit verify: also not available.
func run() int {
	ctx, stop := untilSignal()
	defer stop()
	parser, err := newParser(&world{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookupEnv: os.LookupEnv, worker: hashWorker})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	chosen, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse: "+err.Error()+"; see gatehouse --help")
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse: "+err.Error())
		var wrong config.Problems
		if errors.As(err, &wrong) {
			return 2
		}
		var exit exitError
		if errors.As(err, &exit) {
			return exit.code
		}
		return 1
	}
	return 0
}

// withSettings adds the environment variables to the help of serve.
func withSettings(o kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, c); err != nil {
		return err
	}
	if node := c.Selected(); node != nil && node.Name == "serve" {
		_, err := fmt.Fprint(c.Stdout, "\n"+config.Help())
		return err
	}
	return nil
}

type versionCommand struct{}

func (versionCommand) Run(w *world) error {
	_, err := fmt.Fprintln(w.stdout, versionText())
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
