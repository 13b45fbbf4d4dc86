package worker

import (
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/gatehouse-dev/gatehouse/internal/password"
)

// request and answer are what goes over the pipes, a JSON value each.
type request struct {
	ID        uint64
	Plain     []byte
	Salt      []byte
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
	KeyLen    uint32
}

type answer struct {
	ID  uint64
	Key []byte
}

// Serve computes what in asks for and writes it to out, as many at once as are asked for (the gate of internal/password bounds them), until in ends.
func Serve(in io.Reader, out io.Writer) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	var write sync.Mutex
	for {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil // whoever asked is gone, and with them those who wait
		} else if err != nil {
			return err
		}
		go func() {
			key := password.Argon2id(r.Plain, r.Salt, password.Params{MemoryKiB: r.MemoryKiB, Time: r.Time, Threads: r.Threads}, r.KeyLen)
			write.Lock()
			defer write.Unlock()
			_ = answers.Encode(answer{r.ID, key}) // no reader: in ends next
		}()
	}
}
