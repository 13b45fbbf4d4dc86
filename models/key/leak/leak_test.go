package leak_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
)

const day = 24 * time.Hour

func each(t *testing.T, body func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(newWorld(t, d, clock)) })
}

// K9, K11: many keys in one report are one act; each is stopped by the policy of its environment, and all who answer for it are told in one mail.
func TestReportedKeysAreStoppedAsThePolicySays(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.leaks.SetPolicy(bg, w.staff, leak.Policy{Live: leak.Revoke, Test: leak.Pause, NoticeDays: 3}))
		live, second, test, spared := w.make("Live", "live"), w.make("Second", "live"), w.make("Test", "test"), w.make("Spared", "live")

		w.handIn("here: "+live.Secret.Reveal()+" and again "+live.Secret.Reveal(), second.Secret.Reveal()+"\n"+test.Secret.Reveal(), w.invented())

		if got := []key.StateName{w.state(live.Key.ID), w.state(second.Key.ID), w.state(test.Key.ID), w.state(spared.Key.ID)}; got[0] != key.Revoked || got[1] != key.Revoked || got[2] != key.Paused || got[3] != key.Active {
			t.Fatal(got)
		}
		if w.acts("leak.reported") != 1 || w.acts("leak.incident_opened") != 3 || w.acts("key.revoked") != 2 || w.acts("key.paused") != 1 {
			t.Error(w.acts("leak.reported"), w.acts("leak.incident_opened"), w.acts("key.revoked"), w.acts("key.paused"))
		}
		if to := w.mails("key_leaked"); to != "ada dev olga vic" {
			t.Errorf("mails to %s", to)
		}
		i := w.incident(test.Key.ID)
		if i.Done != leak.Paused || i.Reports != 1 || len(i.List) != 1 || i.List[0].Place != "a public wiki" || !i.RevokeAt.Equal(w.clock.Now().Add(3*day)) {
			t.Errorf("%+v", i)
		}
		if d, err := w.keys.Get(bg, w.developer, test.Key.ID); err != nil || d.PausedCause != key.PausedLeak {
			t.Error(d.PausedCause, err)
		}
	})
}

// K9: the same again changes nothing; nor does a job that runs twice.
func TestAReportThatComesAgainChangesNothing(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.API, Texts: []string{made.Secret.Reveal()}, URL: "https://paste.example/1"})
		w.ok(err)
		var payload string
		w.ok(w.db.Read(bg).Raw("SELECT payload FROM jobs").Scan(&payload).Error)
		for range 3 {
			w.ok(w.leaks.Job(bg, json.RawMessage(payload)))
		}
		before := w.incident(made.Key.ID)

		w.handIn(made.Secret.Reveal())

		after := w.incident(made.Key.ID)
		if before.Reports != 1 || after.Reports != 2 || after.ID != before.ID || !after.RevokeAt.Equal(*before.RevokeAt) {
			t.Errorf("%+v\n%+v", before, after)
		}
		if w.acts("key.paused") != 1 || w.acts("leak.incident_opened") != 1 || w.mails("key_leaked") != "ada dev olga vic" {
			t.Error(w.acts("key.paused"), w.mails("key_leaked"))
		}
	})
}

// Keys that are over are put on record, and nobody is mailed.
func TestDeadKeysAreRecordedOnly(t *testing.T) {
	each(t, func(w *world) {
		made, expired := w.make("Worker", "live"), w.make("Old", "live")
		w.ok(w.keys.Revoke(bg, w.developer, made.Key.ID, "done with it"))
		w.run("UPDATE keys SET expires_at = ? WHERE id = ?", w.clock.Now().Add(-time.Hour), expired.Key.ID)

		w.handIn(made.Secret.Reveal(), expired.Secret.Reveal())
		w.handIn(made.Secret.Reveal())

		i := w.incident(made.Key.ID)
		if i.Done != leak.Over || i.Open() || i.Reports != 2 || w.mails("key_leaked") != "" || w.incident(expired.Key.ID).Done != leak.Over {
			t.Errorf("%+v, mails to %q", i, w.mails("key_leaked"))
		}
		if d, err := w.keys.Get(bg, w.developer, made.Key.ID); err != nil || d.RevokedReason != "done with it" {
			t.Error(d.RevokedReason, err)
		}
	})
}

