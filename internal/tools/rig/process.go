package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options of Start. Env is all that the program sees besides PATH and HOME.
type Options struct {
	Arguments []string          // default: serve
	Env       map[string]string // GATEHOUSE_ADDR is chosen unless given
	Patience  time.Duration     // until it must be ready; default one minute
	Sockets   []*os.File        // listening sockets that it is started with, as by systemd; GATEHOUSE_ADDR names one
	Log       *os.File          // where its log goes; nil: it is kept for Said
}

// Process is a running gatehouse.
type Process struct {
	URL      string // of the portal, without a slash at the end
	command  *exec.Cmd
	out, err output
	exited   chan struct{}
	waited   error
	orderly  func() // tells the watchdog that all went well
}

// guard starts a watchdog that kills the program should this process die before orderly is called: it waits for the end of a pipe that
// only we hold open.
func guard(pid int) (orderly func(), err error) {
	dog := exec.Command("sh", "-c", `read -r orderly || kill -KILL "$1"`, "sh", strconv.Itoa(pid))
	dog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := dog.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := dog.Start(); err != nil {
		return nil, err
	}
	return func() {
		_, _ = io.WriteString(pipe, "orderly\n")
		_ = pipe.Close()
		_ = dog.Wait()
	}, nil
}

// Start runs the program and waits until it is ready. A program that ends instead is an error with what it said. The program dies with
// this process.
func Start(o Options) (*Process, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	if len(o.Arguments) == 0 {
		o.Arguments = []string{"serve"}
	}
	addr := o.Env["GATEHOUSE_ADDR"]
	if addr == "" {
		if addr, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	p := &Process{URL: "http://" + addr, exited: make(chan struct{}), command: exec.Command(binary, o.Arguments...)}
	p.command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GATEHOUSE_ADDR=" + addr, "GATEHOUSE_STAFF_FACTOR=optional"}
	for name, value := range o.Env {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	p.command.Stdout, p.command.Stderr = &p.out, &p.err
	if o.Log != nil {
		p.command.Stderr = o.Log
	}
	p.leave(o.Sockets)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if p.orderly, err = guard(p.command.Process.Pid); err != nil {
		_ = p.command.Process.Kill()
		return nil, err
	}
	go func() {
		p.waited = p.command.Wait()
		p.orderly()
		close(p.exited)
	}()
	patience := o.Patience
	if patience == 0 {
		patience = time.Minute
	}
	if err := p.awaitReady(patience); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// given are the addresses that FreeAddress returned: whoever asks twice means to listen at two.
var given sync.Map

// FreeAddress is an address of the loopback on which nobody listened just now, another one each time.
func FreeAddress() (string, error) {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		at := l.Addr().String()
		if err := l.Close(); err != nil {
			return "", err
		}
		if _, before := given.LoadOrStore(at, true); !before {
			return at, nil
		}
	}
}

func (p *Process) awaitReady(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		// Its own word goes first: at a port that somebody else took meanwhile, somebody else would answer.
		if _, serves := p.Line("Gatehouse serves "); serves && ready(ctx, p.URL) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("gatehouse ended: %w: %s%s", errors.Join(p.waited), p.out.String(), p.err.String())
		case <-ctx.Done():
			return fmt.Errorf("gatehouse is not ready after %s: %s%s", patience, p.out.String(), p.err.String())
		}
	}
}

// leave has the program inherit sockets (sd_listen_fds(3)). They are for one process id, which a shell knows before it becomes the program.
func (p *Process) leave(sockets []*os.File) {
	if len(sockets) == 0 {
		return
	}
	p.command.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, p.command.Path}, p.command.Args[1:]...)
	p.command.Path = "/bin/sh"
	p.command.Env = append(p.command.Env, "LISTEN_FDS="+strconv.Itoa(len(sockets)))
	p.command.ExtraFiles = sockets
}

func ready(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// Stop asks the program to end, as an operator does, and returns an error unless it ended with code 0 within half a minute.
func (p *Process) Stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		if p.waited != nil {
			return fmt.Errorf("gatehouse ended: %w: %s", p.waited, p.err.String())
		}
		return nil
	case <-time.After(30 * time.Second):
		p.Kill()
		return errors.New("gatehouse did not end when asked to")
	}
}

// Kill ends the program as a power cut does. It may be called at any time.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.exited
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.command.Process.Pid }

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Said is all that the program has written so far: to its standard output, and to its log.
func (p *Process) Said() (stdout, log string) { return p.out.String(), p.err.String() }

// Line returns the rest of the first line of the standard output that begins with prefix.
func (p *Process) Line(prefix string) (string, bool) {
	for line := range strings.Lines(p.out.String()) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// RunOnce runs a command of the program to its end and returns what it wrote to both outputs.
func RunOnce(ctx context.Context, env map[string]string, arguments ...string) (string, error) {
	binary, err := Binary()
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, binary, arguments...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	said, err := c.CombinedOutput()
	return string(said), err
}

// output keeps what is written to it, for readers in other goroutines.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}
