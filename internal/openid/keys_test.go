package openid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/testenv/idp"
)

// rotating is a provider whose keys a test changes and takes away, and a client of it.
type rotating struct {
	*openid.Client
	t     *testing.T
	url   string
	asked atomic.Int64 // for its keys
	gone  atomic.Bool  // its keys can't be read
	now   atomic.Int64 // seconds by the client's clock
	mu    sync.Mutex
	keys  []jose.JSONWebKey // public; the last is signed with
	key   *ecdsa.PrivateKey
}

func rotate(t *testing.T) *rotating {
	t.Helper()
	p := &rotating{t: t}
	p.now.Store(time.Now().Unix())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/keys" {
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys"})
			return
		}
		p.asked.Add(1)
		if p.gone.Load() {
			http.Error(w, "away", http.StatusInternalServerError)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		all := []any{map[string]any{"kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "strange"}} // which we don't know, and go on
		for _, k := range p.keys {
			all = append(all, k)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": all})
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	p.rotate("first")
	p.Client = openid.New(settings(p.url), back, here, func() time.Time { return time.Unix(p.now.Load(), 0) })
	return p
}

// rotate has the provider sign with a new key, and take the old one back.
func (p *rotating) rotate(id string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keys = key, []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: id, Algorithm: "ES256", Use: "sig"}}
}

// logout is a logout token by key, which it names.
func (p *rotating) logout(key *ecdsa.PrivateKey, id string) string {
	p.t.Helper()
	now := p.now.Load()
	text, err := json.Marshal(map[string]any{
		"iss": p.url, "aud": idp.ClientID, "iat": now, "exp": now + 120, "jti": "j1", "sub": "ada", "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := s.Sign(text)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// ends sends a token.
func (p *rotating) ends(token string) error {
	p.t.Helper()
	_, err := p.ParseLogout(p.t.Context(), token, nil)
	return err
}

// L7: who sends tokens by keys that nobody has, at once or one after the other, has the provider asked for its keys once in half a minute.
func TestForgedTokensHaveAProviderAskedOnceInAWhile(t *testing.T) {
	p := rotate(t)
	forged, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ends(p.logout(p.key, "first")); err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"first", "other", ""} {
		p.now.Add(30)
		before := p.asked.Load()

		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := p.ends(p.logout(forged, id)); err == nil {
					t.Error("it ended sessions")
				}
			})
		}
		all.Wait()

		if n := p.asked.Load() - before; n != 1 {
			t.Errorf("%d: the provider was asked %d times", i, n)
		}
		if err := p.ends(p.logout(p.key, "first")); err != nil {
			t.Error("a good token meanwhile:", err)
		}
	}
}

// S4: a token by a key that came since the provider was asked is not called wrong, and stands once it is asked again; what is signed by a key that it took back does not then.
func TestAKeyThatAProviderRotatesToIsNoticed(t *testing.T) {
	p := rotate(t)
	old := p.key
	if err := p.ends(p.logout(old, "first")); err != nil {
		t.Fatal(err)
	}
	p.now.Add(5)
	p.rotate("second")

	soon := p.ends(p.logout(p.key, "second"))
	p.now.Add(25)
	later := p.ends(p.logout(p.key, "second"))
	taken := p.ends(p.logout(old, "second"))

	if !errors.Is(soon, openid.ErrAway) || errors.Is(soon, openid.ErrRefused) || later != nil || !errors.Is(taken, openid.ErrRefused) {
		t.Error(soon, later, taken)
	}
}

// S4: a key that the provider took back counts for a day at most, also when no other came.
func TestAKeyThatAProviderTakesBackIsForgotten(t *testing.T) {
	p := rotate(t)
	old := p.key
	if err := p.ends(p.logout(old, "first")); err != nil {
		t.Fatal(err)
	}
	p.rotate("second")
	p.now.Add(25 * 60 * 60)

	if err := p.ends(p.logout(old, "first")); !errors.Is(err, openid.ErrRefused) {
		t.Error(err)
	}
}

// S4: a good token that can't be judged now is not called wrong: its sender is told to send it again. What is known stands meanwhile.
func TestATokenIsSentAgainWhileTheKeysCantBeRead(t *testing.T) {
	p := rotate(t)
	p.gone.Store(true)
	cold := p.ends(p.logout(p.key, "first"))
	again := p.ends(p.logout(p.key, "first"))
	during := p.asked.Load()
	p.gone.Store(false)
	p.now.Add(30)
	back := p.ends(p.logout(p.key, "first"))
	p.gone.Store(true)
	first := p.key
	p.rotate("second")
	p.now.Add(30)
	unknown := p.ends(p.logout(p.key, "second"))
	known := p.ends(p.logout(first, "first"))

	for name, err := range map[string]error{"cold": cold, "again": again, "unknown": unknown} {
		if !errors.Is(err, openid.ErrAway) || errors.Is(err, openid.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if during != 1 || back != nil || known != nil {
		t.Error(during, back, known)
	}
}

// L7: whoever counts what is sent can say that the provider is not asked, and keeps no token out by that whose key is known.
func TestNoProviderIsAskedForWhomItMayNotBe(t *testing.T) {
	p := rotate(t)
	if err := p.ends(p.logout(p.key, "first")); err != nil {
		t.Fatal(err)
	}
	p.now.Add(30)
	forged, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("that was too often")

	_, refused := p.ParseLogout(t.Context(), p.logout(forged, "other"), func() error { return full })
	_, good := p.ParseLogout(t.Context(), p.logout(p.key, "first"), func() error { return full })

	if n := p.asked.Load(); !errors.Is(refused, full) || good != nil || n != 1 {
		t.Error(refused, good, n)
	}
}