// Whoever holds the key can't keep a person's own pause from becoming one that only admins end.
func TestAPausedKeyThatLeaksIsPausedForTheLeak(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		w.ok(w.keys.Pause(bg, w.developer, made.Key.ID))

		w.handIn(made.Secret.Reveal())

		if err := w.keys.Resume(bg, w.developer, made.Key.ID); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if err := w.keys.Resume(bg, w.admin, made.Key.ID); !fault.Is(err, fault.Conflict) {
			t.Error("also an admin reads the incident first:", err)
		}
	})
}

// A key that was paused for a leak works again only when an admin of its organization has read the incident as it stands, and says why.
func TestALeakedKeyIsResumedByAnAdminWhoHasReadTheIncident(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		w.handIn(made.Secret.Reveal())
		id := made.Key.ID
		for name, c := range map[string]struct {
			who  actor.Actor
			d    leak.Decision
			want fault.Kind
		}{
			"its maker": {w.developer, leak.Decision{Seen: 1, Word: "was a test"}, fault.Forbidden}, "a viewer": {w.viewer, leak.Decision{Seen: 1, Word: "x"}, fault.Forbidden},
			"a stranger": {w.stranger, leak.Decision{Seen: 1, Word: "x"}, fault.NotFound}, "nobody": {actor.Actor{}, leak.Decision{Seen: 1, Word: "x"}, fault.NotFound},
			"without a word": {w.admin, leak.Decision{Seen: 1, Word: " "}, fault.Invalid}, "unread": {w.admin, leak.Decision{Word: "x"}, fault.Conflict},
		} {
			if err := w.leaks.Resume(bg, c.who, id, c.d); !fault.Is(err, c.want) || w.state(id) != key.Paused {
				t.Errorf("%s: %v, %s", name, err, w.state(id))
			}
		}
		w.report(made.Secret.Reveal(), "a chat")
		if err := w.leaks.Resume(bg, w.admin, id, leak.Decision{Seen: 1, Word: "was a test"}); !fault.Is(err, fault.Conflict) {
			t.Error("reported elsewhere since it was read:", err)
		}

		w.ok(w.leaks.Resume(bg, w.admin, id, leak.Decision{Seen: 2, Word: "was a test"}))

		i := w.incident(id)
		if w.state(id) != key.Active || i.Open() || i.ClosedWord != "was a test" || i.ByName != "ada" || i.RevokeAt != nil || w.acts("leak.key_resumed") != 1 || w.acts("key.resumed") != 1 {
			t.Errorf("%s %+v", w.state(id), i)
		}
		w.clock.Advance(30 * day)
		w.ok(w.leaks.Due(bg))
		if w.state(id) != key.Active {
			t.Error("a resumed key was revoked by an old notice")
		}
		w.handIn(made.Secret.Reveal())
		if again := w.incident(id); w.state(id) != key.Paused || again.ID == i.ID {
			t.Error("reported again, it is not paused again")
		}
	})
}

