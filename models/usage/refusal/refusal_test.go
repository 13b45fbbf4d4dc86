package refusal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

var bg = context.Background()

type world struct {
	*usagetest.World
	store    *refusal.Store
	recorder *refusal.Recorder
	clock    *dbtest.Clock
	gate     actor.Actor // a member of the publisher
	key      db.ID
	text     string
	t        *testing.T
	n        int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{World: usagetest.New(t, d), clock: clock, t: t}
	keys := key.NewStore(key.Options{DB: d, Root: w.Root, Brand: "gk", Link: func(p string) string { return p }})
	w.store, w.recorder = refusal.NewStore(d, keys), refusal.NewRecorder(d, nil)
	w.gate = w.AddPerson("gatekeeper", "")
	w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.Publisher, w.gate.UserID, clock.Now())
	w.key, w.text = w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	return w
}

// refused is a refusal of the app's key at the publisher's API.
func (w *world) refused(cause keyring.Cause, code keyring.Code) refusal.Record {
	w.n++
	return refusal.Record{
		RequestID: fmt.Sprintf("req_%016d", w.n), At: w.clock.Now(), Key: keyring.ID(w.key), App: keyring.ID(w.App), Org: keyring.ID(w.Org), API: keyring.ID(w.Orders),
		Publisher: keyring.ID(w.Publisher), Environment: keyring.Live, Door: refusal.Authz, Code: code.String(), Cause: cause, Status: 403, Method: "POST", Path: "/v2/orders",
		Address: "203.0.113.0/24", Seen: keyring.Seen{Networks: []string{"10.0.0.0/8"}, Granted: []string{"orders:read"}},
	}
}

// hand hands a refusal over, as the edge does; it reports whether it was wanted.
func (w *world) hand(r refusal.Record) bool {
	s := refusal.Subject{App: r.App, Org: r.Org, API: r.API, Publisher: r.Publisher, Code: r.Code}
	wanted := w.recorder.Wants(r.At, &s)
	if wanted {
		w.recorder.Put(r)
	}
	return wanted
}

func (w *world) flush() {
	w.t.Helper()
	if err := w.recorder.Flush(bg); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) list(v refusal.View) []refusal.Refusal {
	w.t.Helper()
	page, err := w.store.List(bg, v, db.PageRequest{Size: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Rows
}

func (w *world) leftOut(v refusal.View) int64 {
	w.t.Helper()
	n, err := w.store.LeftOut(bg, v)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, newWorld(t, d, clock)) })
}

func TestRefusalOpensByItsRequestForThoseItConcernsAlone(t *testing.T) { // Z1, Z2, D3
	each(t, func(t *testing.T, w *world) {
		suspended, scope := w.refused(keyring.AppSuspended, keyring.Suspended), w.refused(keyring.RouteScopeMissing, keyring.InsufficientScope)
		w.hand(suspended)
		w.hand(scope)
		w.flush()
		open := func(a actor.Actor, everything bool, request string) refusal.Refusal {
			r, err := w.store.Open(bg, refusal.View{Actor: a, Everything: everything}, request)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}

		holder, staff := open(w.Person, false, suspended.RequestID), open(w.Staff, true, suspended.RequestID)
		publisher, told := open(w.gate, false, suspended.RequestID), open(w.gate, false, scope.RequestID)

		for name, r := range map[string]refusal.Refusal{"holder": holder, "staff": staff} {
			if !r.Own || r.Why() != keyring.AppSuspended || r.KeyName != "Worker" || r.KeyHint == "" || len(r.Seen.Networks) != 1 || r.APISlug != "orders" || r.AppName != "Northwind shop" {
				t.Errorf("%s sees %+v", name, r)
			}
		}
		if publisher.Own || publisher.Cause != "" || publisher.KeyHint != "" || publisher.Seen.Networks != nil || publisher.KeyName != "Worker" || publisher.MayManageKey {
			t.Errorf("the publisher sees %+v", publisher)
		}
		if told.Why() != keyring.RouteScopeMissing || told.Seen.Granted[0] != "orders:read" {
			t.Errorf("the publisher is not told why: %+v", told)
		}
		if !holder.MayManageKey || !holder.MayAskAccess {
			t.Error("the owner may not act")
		}
		for _, request := range []string{suspended.RequestID, "req_9999999999999999", "junk", ""} {
			if _, err := w.store.Open(bg, refusal.View{Actor: w.Stranger}, request); !fault.Is(err, fault.NotFound) || err.Error() != fault.Missing().Error() {
				t.Errorf("a stranger opens %q: %v", request, err)
			}
		}
		if got := w.list(refusal.View{Actor: w.Stranger}); len(got) != 0 {
			t.Error("a stranger lists", got)
		}
		if _, err := w.store.List(bg, refusal.View{Actor: w.Person, Everything: true}, db.PageRequest{}); !fault.Is(err, fault.Forbidden) {
			t.Error("everything, for a developer:", err)
		}
	})
}

