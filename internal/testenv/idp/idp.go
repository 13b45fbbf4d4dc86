// Package idp runs a real OpenID provider in the test's process: the one of zitadel/oidc, with its storage in memory and a sign-in page of one form.
package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What the provider knows the portal by, and its people's password.
const (
	ClientID     = "portal"
	ClientSecret = "verysecret of the portal"
	Password     = "verysecure"
)

// Provider is one that runs.
type Provider struct {
	Issuer string

	store *storage.Storage
	mu    sync.Mutex
	users map[string]*storage.User
}

// Start runs a provider until the test ends, with people that sign in by the name before the @ of their address. Redirect is where it sends them back to.
func Start(t testing.TB, redirect string) *Provider {
	t.Helper()
	p := &Provider{users: map[string]*storage.User{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	p.store = storage.NewStorageWithClients(p, map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, redirect)})
	provider, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("test")), CryptoKeyId: "key", CodeMethodS256: true, AuthMethodPost: true}, p.store,
		op.StaticIssuer(p.Issuer), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, page, html.EscapeString(r.URL.Query().Get("authRequestID")))
	})
	mux.Handle("POST /login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.store.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), r.FormValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, op.AuthCallbackURL(provider)(r.Context(), r.FormValue("id")), http.StatusFound)
	}))
	mux.Handle("/", provider)
	return p
}

const page = `<!doctype html><html lang="en"><title>Northwind sign-in</title><h1>Northwind</h1>
<form method="post"><input type="hidden" name="id" value="%s"><label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Continue</button></form>`

// Add lets the provider know a person, whose subject is "sub-" and their name.
func (p *Provider) Add(address, first, last string, verified bool) {
	name, _, _ := strings.Cut(address, "@")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users["sub-"+name] = &storage.User{ID: "sub-" + name, Username: name, Password: Password, FirstName: first, LastName: last, Email: address, EmailVerified: verified}
}

// LogoutToken is what the provider sends when it says that a person is not signed in there any more, signed by its own key; change alters what it says.
func (p *Provider) LogoutToken(t testing.TB, name string, change func(map[string]any)) string {
	t.Helper()
	key, err := p.store.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := map[string]any{
		"iss": p.Issuer, "sub": "sub-" + name, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if change != nil {
		change(claims)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: key.SignatureAlgorithm(), Key: jose.JSONWebKey{Key: key.Key(), KeyID: key.ID()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// GetUserByID is for the provider's storage.
func (p *Provider) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.users[id]
}

// GetUserByUsername is for the provider's storage.
func (p *Provider) GetUserByUsername(name string) *storage.User { return p.GetUserByID("sub-" + name) }

// ExampleClientID is for the provider's storage.
func (p *Provider) ExampleClientID() string { return "" }

// SignIn goes where a portal sent the browser, signs the person of that name in, and returns the address to which the browser is sent back, without opening it.
func (p *Provider) SignIn(t testing.TB, address, name string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	at := read(t, client, address)
	answer, err := client.PostForm(p.Issuer+"/login/username", url.Values{"id": {at.Query().Get("authRequestID")}, "username": {name}, "password": {Password}}) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		t.Fatalf("%s did not sign in: %s", name, answer.Status)
	}
	return back
}

func read(t testing.TB, client *http.Client, address string) *url.URL {
	t.Helper()
	answer, err := client.Get(address) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", address, answer.Status, text, err)
	}
	return answer.Request.URL
}