// What nobody decides about is revoked when the notice ends, and not before.
func TestNoticeEndsInRevocation(t *testing.T) {
	each(t, func(w *world) {
		kept, rotated, staffs := w.make("Kept", "live"), w.make("Rotated", "live"), w.make("Staff’s", "live")
		w.handIn(kept.Secret.Reveal(), rotated.Secret.Reveal(), staffs.Secret.Reveal())
		_, err := w.keys.Rotate(bg, w.developer, rotated.Key.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(rotated.Key.ID))})
		w.ok(err)
		w.ok(w.keys.ResumeByStaff(bg, w.staff, staffs.Key.ID))
		w.clock.Advance(7*day - time.Minute)
		w.ok(w.leaks.Due(bg))
		if w.state(kept.Key.ID) != key.Paused {
			t.Fatal("revoked before its notice ended")
		}

		w.clock.Advance(2 * time.Minute)
		w.ok(w.leaks.Due(bg))
		w.ok(w.leaks.Due(bg))

		if w.state(kept.Key.ID) != key.Revoked || w.state(rotated.Key.ID) != key.Expired || w.state(staffs.Key.ID) != key.Active {
			t.Error(w.state(kept.Key.ID), w.state(rotated.Key.ID), w.state(staffs.Key.ID))
		}
		if w.mails("key_leak_revoked") != "ada dev olga vic" || w.acts("key.revoked") != 1 || w.incident(kept.Key.ID).Done != leak.Revoked {
			t.Error(w.mails("key_leak_revoked"), w.acts("key.revoked"))
		}
	})
}

func TestAnIncidentIsClosedWithAWord(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		w.handIn(made.Secret.Reveal())
		id := made.Key.ID
		said := leak.Decision{Seen: 1, Word: "taken out of the history"}
		if err := w.leaks.Close(bg, w.admin, id, said); !fault.Is(err, fault.Conflict) {
			t.Error("while the key is paused for it:", err)
		}
		w.ok(w.keys.Revoke(bg, w.developer, id, ""))
		for who, want := range map[*actor.Actor]fault.Kind{&w.viewer: fault.Forbidden, &w.stranger: fault.NotFound} {
			if err := w.leaks.Close(bg, *who, id, said); !fault.Is(err, want) {
				t.Error(err)
			}
		}
		if err := w.leaks.Close(bg, w.developer, id, leak.Decision{Seen: 1}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}

		w.ok(w.leaks.Close(bg, w.developer, id, said))

		if i := w.incident(id); i.Open() || i.ClosedWord != said.Word || i.ByName != "dev" {
			t.Errorf("%+v", i)
		}
		if err := w.leaks.Close(bg, w.developer, id, said); !fault.Is(err, fault.NotFound) {
			t.Error("closed twice:", err)
		}
	})
}

// Z2: staff who may close any incident, with a reason that its people read; who of staff it was stays with staff.
func TestStaffCloseAnIncidentWithAReason(t *testing.T) {
	each(t, func(w *world) {
		made, said := w.make("Worker", "live"), leak.Decision{Seen: 1, Word: "the report was a test of ours"}
		w.handIn(made.Secret.Reveal())
		id := w.incident(made.Key.ID).ID
		if err := w.leaks.CloseAny(bg, w.staff, id, said); !fault.Is(err, fault.Conflict) {
			t.Error("while the key is paused for it:", err)
		}
		w.ok(w.keys.Revoke(bg, w.developer, made.Key.ID, ""))
		for who, want := range map[*actor.Actor]fault.Kind{&w.owner: fault.Forbidden, &w.support: fault.Forbidden, {}: fault.Forbidden} {
			if err := w.leaks.CloseAny(bg, *who, id, said); !fault.Is(err, want) {
				t.Error(err)
			}
		}
		for d, want := range map[leak.Decision]fault.Kind{{Seen: 1}: fault.Invalid, {Seen: 0, Word: "unread"}: fault.Conflict} {
			if err := w.leaks.CloseAny(bg, w.staff, id, d); !fault.Is(err, want) {
				t.Error(d, err)
			}
		}
		if err := w.leaks.CloseAny(bg, w.staff, db.NewID(), said); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}

		w.ok(w.leaks.CloseAny(bg, w.staff, id, said))

		if i := w.incident(made.Key.ID); i.Open() || i.ClosedWord != said.Word || i.ByName != "" || !i.ByStaff {
			t.Errorf("%+v", i)
		}
		if d, err := w.leaks.ForStaff(bg, w.support, id); err != nil || d.ByName != "root" {
			t.Errorf("%+v, %v", d, err)
		}
		if err := w.leaks.CloseAny(bg, w.staff, id, said); !fault.Is(err, fault.Conflict) || w.acts("leak.incident_closed") != 1 {
			t.Error("closed twice:", err, w.acts("leak.incident_closed"))
		}
	})
}