func TestPublisherLearnsNothingOfAKeyThatIsUnknownThere(t *testing.T) { // D3
	each(t, func(t *testing.T, w *world) {
		foreign := w.refused(keyring.ForeignKey, keyring.NotFound)
		w.hand(foreign)
		unknown := w.refused(keyring.UnknownKey, keyring.NotFound)
		unknown.Key, unknown.App, unknown.Org, unknown.Seen = keyring.ID{}, keyring.ID{}, keyring.ID{}, keyring.Seen{}
		w.hand(unknown)
		w.flush()

		seen := w.list(refusal.View{Actor: w.gate})
		byKey := w.list(refusal.View{Actor: w.gate, Key: w.key})
		byApp := w.list(refusal.View{Actor: w.gate, App: w.App})
		own := w.list(refusal.View{Actor: w.Person})

		if len(seen) != 2 || len(byKey)+len(byApp) != 0 {
			t.Fatal(seen, byKey, byApp)
		}
		for i := range seen {
			seen[i].ID, seen[i].RequestID = db.ID{}, ""
		}
		if fmt.Sprint(seen[0]) != fmt.Sprint(seen[1]) || seen[0].KeyName != "" || !seen[0].KeyID.IsZero() || !seen[0].OrganizationID.IsZero() {
			t.Errorf("told apart: %+v", seen)
		}
		if len(own) != 1 || own[0].Why() != keyring.ForeignKey || own[0].KeyName != "Worker" || own[0].APISlug != "" || !own[0].APIID.IsZero() {
			t.Errorf("the holder sees %+v", own)
		}
		if all := w.list(refusal.View{Actor: w.Staff, Everything: true}); len(all) != 2 {
			t.Error("staff see", all)
		}
	})
}

func TestStormIsSampledAndTheRestCounted(t *testing.T) { // L1, REL-8
	each(t, func(t *testing.T, w *world) {
		const storm = 100_000
		kept := 0
		storming := w.refused(keyring.PlanRate, keyring.RateLimited)
		for range storm {
			w.n++
			storming.RequestID = fmt.Sprintf("req_%016d", w.n)
			if w.hand(storming) {
				kept++
			}
		}
		other := w.refused(keyring.KeyPaused, keyring.Paused)
		if !w.hand(other) {
			t.Error("a storm of one code takes the room of another")
		}
		w.flush()

		if kept != refusal.MostOfOne {
			t.Errorf("%d kept", kept)
		}
		for name, v := range map[string]refusal.View{
			"holder": {Actor: w.Person}, "publisher": {Actor: w.gate}, "staff": {Actor: w.Staff, Everything: true}, "app": {Actor: w.Person, App: w.App},
			"code": {Actor: w.Person, Code: "RATE_LIMITED", Since: w.clock.Now()},
		} {
			if got := w.leftOut(v); got != storm-refusal.MostOfOne {
				t.Errorf("%s: %d left out", name, got)
			}
		}
		for _, v := range []refusal.View{{Actor: w.Stranger}, {Actor: w.Person, Code: "PAUSED"}, {Actor: w.Person, Since: w.clock.Now().Add(time.Hour)}} {
			if got := w.leftOut(v); got != 0 {
				t.Errorf("%+v: %d left out", v, got)
			}
		}
		w.clock.Advance(time.Minute)
		if storming.At, storming.RequestID = w.clock.Now(), "req_aaaaaaaaaaaaaaaa"; !w.hand(storming) {
			t.Error("nothing is kept of the next minute")
		}
	})
}

func TestStormOfManyAppsIsBoundedInAll(t *testing.T) { // L1
	each(t, func(t *testing.T, w *world) {
		kept := 0
		for i := range 20_000 {
			r := w.refused(keyring.UnknownKey, keyring.NotFound)
			r.App, r.Org = keyring.ID(db.NewID()), keyring.ID{byte(i % 16)}
			if i%2 == 0 {
				r.App[0] = byte(i) // few of them, often
				r.App = keyring.ID{r.App[0]}
			}
			if w.hand(r) {
				kept++
			}
		}
		w.flush()

		total := w.leftOut(refusal.View{Actor: w.Staff, Everything: true})
		if kept > refusal.MostOfAll || kept == 0 || int64(kept)+total != 20_000 {
			t.Errorf("%d kept, %d left out", kept, total)
		}
	})
}

