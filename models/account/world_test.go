package account_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const (
	good  = "correct horse battery staple"
	other = "umbrella quiet mountain tide"
	agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
)

var firefox = account.Browser{Agent: agent}

// world is a store with everything, over a real database.
type world struct {
	t      *testing.T
	d      *db.DB
	clock  *dbtest.Clock
	root   *secret.Root
	box    *outbox.Outbox
	store  *account.Store
	mu     sync.Mutex
	salts  map[string]int // how often each salt was hashed with
	passes int            // of all hashes
	params password.Params
	log    *bytes.Buffer
	aside  func() // done once, while the next password is looked at: what it proves was read before
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock, policy config.Signup) *world {
	t.Helper()
	root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, d: d, clock: clock, root: root, box: outbox.New(root.Sealer(secret.LabelMail)), salts: map[string]int{}, log: &bytes.Buffer{}, params: password.Params{MemoryKiB: 8 * 1024, Time: 1, Threads: 1}}
	w.store = w.open(policy)
	return w
}

func (w *world) open(policy config.Signup) *account.Store {
	w.t.Helper()
	hasher, err := password.NewHasher(w.params, password.GateOptions{}, w.hash)
	if err != nil {
		w.t.Fatal(err)
	}
	return account.NewStore(account.Options{
		DB: w.d, Hasher: hasher, Sealer: w.root.Sealer(secret.LabelPassword), Signer: w.root.Signer(secret.LabelSession), Outbox: w.box,
		Link: func(path string) string { return "https://portal.example" + path }, Signup: policy, Floor: -1, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

// hash is quick and counts; the real one is tested in its own package.
func (w *world) hash(plain, salt []byte, p password.Params, keyLen uint32) []byte {
	w.mu.Lock()
	if p.Time > 0 {
		w.salts[string(salt)]++
	}
	w.passes += int(p.Time)
	aside := w.aside
	w.aside = nil
	w.mu.Unlock()
	if aside != nil {
		aside()
	}
	sum := sha256.Sum256(append(append([]byte{byte(p.Time)}, salt...), plain...))
	return sum[:keyLen]
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(newWorld(t, d, clock, config.Signup{})) })
}

func visitor() actor.Actor {
	return actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.7"), RequestID: "req_test"}
}

func elsewhere() actor.Actor {
	a := visitor()
	a.Address = netip.MustParseAddr("198.51.100.1")
	return a
}

// known is a browser where u signed in before.
func (w *world) known(u account.User) account.Browser {
	w.t.Helper()
	known, err := w.store.KnownBrowser(w.t.Context(), visitor(), u.ID, firefox)
	w.must(err)
	return account.Browser{Agent: agent, Known: known}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) is(err error, k fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, k) {
		w.t.Fatalf("got %v, want %v", err, k)
	}
}

// person adds a user with the password good.
func (w *world) person(email, staffRole string) account.User {
	w.t.Helper()
	id := db.NewID()
	sealed, err := w.store.HashPassword(w.t.Context(), id, good)
	w.must(err)
	var u account.User
	w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
		u, err = w.store.AddUser(tx, account.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed, StaffRole: staffRole})
		return err
	}))
	return u
}

// in signs u in and is then u as an actor.
func (w *world) in(u account.User, plain string) actor.Actor {
	w.t.Helper()
	_, session, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, plain, firefox)
	w.must(err)
	a := visitor()
	a.Kind, a.UserID, a.SessionID, a.StaffRole, a.Name = actor.User, u.ID, session.ID, u.StaffRole, u.Name
	return a
}

// reset sets a new password by the token of a link.
func (w *world) reset(token, plain string) error {
	_, err := w.store.Reset(w.t.Context(), visitor(), token, plain)
	return err
}

// letters are the waiting letters to an address, oldest first.
func (w *world) letters(to string) []outbox.Letter {
	w.t.Helper()
	var ids []db.ID
	w.must(w.d.Read(context.Background()).Raw("SELECT id FROM mails WHERE recipient = ? ORDER BY id", to).Scan(&ids).Error)
	out := make([]outbox.Letter, len(ids))
	for i, id := range ids {
		_, l, err := w.box.Read(context.Background(), w.d, id)
		w.must(err)
		out[i] = l
	}
	return out
}

// last is the newest letter to an address, which must be of kind.
func (w *world) last(to, kind string) outbox.Letter {
	w.t.Helper()
	all := w.letters(to)
	if len(all) == 0 || all[len(all)-1].Kind != kind {
		w.t.Fatalf("no %s for %s: %+v", kind, to, all)
	}
	return all[len(all)-1]
}

// token is the one in the link of a letter.
func token(l outbox.Letter) string {
	u, err := url.Parse(l.URL)
	if err != nil || !strings.HasPrefix(l.URL, "https://portal.example/") {
		return "not our link: " + l.URL
	}
	return u.Query().Get("token")
}

func (w *world) count(query string, args ...any) int64 {
	w.t.Helper()
	var n int64
	w.must(w.d.Read(context.Background()).Raw(query, args...).Row().Scan(&n))
	return n
}

func (w *world) acts(act string) int64 {
	w.t.Helper()
	return w.count("SELECT COUNT(*) FROM audit_events WHERE act = ?", act)
}

func encode(salt string) string { return base64.RawStdEncoding.EncodeToString([]byte(salt)) }
