package factor_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 asks for
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const good = "correct horse battery staple"

// offered is the issuer of a provider by which people sign in.
const offered = "https://login.example"

var firefox = account.Browser{Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}

// world is the two stores over a real database, and one person.
type world struct {
	*testing.T
	d        *db.DB
	clock    *dbtest.Clock
	root     *secret.Root
	box      *outbox.Outbox
	accounts *account.Store
	store    *factor.Store
	ada      account.User
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(newWorld(t, d, clock)) })
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, d: d, clock: clock, root: root, box: outbox.New(root.Sealer(secret.LabelMail))}
	w.accounts, w.store = w.replica(d)
	w.ada = w.person("ada@example.com")
	return w
}

// replica is the stores of one more process over a database.
func (w *world) replica(d *db.DB) (*account.Store, *factor.Store) {
	w.Helper()
	quick := func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, quick)
	w.must(err)
	link := func(path string) string { return "https://portal.example" + path }
	accounts := account.NewStore(account.Options{
		DB: d, Hasher: hasher, Sealer: w.root.Sealer(secret.LabelPassword), Signer: w.root.Signer(secret.LabelSession), Outbox: w.box, Link: link, Floor: -1,
	})
	return accounts, factor.NewStore(factor.Options{
		DB: d, Accounts: accounts, Sealer: w.root.Sealer(secret.LabelFactor), Outbox: w.box, Link: link, PortalName: func(context.Context) string { return "Northwind: APIs" },
		BaseURL: &url.URL{Scheme: "https", Host: "portal.example"}, Issuers: []string{offered},
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err error, k fault.Kind) {
	w.Helper()
	if !fault.Is(err, k) {
		w.Fatalf("got %v, want %v", err, k)
	}
}

func (w *world) person(email string) account.User {
	w.Helper()
	id := db.NewID()
	sealed, err := w.accounts.HashPassword(w.Context(), id, good)
	w.must(err)
	var u account.User
	w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
		u, err = w.accounts.AddUser(tx, account.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed})
		return err
	}))
	return u
}

// in signs u in by the password alone; what it returns is u as an actor, and the session's token.
func (w *world) in(u account.User) (actor.Actor, string, account.Session) {
	w.Helper()
	a := actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.7"), RequestID: "req_test"}
	token, session, err := w.accounts.SignIn(w.Context(), a, u.Email, good, firefox)
	w.must(err)
	a.Kind, a.UserID, a.SessionID, a.Name = actor.User, u.ID, session.ID, u.Name
	return a, token, session
}

// app is an authenticator app, by an implementation of its own.
type app struct {
	w    *world
	id   db.ID
	seed []byte
}

func (p app) at(t time.Time) string { return codeOf(p.seed, t.Unix()/30) }
func (p app) now() string           { return p.at(p.w.clock.Now()) }

// codeOf is RFC 4226 and RFC 6238, written from their text.
func codeOf(seed []byte, step int64) string {
	mac := hmac.New(sha1.New, seed)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// enrol sets an app up for a.
func (w *world) enrol(a actor.Actor, name string) (app, factor.Added) {
	w.Helper()
	p := w.begin(a, name)
	added, err := w.store.Confirm(w.Context(), a, p.id, p.now())
	w.must(err)
	return p, added
}

func (w *world) begin(a actor.Actor, name string) app {
	w.Helper()
	id, err := w.store.Begin(w.Context(), a, name)
	w.must(err)
	e, err := w.store.Enrolment(w.Context(), a, id)
	w.must(err)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	w.must(err)
	return app{w, id, seed}
}

// last is the newest letter to ada, which must be of kind.
func (w *world) last(kind string) outbox.Letter {
	w.Helper()
	var ids []db.ID
	w.must(w.d.Read(w.Context()).Raw("SELECT id FROM mails WHERE recipient = ? ORDER BY id DESC", w.ada.Email).Scan(&ids).Error)
	if len(ids) == 0 {
		w.Fatal("no mail")
	}
	_, l, err := w.box.Read(w.Context(), w.d, ids[0])
	w.must(err)
	if l.Kind != kind {
		w.Fatalf("the newest mail is %s, not %s", l.Kind, kind)
	}
	return l
}

func (w *world) count(query string, args ...any) int64 {
	w.Helper()
	var n int64
	w.must(w.d.Read(w.Context()).Raw(query, args...).Row().Scan(&n))
	return n
}

func (w *world) acts(act string) int64 {
	w.Helper()
	return w.count("SELECT COUNT(*) FROM audit_events WHERE act = ?", act)
}

// wrong is a code that none of the app's near now is.
func (p app) wrong() string {
	near := p.at(p.w.clock.Now().Add(-30*time.Second)) + p.now() + p.at(p.w.clock.Now().Add(30*time.Second))
	for n := range 1_000_000 {
		if code := fmt.Sprintf("%06d", n); !strings.Contains(near, code) {
			return code
		}
	}
	return ""
}