func TestRefusalsWaitWhileTheDatabaseIsAwayAndCountOnce(t *testing.T) { // REL-8
	each(t, func(t *testing.T, w *world) {
		gone, cancel := context.WithCancel(bg)
		cancel()
		first := w.refused(keyring.KeyPaused, keyring.Paused)
		w.hand(first)
		for range refusal.MostOfOne {
			w.hand(w.refused(keyring.KeyPaused, keyring.Paused))
		}

		err := w.recorder.Flush(gone)
		w.hand(w.refused(keyring.KeyExpired, keyring.Expired))
		w.flush()
		w.recorder.Put(first) // as when the answer to a commit was lost
		w.flush()

		if err == nil {
			t.Error("a database that is away took them")
		}
		if got := w.list(refusal.View{Actor: w.Person}); len(got) != refusal.MostOfOne+1 {
			t.Error(len(got), "rows")
		}
		if n := w.leftOut(refusal.View{Actor: w.Person}); n != 1 {
			t.Error(n, "left out")
		}
	})
}

func TestWhatWasLeftOutCountsOnceWhenACommitsAnswerIsLost(t *testing.T) { // REL-4
	each(t, func(t *testing.T, w *world) {
		for range refusal.MostOfOne + 5 {
			w.hand(w.refused(keyring.KeyPaused, keyring.Paused))
		}

		err := w.recorder.FlushLosingTheAnswer(bg)
		unsure := w.recorder.State()
		w.hand(w.refused(keyring.KeyPaused, keyring.Paused))
		w.flush()
		w.flush()

		if got := w.list(refusal.View{Actor: w.Person}); err != nil || len(got) != refusal.MostOfOne {
			t.Error(len(got), "rows", err)
		}
		if n := w.leftOut(refusal.View{Actor: w.Person}); n != 6 {
			t.Error(n, "left out, not 6")
		}
		if got := w.recorder.State(); unsure.Waiting != refusal.MostOfOne || unsure.Kept != 0 || got != (refusal.State{Kept: refusal.MostOfOne, LeftOut: 6}) {
			t.Errorf("%+v, then %+v", unsure, got)
		}
	})
}

func TestNoSecretIsKept(t *testing.T) { // K1
	each(t, func(t *testing.T, w *world) {
		r := w.refused(keyring.RouteUndeclared, keyring.InsufficientScope)
		escaped := strings.ReplaceAll(w.text, "_", "%5F")
		r.Path, r.Origin, r.Method = "/v2/"+strings.Repeat("a", 480)+"/"+w.text, "https://"+w.text+".example", "GE\x00T\xff"
		r.Detail, r.Seen.Needed, r.Seen.Missing = "Not "+w.text, []string{w.text, "x\x00"}, w.text
		w.hand(r)
		again := w.refused(keyring.RouteUndeclared, keyring.InsufficientScope)
		again.Path = "/v2/" + escaped
		w.hand(again)
		w.flush()

		var rows []map[string]any
		if err := w.DB.Read(bg).Raw("SELECT * FROM refusals").Scan(&rows).Error; err != nil || len(rows) != 2 {
			t.Fatal(err, rows)
		}
		all := fmt.Sprint(rows)
		for _, secret := range []string{w.text, w.text[:20], escaped} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is kept", secret)
			}
		}
		if got := w.list(refusal.View{Actor: w.Person}); len(got) != 2 || len(got[1].Path) > 520 {
			t.Error(got)
		}
	})
}