// Z2: lists show what is theirs.
func TestIncidentsAreSeenByTheirPeopleAlone(t *testing.T) {
	each(t, func(w *world) {
		made := w.make("Worker", "live")
		w.handIn(made.Secret.Reveal())
		count := func(a actor.Actor, f leak.Filter) int {
			page, err := w.leaks.Incidents(bg, a, f, db.PageRequest{})
			w.ok(err)
			return len(page.Rows)
		}
		if got := []int{count(w.viewer, leak.Filter{}), count(w.stranger, leak.Filter{}), count(actor.Actor{}, leak.Filter{}), count(w.viewer, leak.Filter{State: leak.StateClosed}), count(w.viewer, leak.Filter{State: leak.StateOpen, OrganizationID: w.org})}; got[0] != 1 || got[1]+got[2]+got[3] != 0 || got[4] != 1 {
			t.Error(got)
		}
		program := actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.org, Environment: "live"}
		other := program
		other.Environment = "test"
		if count(program, leak.Filter{}) != 1 || count(other, leak.Filter{}) != 0 {
			t.Error("programs")
		}
		if _, err := w.leaks.OfKey(bg, w.stranger, made.Key.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if n, err := w.leaks.CountOpen(bg, w.viewer); err != nil || n != 1 {
			t.Error(n, err)
		}
		if n, err := w.leaks.CountOpen(bg, w.stranger); err != nil || n != 0 {
			t.Error(n, err)
		}
		page, err := w.leaks.AllIncidents(bg, w.support, leak.Filter{State: leak.StateOpen}, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Hint() != made.Key.Hint() {
			t.Error(page.Rows, err)
		}
		if _, err := w.leaks.AllIncidents(bg, w.owner, leak.Filter{}, db.PageRequest{}); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		if _, err := w.leaks.ForStaff(bg, w.owner, w.incident(made.Key.ID).ID); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		if d, err := w.leaks.ForStaff(bg, w.support, w.incident(made.Key.ID).ID); err != nil || len(d.List) != 1 {
			t.Error(d, err)
		}
	})
}

// K11: a signed body is taken once; each match is told from what was never a key, also when the key is dead.
func TestGitHubsReportIsTakenOnceAndLabelled(t *testing.T) {
	each(t, func(w *world) {
		made, dead := w.make("Worker", "live"), w.make("Dead", "live")
		w.ok(w.keys.Revoke(bg, w.developer, dead.Key.ID, ""))
		text := made.Secret.Reveal()
		matches := []leak.Match{
			{Token: text, URL: "https://github.com/o/r/blob/1/a?key=" + text, Source: "commit"},
			{Token: w.invented()},
			{Token: dead.Secret.Reveal()},
			{Token: text, URL: "https://github.com/o/r/blob/1/b", Source: "commit"},
			{Token: "some_token"},
		}

		real, err := w.leaks.Deliver(bg, []byte("body"), matches)
		w.ok(err)

		if len(real) != 5 || !real[0] || real[1] || !real[2] || !real[3] || real[4] {
			t.Error(real)
		}
		i := w.incident(made.Key.ID)
		if w.state(made.Key.ID) != key.Paused || i.Reports != 2 || i.List[0].Source != leak.GitHub || strings.Contains(i.List[0].URL+i.List[1].URL, text) {
			t.Errorf("%+v", i)
		}
		if _, err := w.leaks.Deliver(bg, []byte("body"), matches); !fault.Is(err, fault.Conflict) || w.incident(made.Key.ID).Reports != 2 {
			t.Error("a replay:", err)
		}
		w.clock.Advance(401 * day)
		w.ok(w.leaks.Sweep(bg))
		if _, err := w.leaks.Deliver(bg, []byte("body"), nil); err != nil {
			t.Error(err)
		}
	})
}

// The last reports are kept, all are counted.
func TestReportsOfAnIncidentAreBounded(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	made := w.make("Worker", "live")
	for n := range leak.MaxReports + 10 {
		clock.Advance(time.Second)
		_, err := w.leaks.Deliver(bg, []byte{byte(n)}, []leak.Match{{Token: made.Secret.Reveal(), URL: "https://github.com/o/r/" + strings.Repeat("x", n)}})
		w.ok(err)
	}

	i := w.incident(made.Key.ID)

	if i.Reports != leak.MaxReports+10 || len(i.List) != leak.MaxReports || len(i.List[0].URL) <= len(i.List[1].URL) {
		t.Error(i.Reports, len(i.List))
	}
	var n int
	w.ok(w.db.Read(bg).Raw("SELECT COUNT(*) FROM leak_reports").Scan(&n).Error)
	if n != leak.MaxReports {
		t.Error(n)
	}
}

// L7, L1
func TestHandingInIsLimited(t *testing.T) {
	each(t, func(w *world) {
		hand := func(h leak.Handed) error { _, err := w.leaks.HandIn(bg, actor.Actor{}, h); return err }
		var many strings.Builder
		for range leak.MaxKeys + 1 {
			many.WriteString(w.invented() + "\n")
		}
		for name, h := range map[string]leak.Handed{
			"nothing": {}, "no key": {Texts: []string{"my key is lost"}}, "half a key": {Texts: []string{w.invented()[:30]}}, "too many": {Texts: []string{many.String()}},
			"a long place": {Texts: []string{w.invented()}, Place: strings.Repeat("x", leak.MaxPlace+1)},
		} {
			h.Source = leak.Page
			if err := hand(h); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			err = hand(leak.Handed{Source: leak.Page, Texts: []string{w.invented()}})
		}
		if !fault.Is(err, fault.RateLimited) || n != 27 { // four that were looked through and refused count, too
			t.Error(n, err)
		}
		w.clock.Advance(time.Hour)
		w.ok(hand(leak.Handed{Source: leak.Page, Texts: []string{w.invented()}}))
	})
}

// F1 of the review sec4b, L1, L7: what is refused after it was looked through counts as well, so that nobody has as much looked through as they like; and whoever is over the limit has
// nothing looked at.
func TestRefusedReportsCountTowardsTheLimit(t *testing.T) {
	each(t, func(w *world) {
		var many strings.Builder
		for range leak.MaxKeys + 1 {
			many.WriteString(w.invented() + "\n")
		}
		hand := func() error {
			_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.API, Texts: []string{many.String()}})
			return err
		}
		refused := 0
		for fault.Is(hand(), fault.Invalid) && refused < 100 {
			refused++
		}
		if err := hand(); !fault.Is(err, fault.RateLimited) || refused != 30 {
			t.Error(refused, err)
		}
	})
}

