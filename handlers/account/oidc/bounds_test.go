package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A15, Z8: the provider of one customer names an address of another, verified as it says: nothing is made of it before a mail showed that it is theirs.
func TestAProviderMakesNoAccountAtADomainThatIsNotItsOwn(t *testing.T) {
	w := begin(t)
	w.idp.Add("eve@southwind.example", "Eve", "Southwind", true)
	eve := w.Visitor()

	w.leads(w.trip(eve, "/login/with/northwind", "eve"), "/login/visit")

	w.want(eve.Get("/login/visit"), 200, "A mail has to show first that the address is yours.")
	w.want(eve.Post("/login/visit/create", form("name", "Eve")), 409)
	var users int64
	w.must(w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM users WHERE email = 'eve@southwind.example'").Scan(&users).Error)
	if users != 0 {
		t.Error("there is an account of an address that nobody showed to be theirs")
	}
	w.leads(eve.Post("/login/visit/mail", nil), "/login/visit")
	_, token, _ := strings.Cut(w.mailed("eve@southwind.example"), "token=")
	w.leads(eve.Post("/login/visit/proof", form("token", token)), "/login/visit")
	w.leads(eve.Post("/login/visit/create", form("name", "Eve")), "/console")
}

// fill uses up every limit that was begun.
func (w *world) fill() {
	w.t.Helper()
	w.must(w.DB.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE throttles SET taken = 1000000")
		return err
	}))
}

// L7.
func TestSettingOutIsCounted(t *testing.T) {
	w := begin(t)
	c := w.Visitor()
	if p := c.Get("/login/with/northwind"); p.Status != 303 {
		t.Fatal(p.Status)
	}
	w.fill()

	w.want(c.Get("/login/with/northwind"), 429)
}

// S4: who is signed out there is signed out here, whatever anybody else sent from the same network.
func TestJunkKeepsNoLogoutTokenOut(t *testing.T) {
	w := begin(t)
	c, program := w.Visitor(), w.Visitor()
	w.trip(c, "/login/with/northwind", "ada")
	w.leads(c.Post("/login/visit/create", form("name", "Ada")), "/console")
	junk := func(i int) int {
		return program.Post("/login/with/northwind/logout", form("logout_token", fmt.Sprint("x.y.", i))).Status
	}
	if first := junk(0); first != 400 {
		t.Fatal(first)
	}
	w.fill()

	full := junk(1)
	good := program.Post("/login/with/northwind/logout", form("logout_token", w.idp.LogoutToken(t, "ada", nil)))

	if full != 429 || good.Status != 200 {
		t.Error(full, good.Status, good.Body)
	}
	w.want(c.Get("/console"), 401)
}

// forged is a token by a key that no provider has.
func (w *world) forged() string {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "forged"}}, nil)
	w.must(err)
	signed, err := signer.Sign([]byte(`{"x":1}`))
	w.must(err)
	token, err := signed.CompactSerialize()
	w.must(err)
	return token
}

// L7, S4: a token that would have the provider asked for its keys is counted before that, and while the provider is left alone it is not called wrong.
func TestAForgedLogoutTokenIsCountedBeforeTheProviderIsAsked(t *testing.T) {
	w := begin(t)
	program := w.Visitor()
	send := func() int {
		return program.Post("/login/with/northwind/logout", form("logout_token", w.forged())).Status
	}
	cold := send() // the keys have to be read anyway
	w.fill()

	full := send()
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE throttles SET taken = 0")
		return err
	}))
	rests := send()

	var taken int
	w.must(w.DB.Read(t.Context()).Raw("SELECT SUM(taken) FROM throttles").Scan(&taken).Error)
	if cold != 400 || full != 429 || rests != 503 || taken != 1 {
		t.Error(cold, full, rests, taken)
	}
}
