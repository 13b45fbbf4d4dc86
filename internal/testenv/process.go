package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A child is a program that runs for a test. It ends when stop is called, and also when this process ends in whatever
// way, even killed: a watchdog waits for the end of a pipe that only we hold open.
type child struct {
	name     string
	log      string // path of what it printed
	process  *exec.Cmd
	exited   chan struct{}
	watchdog io.WriteCloser
}

const watchdog = `if read -r orderly; then exit; fi
kill -TERM "$1"
sleep 5
kill -KILL "$1"
[ -z "$2" ] || rm -rf "$2"`

// startChild starts the program. What it prints goes to the file log; the folder, when not empty, is removed should
// this process die before stop.
func startChild(log, folder, program string, arguments ...string) (*child, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	c := &child{name: program, log: log, process: exec.Command(program, arguments...), exited: make(chan struct{})}
	c.process.Stdout, c.process.Stderr = output, output
	c.process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.process.Wait()
		close(c.exited)
	}()
	if err := c.guard(folder); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *child) guard(folder string) error {
	guard := exec.Command("sh", "-c", watchdog, "sh", strconv.Itoa(c.process.Process.Pid), folder)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := guard.StdinPipe()
	if err != nil {
		return err
	}
	if err := guard.Start(); err != nil {
		return err
	}
	c.watchdog = pipe
	go func() { _ = guard.Wait() }()
	return nil
}

// stop ends the program, first by asking, after ten seconds by force. It may be called twice.
func (c *child) stop() {
	_ = c.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(10 * time.Second):
		_ = c.process.Process.Kill()
		<-c.exited
	}
	if c.watchdog != nil {
		_, _ = io.WriteString(c.watchdog, "orderly\n")
		_ = c.watchdog.Close()
	}
}

// ready waits until check succeeds. It gives up after a minute, which a busy machine may need, or as soon as the program
// ends; the error then says what the program printed.
func (c *child) ready(check func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.exited:
			return errors.New(c.name + " ended: " + c.said())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w: %s", c.name, err, c.said())
		}
	}
}

func (c *child) said() string {
	output, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(output[max(0, len(output)-2000):])
}

// onFreePort starts something on a port that was free a moment ago, and on another when that one was taken meanwhile.
func onFreePort(start func(port int) error) error {
	var failures []error
	for range 3 {
		port, err := freePort()
		if err != nil {
			return err
		}
		if err = start(port); err == nil {
			return nil
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// FreePort returns a port of 127.0.0.1 that nobody listened on when it was called.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	return port
}
