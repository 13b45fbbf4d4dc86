package openid

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// claims are those of an ID token, and of the answer of the UserInfo endpoint, that are read.
type claims struct {
	AuthorizedParty string   `json:"azp"`
	SessionID       string   `json:"sid"`
	AuthTime        int64    `json:"auth_time"`
	Methods         []string `json:"amr"`
	Class           string   `json:"acr"`
	Name            string   `json:"name"`
	Address         string   `json:"email"`
	Verified        yes      `json:"email_verified"`
	OwnDomain       yes      `json:"xms_edov"` // of Microsoft: the address is at a domain that its directory has proven
}

// yes is a boolean as providers write it: true, "true", 1 or "1".
type yes bool

func (y *yes) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", `"true"`, `"True"`, "1", `"1"`:
		*y = true
	}
	return nil
}

// Most characters of what a provider says.
const (
	longestSubject = 255
	longestText    = 254
)

// verifier judges one token; what it finds wrong is for judge.fault.
func (c *Client) verifier(found *discovered, mayAsk func() error) (*oidc.IDTokenVerifier, *judge) {
	all := make([]string, len(algorithms))
	for i, a := range algorithms {
		all[i] = string(a)
	}
	j := &judge{keys: found.keys, mayAsk: mayAsk}
	return oidc.NewVerifier(c.Issuer, j, &oidc.Config{ClientID: c.ClientID, SupportedSigningAlgs: all, Now: c.now}), j
}

// identity reads the ID token of an answer, and the UserInfo endpoint for what is not in it.
func (c *Client) identity(ctx context.Context, found *discovered, t Trip, token *oauth2.Token) (Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	verifier, j := c.verifier(found, nil)
	id, err := verifier.Verify(c.with(ctx), raw) // signature, issuer, audience, times
	if err != nil {
		return Identity{}, j.fault(err)
	}
	var said claims
	if err := id.Claims(&said); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch {
	case t.Nonce == "" || !hmac.Equal([]byte(id.Nonce), []byte(t.Nonce)):
		return Identity{}, refused("the nonce is not that of the trip")
	case (len(id.Audience) > 1 || said.AuthorizedParty != "") && said.AuthorizedParty != c.ClientID:
		return Identity{}, refused("the token was issued to another party")
	case id.IssuedAt.After(c.now().Add(skew)):
		return Identity{}, refused("the token was issued in the future")
	case id.Subject == "" || len(id.Subject) > longestSubject || len(said.SessionID) > longestSubject:
		return Identity{}, refused("the subject is empty or too long")
	case t.Again && !c.anew(said):
		return Identity{}, refused("the provider does not say that the person signed in anew") // OpenID Connect Core 1.0, section 2: auth_time is there when max_age was asked
	}
	if said.Address == "" {
		if said, err = c.userInfo(ctx, found, token, id.Subject, said); err != nil {
			return Identity{}, err
		}
	}
	return Identity{
		Anew: c.anew(said), Issuer: id.Issuer, Subject: id.Subject, Address: cut(said.Address), Name: cut(said.Name), SessionID: said.SessionID,
		Verified: c.speaksFor(said.Address) && (bool(said.Verified) || bool(said.OwnDomain) || c.TrustAddress),
		Factor:   slices.ContainsFunc(append(said.Methods, said.Class), func(v string) bool { return v != "" && slices.Contains(c.Factor, v) }),
	}, nil
}

// anew reports whether the person signed in at the provider just now, and not some time ago in a browser that was left open.
func (c *Client) anew(said claims) bool {
	return said.AuthTime != 0 && c.now().Sub(time.Unix(said.AuthTime, 0)) <= freshFor
}

// userInfo adds to what a token said who its person is. The endpoint's answer counts when it is about the same subject.
func (c *Client) userInfo(ctx context.Context, found *discovered, token *oauth2.Token, subject string, said claims) (claims, error) {
	if !c.safe(found.provider.UserInfoEndpoint()) {
		return said, nil
	}
	info, err := found.provider.UserInfo(c.with(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return said, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if info.Subject != subject {
		return said, refused("the endpoint tells of another person than the token")
	}
	var more struct {
		Name     string `json:"name"`
		Address  string `json:"email"`
		Verified yes    `json:"email_verified"`
	}
	if err := info.Claims(&more); err != nil {
		return said, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	said.Address, said.Verified = more.Address, more.Verified
	if said.Name == "" {
		said.Name = more.Name
	}
	return said, nil
}

// speaksFor reports whether the provider's word counts of an address: it is at one of its domains, to the letter.
func (c *Client) speaksFor(address string) bool {
	at := strings.LastIndexByte(address, '@')
	return at > 0 && (slices.Contains(c.Domains, "*") || slices.Contains(c.Domains, strings.ToLower(address[at+1:])))
}

// cut drops what is too long to be an address or a name.
func cut(text string) string {
	if len(text) > longestText {
		return ""
	}
	return text
}

// Logout is whose sessions end: all of a subject, or one by its id; both may be named.
type Logout struct {
	Issuer, Subject, SessionID string
	TokenID                    string
	ExpiresAt                  time.Time
}

// ParseLogout judges a logout token (Back-Channel Logout 1.0, section 2.6) but for whether it came before. Anybody can send one: mayAsk is asked before a token that is signed by
// no key that is known has the provider asked for its keys, unless these have to be read anyway. Faults: ErrRefused, ErrAway, those of mayAsk.
func (c *Client) ParseLogout(ctx context.Context, raw string, mayAsk func() error) (Logout, error) {
	if c.GitHub {
		return Logout{}, refused("GitHub has no logout tokens")
	}
	found, err := c.discover(ctx)
	if err != nil {
		return Logout{}, err
	}
	verifier, j := c.verifier(found, mayAsk)
	token, err := verifier.VerifyLogout(c.with(ctx), raw) // signature, issuer, audience, times, events, no nonce, jti, sub or sid
	if err != nil {
		return Logout{}, j.fault(err)
	}
	var said struct {
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := token.Claims(&said); err != nil || said.Events["http://schemas.openid.net/event/backchannel-logout"] == nil {
		return Logout{}, refused("the token tells of no logout")
	}
	now := c.now()
	if token.IssuedAt.After(now.Add(skew)) || token.Expiry.After(now.Add(discoveryAge)) || len(token.TokenID) > longestSubject || len(token.Subject) > longestSubject || len(token.SessionID) > longestSubject {
		return Logout{}, refused("the token is from the future, lives too long, or names are too long")
	}
	return Logout{Issuer: token.Issuer, Subject: token.Subject, SessionID: token.SessionID, TokenID: token.TokenID, ExpiresAt: token.Expiry}, nil
}