func TestRefusalsAreKeptForSevenDaysAndWithinABound(t *testing.T) { // M5
	each(t, func(t *testing.T, w *world) {
		w.hand(w.refused(keyring.KeyPaused, keyring.Paused))
		for range refusal.MostOfOne {
			w.hand(w.refused(keyring.KeyPaused, keyring.Paused))
		}
		w.flush()
		w.clock.Advance(refusal.Keep + time.Minute)
		late := w.refused(keyring.KeyPaused, keyring.Paused)
		_, early := w.store.Open(bg, refusal.View{Actor: w.Person}, "req_0000000000000001")
		var ours []string
		for range 5 {
			r := w.refused(keyring.KeyPaused, keyring.Paused)
			ours = append(ours, r.RequestID)
			w.hand(r)
			w.clock.Advance(time.Second)
		}
		w.hand(late)
		w.flush()

		if err := w.store.Sweep(bg); err != nil {
			t.Fatal(err)
		}
		kept, left := len(w.list(refusal.View{Actor: w.Person})), w.leftOut(refusal.View{Actor: w.Person})
		if err := w.store.SweepTo(bg, 100, 2); err != nil {
			t.Fatal(err)
		}
		bounded := w.list(refusal.View{Actor: w.Person})

		if !fault.Is(early, fault.NotFound) {
			t.Error("one that is due to go opens:", early)
		}
		if kept != 6 || left != 0 {
			t.Error(kept, "kept,", left, "left out")
		}
		if len(bounded) != 2 || bounded[0].RequestID != ours[4] {
			t.Error("beyond the bound stay", bounded)
		}
	})
}

// L1: who storms, with keys or without any, takes the room of nobody else: neither in a minute nor in a week.
func TestStormOfOneOrganizationLeavesOthersTheirs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own := w.refused(keyring.KeyPaused, keyring.Paused)
		w.hand(own)
		for _, storming := range []keyring.ID{{}, keyring.ID(w.Publisher)} {
			kept := 0
			for range 2 * refusal.MostOfOrg {
				r := w.refused(keyring.UnknownKey, keyring.NotFound)
				r.App, r.Org = keyring.ID(db.NewID()), storming
				if w.hand(r) {
					kept++
				}
			}
			if kept != refusal.MostOfOrg {
				t.Errorf("%v: %d kept in a minute", storming, kept)
			}
		}
		if !w.hand(w.refused(keyring.KeyExpired, keyring.Expired)) {
			t.Error("a storm takes the room of others")
		}
		w.flush()

		if err := w.store.SweepTo(bg, 10, 1_000_000); err != nil {
			t.Fatal(err)
		}

		if got := w.list(refusal.View{Actor: w.Person}); len(got) != 2 || got[1].RequestID != own.RequestID {
			t.Error("of another organization were kept", len(got))
		}
		if got := w.list(refusal.View{Actor: w.Staff, Everything: true}); len(got) > 2+2*10 {
			t.Error(len(got), "in all")
		}
	})
}

// L1: who has the most gives way, in a minute as in all: ten organizations that storm leave the eleventh its part, and one publisher's flood without keys another's.
func TestStormOfManyLeavesOthersTheirs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		storm := func(fill func(r *refusal.Record)) (kept int) {
			var at [20]keyring.ID
			for i := range at {
				at[i] = keyring.ID(db.NewID())
			}
			for i := range 2 * refusal.MostOfOrg {
				w.clock.Advance(100 * time.Microsecond)
				r := w.refused(keyring.UnknownKey, keyring.NotFound)
				r.App, r.Org, r.API, r.Publisher = keyring.ID{}, keyring.ID{}, at[i%len(at)], keyring.ID{}
				if fill(&r); w.hand(r) {
					kept++
				}
			}
			return kept
		}
		publisher := keyring.ID(db.NewID())
		flood := storm(func(r *refusal.Record) { r.Publisher = publisher })
		nobody := storm(func(*refusal.Record) {})
		own := w.refused(keyring.UnknownKey, keyring.NotFound)
		own.App, own.Org, own.Key = keyring.ID{}, keyring.ID{}, keyring.ID{}
		if flood != refusal.MostOfOrg || nobody != refusal.MostOfNone || !w.hand(own) {
			t.Error("of a flood without keys at one publisher's, at nobody's:", flood, nobody)
		}
		for range 20 {
			org := keyring.ID(db.NewID())
			storm(func(r *refusal.Record) { r.Org = org })
		}
		if !w.hand(w.refused(keyring.KeyExpired, keyring.Expired)) {
			t.Error("storms of twenty take the room of others")
		}
		w.flush()

		if err := w.store.SweepTo(bg, 1_000_000, 100); err != nil {
			t.Fatal(err)
		}

		if got := w.list(refusal.View{Actor: w.Person}); len(got) != 1 {
			t.Error("of a key of a small organization were kept", len(got))
		}
		var kept, published int64
		if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM refusals").Scan(&kept).Error; err != nil || kept > 100 || kept < 80 {
			t.Error(kept, "in all:", err)
		}
		if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM refusals WHERE request_id = ?", own.RequestID).Scan(&published).Error; err != nil || published != 1 {
			t.Error("a publisher's own refusal went for the storms of others:", err)
		}
	})
}
