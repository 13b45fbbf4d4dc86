// Command bench measures Gatehouse against small fixed programs on the same machine in the same run, in turn (A B A B), and prints one
// line a ratio and nothing else on those lines:
//
//	ratio verify/echo cpu 0.94 (0.91-0.97)
//
// which is the median of the rounds with the least and the most. CPU is that of the server's process per request, from /proc, with everything
// on: 100,000 keys of which 1,000 are in use, limits, usage written to the database each second. Other lines are figures for the reader.
//
// It builds its own database in a temporary folder and starts bin/gatehouse over it, so build that first (make bench does). Linux alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	binary      string
	rounds      int
	duration    time.Duration
	connections int
	keys        int
	questions   int
	million     int
	forumURL    string
	usageURL    string
	postgresURL string
	only        string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "floor" {
		serveFloor(os.Args[2], os.Args[3])
		return
	}
	var o options
	flag.StringVar(&o.binary, "binary", "bin/gatehouse", "the program that is measured")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each pair is measured")
	flag.DurationVar(&o.duration, "d", 2*time.Second, "how long each measurement takes")
	flag.IntVar(&o.connections, "c", 32, "connections")
	flag.IntVar(&o.keys, "keys", 100_000, "keys in the database")
	flag.IntVar(&o.million, "million", 1_000_000, "keys in the database of the section of that name, which runs only when it is named")
	flag.IntVar(&o.questions, "questions", 100_000, "questions in the forum, with ten posts each")
	flag.StringVar(&o.forumURL, "forum", "", "database URL of a forum that is kept: filled when it has no questions; empty: a temporary one")
	flag.StringVar(&o.usageURL, "usage", "", "database URL of counts that are kept: filled with ten million rows when it has none; empty: a temporary one")
	flag.StringVar(&o.postgresURL, "postgres", "", "URL of an empty PostgreSQL database, for what needs several processes")
	flag.StringVar(&o.only, "only", "", "sections to run, parted by commas: "+strings.Join(sectionNames(), ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// section is one thing that is measured. A new one goes into sections.
type section struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

// sections, in the order in which they run: memory first, while the program is fresh.
var sections = []section{
	{"decision", decision},
	{"start", start},
	{"verify", verifySection},
	{"authz", authzSection},
	{"unknown", unknownSection},
	{"checksum", checksumSection},
	{"hot", hotSection},
	{"redis", redisSection},
	{"nginx", nginxSection},
	{"flood", floodSection},
	{"pages", pagesSection},
	{"forum", forumSection},
	{"usage", usageSection},
	{"million", millionSection},
	{"revocation", revocationSection},
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// bench is what sections share.
type bench struct {
	options
	filled  filled
	forum   string   // a folder for another database, of the forum
	program *program // gatehouse over the filled database
	portal  string   // where it serves pages
	floors  map[string]*program
	beside  []*program // all others that run
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	b := &bench{options: o, forum: filepath.Join(dir, "forum"), floors: map[string]*program{}}
	defer func() {
		b.program.stop()
		for _, g := range b.beside {
			g.stop()
		}
		for _, f := range b.floors {
			f.stop()
		}
		_ = os.RemoveAll(dir)
	}()
	if o.only != "million" && o.only != "forum" && o.only != "usage" && o.only != "revocation" { // which have databases of their own
		if b.filled, err = fill(ctx, dir, o.keys); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	for _, s := range sections {
		if o.only == "" && s.name == "million" { // it takes minutes to fill
			continue
		}
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), s.name) {
			continue
		}
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// floor starts the fixed program of that kind, once.
func (b *bench) floor(ctx context.Context, kind string) (*program, error) {
	if f := b.floors[kind]; f != nil {
		return f, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	f, err := launch(ctx, port, nil, self, "floor", kind, port)
	if err == nil {
		b.floors[kind] = f
	}
	return f, err
}

// gatehouse starts the program over the filled database, once.
func (b *bench) gatehouse(ctx context.Context) (*program, error) {
	if b.program != nil {
		return b.program, nil
	}
	portal, err1 := freePort()
	edge, err2 := freePort()
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("find a port: %w, %w", err1, err2)
	}
	p, err := launch(ctx, edge, b.environment(b.filled.dir, portal, edge), b.binary, "serve")
	b.program, b.portal = p, portal
	return p, err
}

func (b *bench) environment(dir, portal, edge string) []string {
	return []string{"GATEHOUSE_DATA_DIR=" + dir, "GATEHOUSE_SECRET=" + benchSecret, "GATEHOUSE_ADDR=" + portal, "GATEHOUSE_EDGE_ADDR=" + edge, "GATEHOUSE_DRAIN=0s", "GATEHOUSE_STAFF_FACTOR=optional"}
}

// another starts one more gatehouse over the database in dir, with settings beside the common ones.
func (b *bench) another(ctx context.Context, dir string, settings ...string) (*program, error) {
	portal, err1 := freePort()
	edge, err2 := freePort()
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("find a port: %w, %w", err1, err2)
	}
	p, err := launch(ctx, edge, append(b.environment(dir, portal, edge), settings...), b.binary, "serve")
	if err == nil {
		p.portal = portal
		b.beside = append(b.beside, p)
	}
	return p, err
}

// start tells how long the program takes until it answers and what it holds (R12), before and after 100,000 verifications.
func start(ctx context.Context, b *bench) error {
	began := time.Now()
	p, err := b.gatehouse(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("start to first answer with %d keys: %d ms\n", b.keys, time.Since(began).Milliseconds())
	if info, err := os.Stat(b.binary); err == nil {
		fmt.Printf("binary: %.1f MiB\n", float64(info.Size())/(1<<20))
	}
	fmt.Printf("memory idle: %.1f MiB\n", p.memory())
	all := load{address: p.address, connections: b.connections, requests: b.filled.verifications(b.filled.texts), most: int64(len(b.filled.texts))}
	if _, err := all.run(ctx, time.Minute); err != nil {
		return err
	}
	fmt.Printf("memory after %d verifications, each of another key: %.1f MiB\n", len(b.filled.texts), p.memory())
	again := load{address: p.address, connections: b.connections, requests: b.filled.verifications(b.filled.texts[:1000]), most: 100_000}
	if _, err := again.run(ctx, time.Minute); err != nil {
		return err
	}
	fmt.Printf("memory after 100000 more of 1000 keys: %.1f MiB\n", p.memory())
	return nil
}
