package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is a server that runs for the bench.
type program struct {
	address string
	portal  string // where it serves pages, of one that another made
	command *exec.Cmd
	exited  chan struct{}
	said    bytes.Buffer
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// launch starts path and waits until it accepts connections at address. env is added to PATH and HOME, and is all that it sees.
func launch(ctx context.Context, address string, env []string, path string, arguments ...string) (*program, error) {
	p := &program{address: address, command: exec.Command(path, arguments...), exited: make(chan struct{})}
	p.command.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.command.Stderr = &p.said
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.command.Wait(); close(p.exited) }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return nil, fmt.Errorf("%s ended: %s", path, p.said.String())
		case <-ctx.Done():
			p.stop()
			return nil, errors.Join(fmt.Errorf("%s does not listen", path), ctx.Err())
		}
	}
}

func (p *program) stop() {
	if p == nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		_ = p.command.Process.Kill()
		<-p.exited
	}
}

// cpu is what the process has used so far, in user and kernel: proc_pid_stat(5), fields 14 and 15, in hundredths of a second.
func (p *program) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int
	for _, i := range []int{11, 12} {
		n, _ := strconv.Atoi(fields[i])
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory is the resident set in MiB.
func (p *program) memory() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return n / 1024
		}
	}
	return 0
}
