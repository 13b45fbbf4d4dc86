package openid

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	discoveryAge = 24 * time.Hour
	failureAge   = 30 * time.Second // so long a provider that did not answer is not asked again
)

// discovered is what a provider tells of itself.
type discovered struct {
	provider *oidc.Provider
	keys     *keys // by which it signs
	oauth    oauth2.Config
	issParam bool // it names itself in its answers (RFC 9207)
}

// question is one that a provider is being asked; found and err count once done is closed.
type question[T any] struct {
	done  chan struct{}
	found T
	err   error
}

// wait gives the answer. Faults: ErrAway when ctx ends before, and the question's.
func (q *question[T]) wait(ctx context.Context) (found T, err error) {
	select {
	case <-q.done:
		return q.found, q.err
	case <-ctx.Done():
		return found, fmt.Errorf("%w: %w", ErrAway, context.Cause(ctx))
	}
}

// discover is what the provider tells of itself, read once a day. What it told before stands while it is asked anew, and when it does not answer; who has nothing yet
// waits for the one question that is under way, until ctx ends. Faults: ErrAway, at once for a while after it did not answer.
func (c *Client) discover(ctx context.Context) (*discovered, error) {
	if c.GitHub {
		return &discovered{oauth: c.githubOAuth()}, nil
	}
	found, asked, failure := c.known(ctx)
	switch {
	case found != nil:
		return found, nil
	case asked == nil:
		return nil, failure
	}
	return asked.wait(ctx)
}

// known is what is known of the provider without waiting: what it told, the question that is under way, or the failure that it is left alone for. It has the
// question asked when it is due, one at a time.
func (c *Client) known(ctx context.Context) (*discovered, *question[*discovered], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	stale := c.found == nil || now.Sub(c.foundAt) >= discoveryAge
	resting := c.failure != nil && now.Sub(c.failedAt) < failureAge
	if stale && !resting && c.asked == nil {
		c.asked = &question[*discovered]{done: make(chan struct{})}
		go c.answer(c.with(ctx), c.asked) // others wait for it too, so it outlives who came first; outbound.Timeout bounds it
	}
	return c.found, c.asked, c.failure
}

// answer asks the question, and keeps what came of it.
func (c *Client) answer(ctx context.Context, q *question[*discovered]) {
	q.found, q.err = c.ask(ctx)
	if q.err != nil {
		q.err = fmt.Errorf("%w: %w", ErrAway, q.err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.asked, c.failure, c.failedAt = nil, q.err, now
	if q.err == nil {
		if c.found != nil && c.found.keys.address == q.found.keys.address {
			q.found.keys = c.found.keys // what is held of them, and when they were asked for
		}
		c.found, c.foundAt = q.found, now
	}
	close(q.done)
}

func (c *Client) ask(ctx context.Context) (*discovered, error) {
	provider, err := oidc.NewProvider(ctx, c.Issuer) // which holds the issuer to be exactly this one
	if err != nil {
		return nil, err
	}
	var more struct {
		JWKS     string   `json:"jwks_uri"`
		Methods  []string `json:"token_endpoint_auth_methods_supported"`
		IssParam bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, more.JWKS} {
		if !c.safe(address) {
			return nil, fmt.Errorf("%q is no address for secrets", address)
		}
	}
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // tried out, it would send the code twice
	if len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	signing := &keys{address: more.JWKS, http: c.http, now: c.now}
	return &discovered{provider: provider, keys: signing, issParam: more.IssParam, oauth: oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Endpoint: endpoint, RedirectURL: c.redirect, Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}}, nil
}

// safe reports whether an endpoint is reached as safely as the issuer is.
func (c *Client) safe(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(c.Issuer, "http://"))
}
