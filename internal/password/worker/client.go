// Package worker computes argon2id in a process of its own that gives way to all others.
//
// A hash takes tens of milliseconds of one processor and tens of MiB. Inside the process that answers for keys it holds one of Go's processors against
// the scheduler, and its garbage makes the collector walk the whole heap, the keys among it: a flood of sign-ins is felt by every verification. In a
// process of lower priority the kernel takes the processor away from it whenever somebody else wants it, and its garbage is its own. Threads of lower
// priority in this process would not do: x/crypto's argon2 starts goroutines, which run on whatever thread is free.
package worker

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/password"
)

// Niceness is the priority of the worker's process (setpriority(2)): with everything else busy it still gets about a tenth of a processor, so that
// people can sign in beside a gateway that asks as fast as it can.
const Niceness = 10

// Client hands hashes to a worker process, which it starts when there is work and ends when there was none for a while. It is safe for concurrent use.
type Client struct {
	command func() *exec.Cmd
	log     *slog.Logger
	rest    time.Duration

	mu      sync.Mutex
	process *process // nil while none runs
	busy    int      // hashes under way
	idle    *time.Timer
	told    bool // that no worker can be had
	closed  bool
}

// NewClient returns a Client whose worker is the program and arguments that command returns: one that calls Serve on its standard input and output.
// A worker without work is kept for as long as rest says.
func NewClient(command func() *exec.Cmd, rest time.Duration, log *slog.Logger) *Client {
	return &Client{command: command, rest: rest, log: log}
}

// Hash is a password.HashFunc. Where no worker can be had, or it dies at work, the hash is computed in this process: slower for all others, but
// nobody is kept from signing in. Both are told to the log, the first once.
func (c *Client) Hash(plain, salt []byte, p password.Params, keyLen uint32) []byte {
	r := request{Plain: plain, Salt: salt, MemoryKiB: p.MemoryKiB, Time: p.Time, Threads: p.Threads, KeyLen: keyLen}
	if at := c.take(); at != nil {
		key, ok := at.ask(r)
		c.giveBack()
		if ok {
			return key
		}
		c.log.Warn("the process that computes password hashes ended at work; another one is started for the next")
	}
	return password.Argon2id(plain, salt, p, keyLen)
}

// take returns the running worker, a new one, or nil where none can be had.
func (c *Client) take() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	if c.process == nil || c.process.over() {
		p, err := start(c.command())
		if err != nil {
			if !c.told {
				c.told = true
				c.log.Warn("password hashes are computed in the main process, because another one can't be started: sign-ins will slow down verifications", "error", err.Error())
			}
			return nil
		}
		c.process = p
	}
	c.busy++
	if c.idle != nil {
		c.idle.Stop()
	}
	return c.process
}

// giveBack notes that a hash is done. After the rest without another the worker ends.
func (c *Client) giveBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy--; c.busy == 0 && !c.closed {
		c.idle = time.AfterFunc(c.rest, c.endIdle)
	}
}

func (c *Client) endIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == 0 && c.process != nil {
		c.process.end()
		c.process = nil
	}
}

// Close ends the worker. Hashes under way are computed here again, as are those that come later.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.process != nil {
		c.process.end()
		c.process = nil
	}
}

// process is one running worker.
type process struct {
	stdin io.WriteCloser
	ended chan struct{}

	mu      sync.Mutex
	out     *json.Encoder
	next    uint64
	waiting map[uint64]chan []byte
}

// start starts a worker with lower priority from its first instruction on: a child has the priority of the thread that started it.
func start(command *exec.Cmd) (*process, error) {
	command.Env = []string{}                                  // it needs nothing, and there are secrets in ours
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what the terminal interrupts is the portal, which ends its worker itself
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends, or rests for ever, with this goroutine, and nobody else runs on it
		if err := giveWay(); err != nil {
			started <- err
			return
		}
		started <- command.Start()
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(err, stdin.Close(), stdout.Close())
	}
	p := &process{stdin: stdin, ended: make(chan struct{}), out: json.NewEncoder(stdin), waiting: map[uint64]chan []byte{}}
	go p.read(json.NewDecoder(stdout), command)
	return p, nil
}

// giveWay lowers the priority of the calling thread, unless the whole portal was started with one that is lower still: nobody may raise theirs.
func giveWay() error {
	now, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil || 20-now >= Niceness { // the system call returns 20 less the niceness
		return err
	}
	return syscall.Setpriority(syscall.PRIO_PROCESS, 0, Niceness)
}

// read hands out answers until the worker ends.
func (p *process) read(in *json.Decoder, command *exec.Cmd) {
	for {
		var a answer
		if in.Decode(&a) != nil {
			break
		}
		p.mu.Lock()
		to := p.waiting[a.ID]
		delete(p.waiting, a.ID)
		p.mu.Unlock()
		if to != nil {
			to <- a.Key
		}
	}
	p.end()
	_ = command.Wait() // how it ended tells nothing that matters: it computes no more
	close(p.ended)
}

// ask returns false when the worker ended before it answered.
func (p *process) ask(r request) ([]byte, bool) {
	to := make(chan []byte, 1)
	p.mu.Lock()
	p.next++
	r.ID = p.next
	p.waiting[r.ID] = to
	err := p.out.Encode(r)
	p.mu.Unlock()
	if err != nil {
		return nil, false
	}
	select {
	case key := <-to:
		return key, len(key) == int(r.KeyLen)
	case <-p.ended:
		return nil, false
	}
}

// end closes the worker's input, at which it ends.
func (p *process) end() { _ = p.stdin.Close() }

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}
