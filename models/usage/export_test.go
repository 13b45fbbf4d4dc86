package usage

import (
	"context"
	"errors"
)

// ErrLost stands for a connection that broke after the commit.
var ErrLost = errors.New("the answer was lost")

// FlushLosingTheAnswer stores the next batch, and then knows nothing of it: as when the connection breaks between commit and answer.
func (f *Flusher) FlushLosingTheAnswer(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next()
	if _, err := f.store(ctx, f.pending); err != nil {
		return err
	}
	clear(f.known)
	return f.failed(ErrLost)
}
