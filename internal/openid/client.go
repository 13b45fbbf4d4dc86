// Package openid signs people in at providers elsewhere: by OpenID Connect (code flow with PKCE S256, nonce, exact issuer, signed ID token), and at GitHub by
// OAuth. It keeps nothing: what has to survive the trip through the browser is a Trip, which the caller seals into a cookie of that browser. Sources: OpenID
// Connect Core 1.0, Discovery 1.0, Back-Channel Logout 1.0; RFC 6749, 7636, 9207, 9700.
package openid

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
)

// Faults of a trip. What exactly was wrong is in the wrapped error, for the log alone.
var (
	ErrAway    = errors.New("openid: the provider does not answer")
	ErrDenied  = errors.New("openid: the person or the provider said no")
	ErrRefused = errors.New("openid: the answer is not one to believe")
)

// Settings of one provider, as its operator wrote them.
type Settings struct {
	Name         string // in addresses and settings
	Label        string // on buttons
	Issuer       string // exactly as the provider writes it
	GitHub       bool   // OAuth as GitHub has it: no ID token
	ClientID     string
	ClientSecret secret.Text
	Domains      []string // of whose addresses its word counts, in small letters; "*": all; none: it never counts
	TrustAddress bool     // within Domains, each address that it names is its person's own: it is the directory of a company
	Factor       []string // values of amr or acr that say that a second factor was shown there; none: it never counts
}

// Trip is what the browser keeps while its person is at the provider.
type Trip struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Again    bool   `json:"a,omitempty"` // the person had to show anew who they are
}

// Ask is what a provider is asked for beside who it is.
type Ask struct {
	Again   bool   // let them sign in there anew, even when they are signed in
	Address string // of whom it will be; ""
}

// Identity is whom a provider says that it is. Issuer and Subject name them for good; all else may change.
type Identity struct {
	Issuer    string
	Subject   string
	Address   string // ""
	Verified  bool   // the address is theirs: the provider says so, of a domain that it speaks for
	Name      string // ""
	SessionID string // of the provider, named again at logout; ""
	Factor    bool   // a second factor was shown there, and the settings say that it counts
	Anew      bool   // the provider says that they signed in there just now; else it may have been any time ago
}

// algorithms are the signatures that count: none with a shared secret, and never none.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

const (
	skew     = 5 * time.Minute
	freshFor = 5 * time.Minute // since when somebody who had to sign in anew has done so
)

// Client talks to one provider. Safe for concurrent use.
type Client struct {
	Settings

	redirect string
	http     *http.Client
	now      func() time.Time

	mu       sync.Mutex // never held while the provider is asked
	found    *discovered
	foundAt  time.Time
	asked    *question[*discovered] // that is under way
	failure  error                  // of the newest question
	failedAt time.Time
}

// New makes a client. Redirect is the address to which the provider sends people back; allowed are the networks besides the public ones where it may be.
func New(s Settings, redirect string, allowed []netip.Prefix, now func() time.Time) *Client {
	return &Client{Settings: s, redirect: redirect, http: outbound.NewClient(allowed), now: now}
}

// with lets what is asked in ctx go through our client, and outlive a browser that goes away.
func (c *Client) with(ctx context.Context) context.Context {
	return oidc.ClientContext(context.WithoutCancel(ctx), c.http)
}

// Begin makes the address to which the browser goes, and the trip that it keeps. Faults: ErrAway.
func (c *Client) Begin(ctx context.Context, ask Ask) (string, Trip, error) {
	found, err := c.discover(ctx)
	if err != nil {
		return "", Trip{}, err
	}
	t := Trip{Provider: c.Name, State: secret.Token(32), Nonce: secret.Token(32), Verifier: oauth2.GenerateVerifier(), Again: ask.Again}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.Verifier)}
	if !c.GitHub {
		options = append(options, oidc.Nonce(t.Nonce))
		if ask.Again {
			options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
		}
		if ask.Address != "" {
			options = append(options, oauth2.SetAuthURLParam("login_hint", ask.Address))
		}
	}
	return found.oauth.AuthCodeURL(t.State, options...), t, nil
}

// Finish judges the answer with which the browser came back. Faults: ErrDenied, ErrRefused, ErrAway.
func (c *Client) Finish(ctx context.Context, t Trip, answer url.Values) (Identity, error) {
	if t.Provider != c.Name || t.State == "" || !hmac.Equal([]byte(answer.Get("state")), []byte(t.State)) {
		return Identity{}, refused("the state is not the one of this browser's trip to %s", c.Name)
	}
	found, err := c.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	if iss := answer.Get("iss"); iss != "" && iss != c.Issuer || iss == "" && found.issParam {
		return Identity{}, refused("the answer is one of %q", iss) // of a provider that was mixed up with this one
	}
	if code := answer.Get("error"); code != "" {
		if code == "access_denied" {
			return Identity{}, ErrDenied
		}
		return Identity{}, refused("error %q", code)
	}
	if answer.Get("code") == "" {
		return Identity{}, refused("there is no code")
	}
	token, err := found.oauth.Exchange(c.with(ctx), answer.Get("code"), oauth2.VerifierOption(t.Verifier))
	var no *oauth2.RetrieveError
	if errors.As(err, &no) && no.Response != nil && no.Response.StatusCode < http.StatusInternalServerError {
		return Identity{}, refused("the code is refused: %s", no.ErrorCode)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if c.GitHub {
		return c.githubIdentity(ctx, token.AccessToken)
	}
	return c.identity(ctx, found, t, token)
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}
