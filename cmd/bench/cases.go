package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// besideWarm measures verifications of texts against those of the 1,000 keys in use, by the same program.
func (b *bench) besideWarm(ctx context.Context, name string, texts []string) error {
	p, err := b.gatehouse(ctx)
	if err != nil {
		return err
	}
	warm := contender{"warm", []*program{p}, load{address: p.address, connections: b.connections, requests: b.filled.verifications(b.filled.texts[:inUse])}}
	other := contender{name, []*program{p}, load{address: p.address, connections: b.connections, requests: b.filled.verifications(texts)}}
	return b.against(ctx, other, warm, "cpu")
}

// checksumSection is noise of our own form: keys with a wrong checksum, which cost no look-up (K3).
func checksumSection(ctx context.Context, b *bench) error {
	noise := make([]string, 0, inUse)
	for _, text := range b.filled.unknown {
		end := byte('0')
		if text[len(text)-1] == end {
			end = '1'
		}
		noise = append(noise, text[:len(text)-1]+string(end))
	}
	return b.besideWarm(ctx, "wrong-checksum", noise)
}

// hotSection is one key alone: what its counters and its bucket cost when all connections want them.
func hotSection(ctx context.Context, b *bench) error {
	return b.besideWarm(ctx, "one-hot-key", b.filled.texts[:1])
}

// redisSection is R8: limits counted in a real Redis against limits counted in the process. Both programs run over the same database.
func redisSection(ctx context.Context, b *bench) error {
	path, _ := exec.LookPath("redis-server")
	if path == "" {
		fmt.Println("redis-server is not installed: what limits in Redis cost is left out")
		return nil
	}
	address, err := freePort()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	redis, err := launch(ctx, address, nil, path, "--bind", host, "--port", port, "--save", "", "--appendonly", "no")
	if err != nil {
		return err
	}
	b.beside = append(b.beside, redis)
	alone, err := b.gatehouse(ctx)
	if err != nil {
		return err
	}
	shared, err := b.another(ctx, b.filled.dir, "GATEHOUSE_REDIS_URL=redis://"+address)
	if err != nil {
		return err
	}
	requests := b.filled.verifications(b.filled.texts[:inUse])
	one := contender{"verify-redis", []*program{shared, redis}, load{address: shared.address, connections: b.connections, requests: requests}}
	two := contender{"verify", []*program{alone}, load{address: alone.address, connections: b.connections, requests: requests}}
	return b.against(ctx, one, two, "req/s", "cpu")
}

// millionSection verifies 1,000,000 keys at random, against 1,000 of them: by a program that has all in memory, what the caches of the machine cost; by one that
// reads keys when they are used, what the first use of each costs.
func millionSection(ctx context.Context, b *bench) error {
	dir := filepath.Join(filepath.Dir(b.forum), "million")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	filled, err := fill(ctx, dir, b.million)
	if err != nil {
		return err
	}
	shuffled := slices.Clone(filled.texts)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	all, few := filled.verifications(shuffled), filled.verifications(filled.texts[:inUse])
	whole, err := b.wholeStart(ctx, dir)
	if err != nil {
		return err
	}
	err = b.overAll(ctx, whole, "million-in-memory", all, few)
	whole.stop() // a folder of data belongs to one program at a time
	if err != nil {
		return err
	}
	p, err := b.another(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("memory with %d keys, none used: %.1f MiB\n", b.million, p.memory())
	return b.overAll(ctx, p, "million", all, few)
}

// overAll measures one program over all keys and over few.
func (b *bench) overAll(ctx context.Context, p *program, name string, all, few [][]byte) error {
	one := contender{name, []*program{p}, load{address: p.address, connections: b.connections, requests: all}}
	two := contender{"warm", []*program{p}, load{address: p.address, connections: b.connections, requests: few}}
	if err := b.against(ctx, one, two, "cpu"); err != nil {
		return err
	}
	fmt.Printf("memory afterwards: %.1f MiB\n", p.memory())
	return nil
}

// wholeStart tells how long a program that keeps all keys in memory reads them until it is ready, and what it holds then. It goes on.
func (b *bench) wholeStart(ctx context.Context, dir string) (*program, error) {
	began := time.Now()
	p, err := b.another(ctx, dir, "GATEHOUSE_KEYRING=whole")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.portal+"/readyz", nil)
		if err != nil {
			return p, err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return p, err
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			break
		}
		<-tick.C
	}
	fmt.Printf("start until ready with %d keys, all read: %d ms, of CPU %d ms, memory %.1f MiB\n", b.million, time.Since(began).Milliseconds(), p.cpu().Milliseconds(), p.memory())
	return p, nil
}
