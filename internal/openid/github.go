package openid

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
)

// GitHubIssuer is GitHub's own; another one is a GitHub Enterprise Server.
const GitHubIssuer = "https://github.com"

func (c *Client) githubOAuth() oauth2.Config {
	return oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), RedirectURL: c.redirect, Scopes: []string{"read:user", "user:email"},
		Endpoint: oauth2.Endpoint{AuthURL: c.Issuer + "/login/oauth/authorize", TokenURL: c.Issuer + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams},
	}
}

func (c *Client) githubAPI() string {
	if c.Issuer == GitHubIssuer {
		return "https://api.github.com"
	}
	return c.Issuer + "/api/v3"
}

// githubIdentity asks GitHub whose token it is. The number of an account stays; its login may become another person's. Of the addresses the primary one counts,
// and only if it is verified.
func (c *Client) githubIdentity(ctx context.Context, token string) (Identity, error) {
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	if err := c.github(ctx, "/user", token, &user); err != nil {
		return Identity{}, err
	}
	if user.ID <= 0 {
		return Identity{}, refused("GitHub names no account")
	}
	var addresses []struct {
		Address  string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := c.github(ctx, "/user/emails", token, &addresses); err != nil {
		return Identity{}, err
	}
	id := Identity{Issuer: c.Issuer, Subject: strconv.FormatInt(user.ID, 10), Name: cut(user.Name)}
	if id.Name == "" {
		id.Name = cut(user.Login)
	}
	for _, a := range addresses {
		if a.Primary && a.Verified && !strings.HasSuffix(a.Address, "@users.noreply.github.com") {
			id.Address, id.Verified = cut(a.Address), c.speaksFor(a.Address)
		}
	}
	return id, nil
}

func (c *Client) github(ctx context.Context, path, token string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.githubAPI()+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("Authorization", "Bearer "+token)
	text, err := outbound.Fetch(ctx, c.http, r)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}
