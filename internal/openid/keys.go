package openid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keysPause = 30 * time.Second // between two questions for a provider's keys, whoever has them asked
	mostKeys  = 1 << 20          // bytes of an answer that are read: those of large providers have some 10,000
)

// keys are those that a provider signs with. They are asked for when a token is signed by none of them, as after a rotation, and once a day. Anybody can send such a token,
// so the provider is asked once in keysPause at most; go-oidc's own set asks it each time. Safe for concurrent use.
type keys struct {
	address string
	http    *http.Client
	now     func() time.Time

	mu      sync.Mutex // never held while the provider is asked
	held    []jose.JSONWebKey
	heldAt  time.Time
	asked   *question[[]jose.JSONWebKey] // that is under way
	askedAt time.Time
	failure error // of the newest question
}

// judge is the key set of one token: it keeps why a signature counts for nothing, which go-oidc makes a text of.
type judge struct {
	keys   *keys
	mayAsk func() error // before a token has the provider asked for its keys; nil: any may; not asked where no keys are held, or too old ones
	err    error
}

// VerifySignature is oidc.KeySet's.
func (j *judge) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := j.keys.verify(ctx, token, j.mayAsk)
	j.err = err
	return payload, err
}

// fault is the error of a token that did not stand.
func (j *judge) fault(err error) error {
	if j.err != nil {
		return j.err
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// verify gives what a token says that is signed by one of the keys. Faults: ErrRefused; ErrAway where the provider can't be asked now whether it has another key; those of mayAsk.
func (k *keys) verify(ctx context.Context, token string, mayAsk func() error) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, refused("the token is signed in no way that counts")
	}
	held, fresh := k.known()
	if payload := by(held, signed); payload != nil && fresh {
		return payload, nil
	}
	if mayAsk != nil && fresh {
		if err := mayAsk(); err != nil {
			return nil, err
		}
	}
	held, anew, err := k.ask(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: its keys: %w", ErrAway, err)
	}
	if payload := by(held, signed); payload != nil {
		return payload, nil
	}
	if !anew && !names(held, signed) { // it may have come since
		return nil, fmt.Errorf("%w: its keys were asked for just now, and the token is signed by another", ErrAway)
	}
	return nil, refused("the token is signed by no key of the provider")
}

// by is what the token says when one of the keys signed it, and it names that key or none; else nil.
func by(all []jose.JSONWebKey, signed *jose.JSONWebSignature) []byte {
	for _, key := range all {
		if id := signed.Signatures[0].Header.KeyID; id != "" && id != key.KeyID {
			continue
		}
		if payload, err := signed.Verify(key); err == nil {
			return payload
		}
	}
	return nil
}

// names reports whether the token names one of the keys.
func names(all []jose.JSONWebKey, signed *jose.JSONWebSignature) bool {
	for _, key := range all {
		if id := signed.Signatures[0].Header.KeyID; id != "" && id == key.KeyID {
			return true
		}
	}
	return false
}

// known are the keys that are held, and whether they were asked for within a day: a provider takes back a key that somebody else got hold of.
func (k *keys) known() (held []jose.JSONWebKey, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held, k.held != nil && k.now().Sub(k.heldAt) < discoveryAge
}

// ask has the provider asked, or waits for who asks already, until ctx ends. Anew is false when it was asked so lately that it is left alone.
func (k *keys) ask(ctx context.Context) (held []jose.JSONWebKey, anew bool, err error) {
	k.mu.Lock()
	now := k.now()
	if k.asked == nil && (k.askedAt.IsZero() || now.Sub(k.askedAt).Abs() >= keysPause) {
		k.asked, k.askedAt = &question[[]jose.JSONWebKey]{done: make(chan struct{})}, now
		go k.answer(context.WithoutCancel(ctx), k.asked) // others wait for it too, so it outlives who came first; outbound.Timeout bounds it
	}
	q, held, failure := k.asked, k.held, k.failure
	k.mu.Unlock()
	if q == nil {
		return held, false, failure
	}
	held, err = q.wait(ctx)
	return held, true, err
}

// answer asks the question, and keeps what came of it. What is held stands until other keys came.
func (k *keys) answer(ctx context.Context, q *question[[]jose.JSONWebKey]) {
	q.found, q.err = k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked, k.failure = nil, q.err
	if q.err == nil {
		k.held, k.heldAt = q.found, k.now()
	}
	close(q.done)
}

func (k *keys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := k.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", answer.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostKeys)).Decode(&set); err != nil {
		return nil, err
	}
	var all []jose.JSONWebKey
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err == nil && key.IsPublic() { // what is of another kind is left out (RFC 7517, section 5)
			all = append(all, key)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key")
	}
	return all, nil
}