// F16 of the review sec4b, L1: what reports of one range have waiting is bounded by their keys, not by their number alone.
func TestKeysOfOneRangesReportsAreLimited(t *testing.T) {
	each(t, func(w *world) {
		var full []string
		for range leak.MaxKeys {
			full = append(full, w.invented())
		}
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			_, err = w.leaks.HandIn(bg, actor.Actor{Address: netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})}, leak.Handed{Source: leak.API, Texts: full})
		}
		_, other := w.leaks.HandIn(bg, actor.Actor{Address: netip.MustParseAddr("198.51.100.1")}, leak.Handed{Source: leak.API, Texts: full})
		if !fault.Is(err, fault.RateLimited) || n != 13 || other != nil {
			t.Error(n, err, other)
		}
	})
}

// L1: neither the addresses of one range nor long words spend what there is for all.
func TestOneRangeCannotSilenceTheOthers(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	text := w.invented()
	hand := func(address string) error {
		_, err := w.leaks.HandIn(bg, actor.Actor{Address: netip.MustParseAddr(address)}, leak.Handed{Source: leak.API, Texts: []string{text}})
		return err
	}
	taken := map[string]int{}
	for n := range 300 {
		for kind, address := range map[string]string{"v4": fmt.Sprintf("203.0.113.%d", n%250), "v6": fmt.Sprintf("2001:db8:1:%x::1", n)} {
			if hand(address) == nil {
				taken[kind]++
			}
		}
	}
	if taken["v4"] != 120 || taken["v6"] != 120 {
		t.Error(taken)
	}
	w.ok(hand("198.51.100.7"))
	w.ok(hand("2001:db8:2::1"))
}

