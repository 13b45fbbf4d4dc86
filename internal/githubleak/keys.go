package githubleak

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// DefaultURL is where GitHub publishes its keys.
const DefaultURL = "https://api.github.com/meta/public_keys/secret_scanning"

// Headers of a report.
const (
	HeaderKey       = "Github-Public-Key-Identifier"
	HeaderSignature = "Github-Public-Key-Signature"
)

// Why a report is not believed.
var (
	// ErrUnavailable: the keys can't be fetched, so nobody knows. Ask again later.
	ErrUnavailable = errors.New("githubleak: the public keys can’t be fetched")
	// ErrUnknownKey: GitHub publishes no key of that id.
	ErrUnknownKey = errors.New("githubleak: no key of that id is published")
	// ErrSignature: the signature is none, or not of this body by this key.
	ErrSignature = errors.New("githubleak: the signature does not fit the body")
)

const (
	fetchTimeout = 5 * time.Second
	fetchMax     = 64 << 10
	keysMax      = 32
	fetchPause   = time.Minute    // between two fetches
	freshFor     = 24 * time.Hour // after which keys are asked for again
	idMax        = 128
	signatureMax = 256
)

// Options of Keys. All but Client are required.
type Options struct {
	URL    string
	Now    func() time.Time
	Client *http.Client // nil: one with a timeout that follows no redirect
}

// Keys are the public keys, fetched when they are needed. Safe for concurrent use: one goroutine fetches, the others wait for it.
type Keys struct {
	url    string
	now    func() time.Time
	client *http.Client

	mu      sync.Mutex
	keys    map[string]*ecdsa.PublicKey
	etag    string
	fetched time.Time // when the keys were last known to be GitHub's
	tried   time.Time
	failure error // of the last try
}

// New fetches nothing yet.
func New(o Options) *Keys {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: fetchTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Keys{url: o.URL, now: o.Now, client: o.Client}
}

// Verify reports whether signature is that of the raw body by the key named id. The error is, or wraps, one of ErrUnavailable, ErrUnknownKey
// and ErrSignature.
func (k *Keys) Verify(ctx context.Context, id, signature string, body []byte) error {
	if id == "" || len(id) > idMax {
		return ErrUnknownKey
	}
	if signature == "" || len(signature) > signatureMax {
		return ErrSignature
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return ErrSignature
	}
	key, err := k.key(ctx, id)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if !ecdsa.VerifyASN1(key, sum[:], raw) {
		return ErrSignature
	}
	return nil
}

// key gives the key of an id, fetching where that may help.
func (k *Keys) key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	old := k.fetched.IsZero() || now.Sub(k.fetched) >= freshFor
	if key := k.keys[id]; key != nil && !old {
		return key, nil
	}
	if k.tried.IsZero() || now.Sub(k.tried) >= fetchPause {
		k.tried, k.failure = now, k.fetch(ctx)
		if k.failure == nil {
			k.fetched, old = now, false
		}
	}
	key := k.keys[id]
	switch {
	case old, key == nil && k.failure != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, k.failure)
	case key == nil:
		return nil, ErrUnknownKey
	}
	return key, nil
}

// fetch replaces the keys by those that are published now. It is called with the lock held. Whoever sent the report can't break it off for the
// others by hanging up.
func (k *Keys) fetch(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Gatehouse")
	if k.etag != "" {
		r.Header.Set("If-None-Match", k.etag)
	}
	answer, err := k.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusNotModified && k.keys != nil {
		return nil
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, fetchMax+1))
	if err != nil {
		return err
	}
	keys, err := parse(text)
	if err != nil {
		return err
	}
	k.keys, k.etag = keys, answer.Header.Get("ETag")
	return nil
}

// parse reads the published list. Keys of another kind than P-256 are left out: what they sign is not known here.
func parse(text []byte) (map[string]*ecdsa.PublicKey, error) {
	if len(text) > fetchMax {
		return nil, fmt.Errorf("the list is longer than %d kB", fetchMax>>10)
	}
	var list struct {
		Keys []struct {
			ID  string `json:"key_identifier"`
			Key string `json:"key"`
		} `json:"public_keys"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, errors.New("the list is no JSON of the expected form")
	}
	if len(list.Keys) > keysMax {
		return nil, fmt.Errorf("the list has more than %d keys", keysMax)
	}
	out := make(map[string]*ecdsa.PublicKey, len(list.Keys))
	for _, entry := range list.Keys {
		block, _ := pem.Decode([]byte(strings.TrimSpace(entry.Key)))
		if block == nil {
			continue
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if key, ok := parsed.(*ecdsa.PublicKey); err == nil && ok && key.Curve == elliptic.P256() {
			out[entry.ID] = key
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the list holds no ECDSA key over P-256")
	}
	return out, nil
}
