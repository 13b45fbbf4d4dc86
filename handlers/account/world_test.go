package account_test

import (
	"context"
	"crypto/sha256"
	"net/url"
	"strings"
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const (
	good  = "correct horse battery staple"
	other = "umbrella quiet mountain tide"
)

// world is a site with the routes of the area, its store and its mails.
type world struct {
	*webtest.Site
	t     *testing.T
	store *account.Store
	box   *outbox.Outbox
}

// begin serves the area on SQLite; a zero policy is open, and mail is handed out.
func begin(t *testing.T, policy config.SignupPolicy) *world {
	t.Helper()
	return serve(t, policy, true)
}

func serve(t *testing.T, policy config.SignupPolicy, byHand bool, more ...func(r *web.Registrar)) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, func(plain, salt []byte, _ password.Params, n uint32) []byte {
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...)) // quick; the real one is tested in its own package
		return sum[:n]
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, box: outbox.New(root.Sealer(secret.LabelMail))}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		w.store = account.NewStore(account.Options{
			DB: d, Hasher: hasher, Sealer: root.Sealer(secret.LabelPassword), Signer: root.Signer(secret.LabelSession), Outbox: w.box,
			Link: k.Link, Signup: config.Signup{Policy: policy, Domains: []string{"example.org"}}, Floor: -1,
		})
		k.Accounts = w.store
		handlers.New(k, w.store, byHand).Routes(r)
		for _, add := range more {
			add(r)
		}
	})
	w.must(d.Tx(context.Background(), func(tx *db.Tx) error {
		return setting.Put(tx, setting.PortalName, setting.Portal{Name: "Gatehouse", SetUpAt: &tx.Now})
	}))
	return w
}

// member adds a user with the password good.
func (w *world) member(email, staffRole string) account.User {
	w.t.Helper()
	id := db.NewID()
	sealed, err := w.store.HashPassword(context.Background(), id, good)
	w.must(err)
	var u account.User
	w.must(w.DB.Tx(context.Background(), func(tx *db.Tx) error {
		u, err = w.store.AddUser(tx, account.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed, StaffRole: staffRole})
		return err
	}))
	return u
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// last is the newest letter to an address, and its id as pages show it.
func (w *world) last(to string) (outbox.Letter, string) {
	w.t.Helper()
	var ids []db.ID
	w.must(w.DB.Read(context.Background()).Raw("SELECT id FROM mails WHERE recipient = ? ORDER BY id DESC", to).Scan(&ids).Error)
	if len(ids) == 0 {
		w.t.Fatal("no mail to " + to)
	}
	_, l, err := w.box.Read(context.Background(), w.DB, ids[0])
	w.must(err)
	return l, ids[0].Show("mail")
}

// path is the link of a letter without the host, which must be the configured one (W6).
func (w *world) path(l outbox.Letter) string {
	w.t.Helper()
	rest, ok := strings.CutPrefix(l.URL, w.URL)
	if !ok {
		w.t.Fatal("not our link: " + l.URL)
	}
	return rest
}

func tokenOf(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return ""
	}
	return u.Query().Get("token")
}

func (w *world) want(p webtest.Page, status int, parts ...string) {
	w.t.Helper()
	if p.Status != status {
		w.t.Fatalf("%d %s, want %d: %s", p.Status, p.Location, status, p.Body)
	}
	for _, part := range parts {
		if !strings.Contains(p.Body, part) {
			w.t.Fatalf("lacks %q: %s", part, p.Body)
		}
	}
}

func (w *world) leads(p webtest.Page, to string) {
	w.t.Helper()
	if p.Status != 303 || p.Location != to {
		w.t.Fatalf("%d %s, want 303 %s: %s", p.Status, p.Location, to, p.Body)
	}
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func signUp() url.Values {
	return form("name", "Ada Lovelace", "email", "ada@example.com", "password", good)
}

func contains(body, part string) bool { return strings.Contains(body, part) }