// L1: the words of a report are kept once, not once for each of its keys.
func TestAReportIsSmallWhateverStandsInIt(t *testing.T) {
	each(t, func(w *world) {
		var texts []string
		for range leak.MaxKeys {
			texts = append(texts, w.invented())
		}
		made, odd := w.make("Worker", "live"), strings.Repeat("<", leak.MaxPlace)
		texts[0] = made.Secret.Reveal()

		_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.API, Texts: texts, Place: odd, URL: odd})

		w.ok(err)
		var size int
		w.ok(w.db.Read(bg).Raw("SELECT LENGTH(payload) FROM jobs").Scan(&size).Error)
		if size > 16<<10 {
			t.Errorf("%d bytes", size)
		}
		w.work()
		if i := w.incident(made.Key.ID); len(i.List) != 1 || i.List[0].Place != odd || i.List[0].URL != odd {
			t.Errorf("%+v", i.List)
		}
	})
}

// K1: of what is handed in, nothing is kept, wherever in the report a key stands.
func TestReportedKeysAreNowhere(t *testing.T) {
	each(t, func(w *world) {
		made, invented := w.make("Worker", "live"), w.invented()
		text := made.Secret.Reveal()

		_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.API, Texts: []string{text, invented}, Place: "near " + text, URL: "https://x.example/" + invented})
		w.ok(err)
		waiting := w.dump()
		w.work()
		_, err = w.leaks.Deliver(bg, []byte(`[{"token":"`+text+`"}]`), []leak.Match{{Token: text, URL: "https://x.example/#" + text, Source: text}})
		w.ok(err)
		w.ok(w.leaks.Resume(bg, w.admin, made.Key.ID, leak.Decision{Seen: w.incident(made.Key.ID).News, Word: "it was " + text}))

		for _, secret := range []string{text, invented, text[10:30], invented[10:30]} {
			if strings.Contains(waiting+w.dump(), secret) {
				t.Error("a reported key is in the database")
			}
		}
	})
}

func TestPolicyIsSetByStaffWhoMay(t *testing.T) {
	each(t, func(w *world) {
		good := leak.Policy{Live: leak.Revoke, Test: leak.Tell, NoticeDays: 14}
		if err := w.leaks.SetPolicy(bg, w.support, good); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		for _, p := range []leak.Policy{{}, {Live: "x", Test: leak.Tell, NoticeDays: 1}, {Live: leak.Tell, Test: leak.Tell}, {Live: leak.Tell, Test: leak.Tell, NoticeDays: 91}} {
			if err := w.leaks.SetPolicy(bg, w.staff, p); !fault.Is(err, fault.Invalid) {
				t.Error(p, err)
			}
		}
		w.ok(w.leaks.SetPolicy(bg, w.staff, good))
		if p, err := w.leaks.Policy(bg); err != nil || p != good {
			t.Error(p, err)
		}
		made := w.make("Worker", "test")
		w.handIn(made.Secret.Reveal())
		if w.state(made.Key.ID) != key.Active || w.incident(made.Key.ID).Done != leak.Nothing || w.mails("key_leaked") == "" {
			t.Error("told only:", w.state(made.Key.ID))
		}
		w.ok(w.leaks.Close(bg, w.developer, made.Key.ID, leak.Decision{Seen: 1, Word: "fine"}))
	})
}
