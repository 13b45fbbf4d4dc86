package openid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/testenv/idp"
)

const back = "https://portal.example/login/with/northwind/callback"

var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func settings(issuer string) openid.Settings {
	return openid.Settings{Name: "northwind", Label: "Northwind", Issuer: issuer, ClientID: idp.ClientID, ClientSecret: secret.NewText(idp.ClientSecret), Factor: []string{"mfa"}, Domains: []string{"*"}}
}

func client(issuer string) *openid.Client { return openid.New(settings(issuer), back, here, time.Now) }

func begin(t *testing.T, c *openid.Client) (*url.URL, openid.Trip) {
	t.Helper()
	address, trip, err := c.Begin(t.Context(), openid.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u, trip
}

func TestARealProviderSaysWhoSomebodyIs(t *testing.T) {
	p := idp.Start(t, back)
	p.Add("ada@northwind.example", "Ada", "Lovelace", true)
	c := client(p.Issuer)

	address, trip := begin(t, c)
	answer := p.SignIn(t, address.String(), "ada")
	id, err := c.Finish(t.Context(), trip, answer.Query())

	want := openid.Identity{Issuer: p.Issuer, Subject: "sub-ada", Address: "ada@northwind.example", Verified: true, Name: "Ada Lovelace", Anew: true}
	if err != nil || id != want {
		t.Fatalf("%+v %v", id, err)
	}
	if q := address.Query(); q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == trip.Verifier || q.Get("nonce") != trip.Nonce || q.Get("redirect_uri") != back {
		t.Error("the question lacks something:", q)
	}
	if _, err := c.Finish(t.Context(), trip, answer.Query()); !errors.Is(err, openid.ErrRefused) {
		t.Error("a code was taken twice:", err)
	}
}

func TestAnAnswerOfAnotherTripIsRefused(t *testing.T) {
	p := idp.Start(t, back)
	p.Add("ada@northwind.example", "Ada", "Lovelace", true)
	c := client(p.Issuer)
	address, mine := begin(t, c)
	_, other := begin(t, c)
	answer := p.SignIn(t, address.String(), "ada").Query()
	swapped := maps.Clone(answer)
	swapped["state"] = []string{other.State}
	mixed := maps.Clone(answer)
	mixed["iss"] = []string{"https://evil.example"}
	elsewhere := mine
	elsewhere.Provider = "google"
	challenge := mine
	challenge.Verifier = other.Verifier

	for name, err := range map[string]error{
		"another browser's state":   finish(t, c, other, answer),
		"a state that was swapped":  finish(t, c, mine, swapped),
		"no state":                  finish(t, c, openid.Trip{Provider: "northwind"}, url.Values{"code": answer["code"]}),
		"another provider's answer": finish(t, c, mine, mixed),
		"another provider's trip":   finish(t, c, elsewhere, answer),
		"no code":                   finish(t, c, mine, url.Values{"state": {mine.State}}),
		"a code of another trip":    finish(t, c, challenge, answer), // PKCE
	} {
		if !errors.Is(err, openid.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := finish(t, c, mine, url.Values{"state": {mine.State}, "error": {"access_denied"}}); !errors.Is(err, openid.ErrDenied) {
		t.Error(err)
	}
}

func finish(t *testing.T, c *openid.Client, trip openid.Trip, answer url.Values) error {
	t.Helper()
	_, err := c.Finish(t.Context(), trip, answer)
	return err
}

// liar is a provider that says whatever a test has it say.
type liar struct {
	*httptest.Server
	key      *ecdsa.PrivateKey
	more     map[string]any // of its discovery document
	token    string
	userInfo map[string]any
}

func lie(t *testing.T) *liar {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{key: key, more: map[string]any{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			d := map[string]any{"issuer": l.URL, "authorization_endpoint": l.URL + "/auth", "token_endpoint": l.URL + "/token", "jwks_uri": l.URL + "/keys", "userinfo_endpoint": l.URL + "/me", "id_token_signing_alg_values_supported": []string{"none", "HS256", "ES256"}}
			maps.Copy(d, l.more)
			_ = json.NewEncoder(w).Encode(d)
		case "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
		case "/token":
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": l.token})
		case "/me":
			_ = json.NewEncoder(w).Encode(l.userInfo)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *liar) claims(nonce string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": l.URL, "sub": "ada", "aud": idp.ClientID, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": nonce, "email": "ada@northwind.example", "email_verified": true,
	}
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestTokensThatAreNotToBeBelievedAreRefused(t *testing.T) {
	l := lie(t)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	with := func(name string, value any) func(string) string {
		return func(nonce string) string {
			c := l.claims(nonce)
			if c[name] = value; value == nil {
				delete(c, name)
			}
			return sign(t, jose.ES256, l.key, c)
		}
	}
	for name, token := range map[string]func(nonce string) string{
		"another issuer":           with("iss", "https://evil.example"),
		"an issuer with a slash":   with("iss", l.URL+"/"),
		"another audience":         with("aud", "somebody else"),
		"two audiences":            with("aud", []string{idp.ClientID, "somebody else"}),
		"another authorized party": with("azp", "somebody else"),
		"another nonce":            with("nonce", "another"),
		"no nonce":                 with("nonce", nil),
		"expired":                  with("exp", now.Add(-time.Minute).Unix()),
		"from the future":          with("iat", now.Add(time.Hour).Unix()),
		"no subject":               with("sub", ""),
		"a subject without end":    with("sub", strings.Repeat("x", 300)),
		"another key":              func(nonce string) string { return sign(t, jose.ES256, other, l.claims(nonce)) },
		"the secret as a key": func(nonce string) string {
			return sign(t, jose.HS256, []byte(strings.Repeat(idp.ClientSecret, 2)), l.claims(nonce))
		},
		"unsigned": func(nonce string) string {
			return "eyJhbGciOiJub25lIn0." + strings.Split(sign(t, jose.ES256, l.key, l.claims(nonce)), ".")[1] + "."
		},
		"none at all": func(string) string { return "" },
	} {
		c := client(l.URL)
		_, trip := begin(t, c)
		l.token = token(trip.Nonce)
		if err := finish(t, c, trip, url.Values{"state": {trip.State}, "code": {"c"}}); !errors.Is(err, openid.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := client(l.URL)
	_, trip := begin(t, c)
	l.token = sign(t, jose.ES256, l.key, l.claims(trip.Nonce))
	if err := finish(t, c, trip, url.Values{"state": {trip.State}, "code": {"c"}}); err != nil {
		t.Error("what is right is refused too:", err)
	}
}

func TestWhatAProviderSaysOfAnAddressIsReadWithCare(t *testing.T) {
	l := lie(t)
	said := func(s openid.Settings, info map[string]any, change func(map[string]any)) (openid.Identity, error) {
		c := openid.New(s, back, here, time.Now)
		_, trip := begin(t, c)
		claims := l.claims(trip.Nonce)
		change(claims)
		l.token, l.userInfo = sign(t, jose.ES256, l.key, claims), info
		return c.Finish(t.Context(), trip, url.Values{"state": {trip.State}, "code": {"c"}})
	}
	plain, trusting := settings(l.URL), settings(l.URL)
	trusting.TrustAddress = true
	unsaid := func(c map[string]any) { delete(c, "email_verified") }
	absent := func(c map[string]any) { delete(c, "email") }

	silent, err1 := said(plain, nil, unsaid)
	trusted, err2 := said(trusting, nil, unsaid)
	text, err3 := said(plain, nil, func(c map[string]any) { c["email_verified"] = "true" })
	proven, err4 := said(plain, nil, func(c map[string]any) { unsaid(c); c["xms_edov"] = 1 })
	asked, err5 := said(plain, map[string]any{"sub": "ada", "email": "a@b.example", "email_verified": false}, absent)
	_, mixed := said(plain, map[string]any{"sub": "eve", "email": "a@b.example", "email_verified": true}, absent)
	strong, err6 := said(plain, nil, func(c map[string]any) { c["amr"] = []string{"pwd", "mfa"} })
	weak, err7 := said(plain, nil, func(c map[string]any) { c["amr"] = []string{"pwd"} })

	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	if silent.Verified || !trusted.Verified || !text.Verified || !proven.Verified || asked.Verified || asked.Address != "a@b.example" {
		t.Error(silent, trusted, text, proven, asked)
	}
	if !errors.Is(mixed, openid.ErrRefused) {
		t.Error("what the endpoint says of another person counts:", mixed)
	}
	if !strong.Factor || weak.Factor {
		t.Error("second factors elsewhere:", strong, weak)
	}
}

// A15: a provider of one customer says nothing of the addresses of another.
func TestAProviderSpeaksForItsOwnDomainsAlone(t *testing.T) {
	l := lie(t)
	for _, c := range []struct {
		domains []string
		address string
		said    any
		trust   bool
		want    bool
	}{
		{[]string{"northwind.example"}, "Ada@Northwind.example", true, false, true},
		{[]string{"northwind.example"}, "ada@northwind.example", true, true, true},
		{[]string{"northwind.example"}, "ada@northwind.example", nil, true, true},
		{[]string{"northwind.example"}, "ada@northwind.example", nil, false, false},
		{[]string{"northwind.example"}, "bob@southwind.example", true, false, false},
		{[]string{"northwind.example"}, "bob@southwind.example", nil, true, false},
		{[]string{"northwind.example"}, "bob@evil.northwind.example", true, false, false},
		{[]string{"northwind.example"}, "bob@evilnorthwind.example", true, false, false},
		{[]string{"northwind.example"}, "northwind.example", true, true, false},
		{[]string{"northwind.example"}, "bob@southwind.example＠northwind.example", true, true, false},
		{nil, "ada@northwind.example", true, false, false},
		{nil, "ada@northwind.example", true, true, false},
		{[]string{"*"}, "bob@southwind.example", true, false, true},
	} {
		s := settings(l.URL)
		s.Domains, s.TrustAddress = c.domains, c.trust
		client := openid.New(s, back, here, time.Now)
		_, trip := begin(t, client)
		claims := l.claims(trip.Nonce)
		claims["email"], claims["email_verified"] = c.address, c.said
		l.token = sign(t, jose.ES256, l.key, claims)

		id, err := client.Finish(t.Context(), trip, url.Values{"state": {trip.State}, "code": {"c"}})

		if err != nil || id.Verified != c.want || id.Address != c.address {
			t.Errorf("%+v: %+v %v", c, id, err)
		}
	}
}

func TestAProviderThatIsNotItselfIsNotAsked(t *testing.T) {
	for name, change := range map[string]func(*liar){
		"another issuer":    func(l *liar) { l.more["issuer"] = "https://evil.example" },
		"no keys":           func(l *liar) { l.more["jwks_uri"] = "" },
		"a file as its end": func(l *liar) { l.more["token_endpoint"] = "file:///etc/passwd" },
	} {
		l := lie(t)
		change(l)
		if _, _, err := client(l.URL).Begin(t.Context(), openid.Ask{}); !errors.Is(err, openid.ErrAway) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := lie(t)
	if _, _, err := openid.New(settings(l.URL), back, nil, time.Now).Begin(t.Context(), openid.Ask{}); !errors.Is(err, openid.ErrAway) { // N1
		t.Error("a provider inside was asked:", err)
	}
	l.more["authorization_response_iss_parameter_supported"] = true
	c := client(l.URL)
	_, trip := begin(t, c)
	l.token = sign(t, jose.ES256, l.key, l.claims(trip.Nonce))
	if err := finish(t, c, trip, url.Values{"state": {trip.State}, "code": {"c"}}); !errors.Is(err, openid.ErrRefused) { // RFC 9207
		t.Error("an answer without its issuer was taken:", err)
	}
}

func TestOnlyALogoutTokenEndsSessions(t *testing.T) {
	l := lie(t)
	c := client(l.URL)
	good := func() map[string]any {
		now := time.Now()
		return map[string]any{"iss": l.URL, "aud": idp.ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": "j1", "sub": "ada", "sid": "s1", "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	}

	out, err := c.ParseLogout(t.Context(), sign(t, jose.ES256, l.key, good()), nil)

	if err != nil || out.Subject != "ada" || out.SessionID != "s1" || out.TokenID != "j1" || out.Issuer != l.URL {
		t.Fatal(out, err)
	}
	for name, change := range map[string]func(map[string]any){
		"a nonce, as an ID token has": func(c map[string]any) { c["nonce"] = "n" },
		"no events":                   func(c map[string]any) { delete(c, "events") },
		"another event":               func(c map[string]any) { c["events"] = map[string]any{"https://other.example": map[string]any{}} },
		"no jti":                      func(c map[string]any) { delete(c, "jti") },
		"nobody":                      func(c map[string]any) { delete(c, "sub"); delete(c, "sid") },
		"another audience":            func(c map[string]any) { c["aud"] = "x" },
		"another issuer":              func(c map[string]any) { c["iss"] = "https://evil.example" },
		"expired":                     func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
		"a life without end":          func(c map[string]any) { c["exp"] = time.Now().Add(1000 * time.Hour).Unix() },
	} {
		claims := good()
		change(claims)
		if _, err := c.ParseLogout(t.Context(), sign(t, jose.ES256, l.key, claims), nil); !errors.Is(err, openid.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGitHubSaysWhoSomebodyIs(t *testing.T) {
	addresses := `[{"email":"old@example.com","primary":false,"verified":true},{"email":"ada@example.com","primary":true,"verified":true}]`
	var sent url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/login/oauth/access_token":
			_ = r.ParseForm()
			sent = r.PostForm
			_, _ = io.WriteString(w, `{"access_token":"gho_x","token_type":"bearer","scope":"read:user,user:email"}`)
		case r.Header.Get("Authorization") != "Bearer gho_x":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/api/v3/user":
			_, _ = io.WriteString(w, `{"id":583231,"login":"ada","name":null}`)
		case r.URL.Path == "/api/v3/user/emails":
			_, _ = io.WriteString(w, addresses)
		}
	}))
	defer server.Close()
	s := settings(server.URL)
	s.GitHub = true
	c := openid.New(s, back, here, time.Now)
	address, trip := begin(t, c)
	answer := url.Values{"state": {trip.State}, "code": {"c"}}

	id, err := c.Finish(t.Context(), trip, answer)

	want := openid.Identity{Issuer: server.URL, Subject: "583231", Address: "ada@example.com", Verified: true, Name: "ada"}
	if err != nil || id != want {
		t.Fatal(id, err)
	}
	if address.Path != "/login/oauth/authorize" || sent.Get("code_verifier") != trip.Verifier || sent.Get("client_secret") != idp.ClientSecret {
		t.Error(address, sent)
	}
	addresses = strings.ReplaceAll(addresses, `"primary":true,"verified":true`, `"primary":true,"verified":false`)
	if id, err = c.Finish(t.Context(), trip, answer); err != nil || id.Address != "" || id.Verified {
		t.Error("an address that GitHub did not verify counts:", id, err)
	}
}
