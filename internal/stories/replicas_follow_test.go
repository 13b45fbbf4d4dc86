package stories_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// second serves another house over the same database, with a ring of its own that learns of changes by asking alone; it gives its address.
func (w *timed) second(root *secret.Root) string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	w.must(err)
	other := buildWith(w.t, w.db, root, listener.Addr().String())
	server := httptest.NewUnstartedServer(other.Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	w.t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(context.Background())
	polling := make(chan struct{})
	go func() { defer close(polling); other.Loops()[0](ctx) }()
	w.t.Cleanup(func() { stop(); <-polling })
	return "http://" + listener.Addr().String()
}

// follower makes keys at one house and asks another about them.
type follower struct {
	*timed
	other string
	app   db.ID
}

func (f follower) make(name string) key.Made {
	f.t.Helper()
	made, err := f.in.Stores.Key.Create(context.Background(), f.ada, key.CreateRequest{
		Token: f.in.Stores.Key.NewFormToken(f.ada, key.CreatePurpose()), AppID: f.app, Environment: "live", Name: name, Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 90},
	})
	f.must(err)
	f.sees(made, "")
	return made
}

func (f follower) rotated(of key.Made) key.Made {
	f.t.Helper()
	made, err := f.in.Stores.Key.Rotate(context.Background(), f.ada, of.Key.ID, key.RotateRequest{Token: f.in.Stores.Key.NewFormToken(f.ada, key.RotatePurpose(of.Key.ID)), OverlapDays: 7, Expiry: key.Expiry{Days: 90}})
	f.must(err)
	f.sees(made, "")
	f.sees(of, "")
	return made
}

// sees waits until the other house refuses the key with the code; without one, until it lets it through.
func (f follower) sees(k key.Made, code string) {
	f.t.Helper()
	var got answer
	ok := await(context.Background(), func() bool {
		got = call(f.t, http.MethodGet, f.other+"/v1/whoami", k.Secret.Reveal())
		if got.status == http.StatusTooManyRequests { // the clock stands still while it is asked
			f.clock.Advance(time.Minute)
		}
		if code == "" {
			return got.status == http.StatusOK
		}
		return strings.Contains(got.body, `"`+code+`"`)
	})
	if !ok {
		f.t.Errorf("%s: the other house says %s, want %q", k.Key.Name, got, code)
	}
}

// K7, K9, K10, D5: whatever stops a key at one house, the ring of another learns by asking what changed.
func TestTheOtherHouseFollowsRotationsLeaksPoliciesAndBulkActs(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			w := newTimed(t, dialect)
			ctx, s := context.Background(), w.in.Stores
			var apps []db.ID
			w.must(w.db.Read(ctx).Raw("SELECT id FROM apps WHERE name = 'Order tracker'").Scan(&apps).Error)
			f := follower{timed: w, other: w.second(w.root), app: apps[0]}

			old := f.make("Undone")
			next := f.rotated(old)
			w.must(s.Rotation.Undo(ctx, w.ada, old.Key.ID, true))
			f.sees(next, "REVOKED")
			f.sees(old, "")

			next = f.rotated(old)
			w.must(s.Rotation.Retire(ctx, w.ada, old.Key.ID, nil))
			f.sees(old, "EXPIRED")
			f.sees(next, "")

			leaked := f.make("Leaked")
			real, err := s.Leak.Deliver(ctx, []byte("body"), []leak.Match{{Token: leaked.Secret.Reveal()}})
			if err != nil || len(real) != 1 || !real[0] {
				t.Fatal(real, err)
			}
			f.sees(leaked, "PAUSED")
			w.must(s.Leak.Resume(ctx, w.ada, leaked.Key.ID, leak.Decision{Seen: 1, Word: "a test"}))
			f.sees(leaked, "")

			idle := f.make("Idle")
			api, err := s.Catalog.BySlug(ctx, w.ada, "orders")
			w.must(err)
			w.must(s.Policy.Save(ctx, w.ada, policy.Source{Kind: policy.API, ID: api.ID}, policy.Rules{IdleDays: new(30)}))
			for range 32 {
				w.clock.Advance(24 * time.Hour)
				w.must(s.Enforcement.Enforce(ctx))
			}
			f.sees(idle, "PAUSED")
			f.bulk(idle)
		})
	}
}

// jobs does the jobs of a kind that wait, and those that they leave.
func (f follower) jobs(kind string, do func(context.Context, json.RawMessage) error) {
	f.t.Helper()
	for {
		var ids, payloads []string
		q := " FROM jobs WHERE kind = ? AND finished_at IS NULL ORDER BY id LIMIT 1"
		f.must(f.db.Read(context.Background()).Raw("SELECT CAST(id AS TEXT)"+q, kind).Scan(&ids).Error)
		f.must(f.db.Read(context.Background()).Raw("SELECT payload"+q, kind).Scan(&payloads).Error)
		if len(ids) == 0 {
			return
		}
		f.must(do(context.Background(), json.RawMessage(payloads[0])))
		f.must(f.db.Tx(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE jobs SET finished_at = ? WHERE CAST(id AS TEXT) = ?", tx.Now, ids[0])
			return err
		}))
	}
}

// bulk revokes many at once, also what a policy paused.
func (f follower) bulk(idle key.Made) {
	f.t.Helper()
	ctx, s := context.Background(), f.in.Stores
	fresh := f.make("Fresh")
	id, err := s.Bulk.Preview(ctx, f.ada, bulk.Wish{Verb: key.Revoking, Filter: key.Filter{Scope: "orders:read"}})
	f.must(err)
	f.must(s.Bulk.Start(ctx, f.ada, id, "a drill"))
	f.jobs(bulk.JobKind, s.Bulk.Job)
	f.sees(idle, "REVOKED")
	f.sees(fresh, "REVOKED")
}
