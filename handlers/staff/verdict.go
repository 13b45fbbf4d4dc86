package staff

import (
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
)

const verdictLife = time.Minute

// verdict remembers what verifying the chain found for a minute.
type verdict struct {
	mu    sync.Mutex
	at    time.Time
	found audit.Verdict
}

func (v *verdict) get(now time.Time, verify func() (audit.Verdict, error)) (audit.Verdict, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.at.IsZero() && now.Sub(v.at) < verdictLife && now.Sub(v.at) >= 0 {
		return v.found, nil
	}
	found, err := verify()
	if err == nil {
		v.at, v.found = now, found
	}
	return found, err
}
