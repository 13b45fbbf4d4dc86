package main

import (
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/password/worker"
)

// workerRest is how long the worker is kept without work: it costs some MiB, and a sign-in after it some tens of milliseconds.
const workerRest = time.Minute

type hashWorkerCommand struct{}

// workerRoom is what the worker may take beside the hashes under way before it frees the memory of those that are done.
const workerRoom = 32 << 20

// Run computes hashes until its input ends. In a flood the memory of hashes that are done would double what it holds (A3).
func (hashWorkerCommand) Run(w *world) error {
	debug.SetMemoryLimit(password.GateOptions{}.MostMemory() + workerRoom)
	return worker.Serve(w.stdin, w.stdout)
}

// hashWorker is this very program, also where its file has been replaced since.
func hashWorker() *exec.Cmd {
	path := "/proc/self/exe"
	if _, err := os.Stat(path); err != nil {
		path = os.Args[0]
		if own, err := os.Executable(); err == nil {
			path = own
		}
	}
	return &exec.Cmd{Path: path, Args: []string{os.Args[0], "hash-worker"}}
}

// hashing is what computes password hashes for a server, and what ends it.
func hashing(w *world) (password.HashFunc, func()) {
	if w.worker == nil {
		return nil, func() {}
	}
	c := worker.NewClient(w.worker, workerRest, slog.Default())
	return c.Hash, c.Close
}
