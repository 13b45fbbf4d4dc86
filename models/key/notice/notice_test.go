package notice_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const day = 24 * time.Hour

var (
	bg     = context.Background()
	berlin = zone("Europe/Berlin")
)

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

type world struct {
	*keytest.World
	t       *testing.T
	notices *notice.Store
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := keytest.New(t, d, clock)
		body(t, &world{w, t, notice.NewStore(d, w.Keys, w.Outbox)})
	})
}

// until lets the job run each quarter of an hour from the present until a moment, and returns what was sent, by the time of sending.
func (w *world) until(end time.Time) map[time.Time][]outbox.Letter {
	w.t.Helper()
	out := map[time.Time][]outbox.Letter{}
	for now := w.Clock.Now().Truncate(15 * time.Minute); !now.After(end); now = now.Add(15 * time.Minute) {
		w.Clock.Set(now)
		if err := w.notices.Run(bg); err != nil {
			w.t.Fatal(err)
		}
		if letters := w.Mails(); len(letters) > 0 {
			out[now] = letters
		}
	}
	return out
}

func (w *world) mails(end time.Time, who string) (at []string) {
	w.t.Helper()
	for when, letters := range w.until(end) {
		for _, l := range letters {
			if strings.HasPrefix(l.To, who+"@") {
				at = append(at, when.In(berlin).Format("01-02 15:04 ")+l.Kind)
			}
		}
	}
	slices.Sort(at)
	return at
}

// K4: each notice once, in the morning of the reader, never later than it says.
func TestNoticesComeOnceEachInTheMorningAndNeverTooLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.Make(w.Developer, "Worker", 40).Key // at 13:00 in Berlin; ends at 13:00 on 31 December
		w.Mails()

		got := w.mails(made.ExpiresAt.Add(9*day), "dev")

		want := []string{"01-01 08:00 key_expired", "12-01 08:00 key_expires", "12-17 08:00 key_expires", "12-24 08:00 key_expires", "12-30 08:00 key_expires"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// K4: whenever in the day a key ends: N days ahead at least, N and one at most; after the end within a day.
func TestNoticesAreAtMostADayEarlyWheneverAKeyEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := map[string]time.Time{}
		for hour := 0; hour < 24; hour += 5 {
			made := w.Make(w.Developer, "Worker", 33).Key
			ends := made.ExpiresAt.Add(time.Duration(hour) * time.Hour)
			w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", ends, made.ID)
			ids[made.LastFour] = ends
		}
		w.Mails()
		told := map[string][]time.Duration{}
		start := w.Clock.Now()
		for when, letters := range w.until(start.Add(37 * day)) {
			if len(letters) != 2 {
				t.Errorf("%s: %v", when, keytest.Names(letters))
			}
			for _, l := range letters {
				for four, ends := range ids {
					if strings.HasPrefix(l.To, "dev") && strings.Contains(keytest.Words(l), four) {
						told[four] = append(told[four], ends.Sub(when))
					}
				}
			}
		}

		for four, ahead := range told {
			slices.Sort(ahead)
			slices.Reverse(ahead)
			if len(ahead) != 5 {
				t.Fatal(four, ahead)
			}
			for i, days := range []int{30, 14, 7, 1} {
				if least := time.Duration(days) * day; ahead[i] < least || ahead[i] > least+day {
					t.Errorf("%d days: told %s ahead", days, ahead[i])
				}
			}
			if ahead[4] > 0 || ahead[4] < -day {
				t.Errorf("that it expired was told %s after", -ahead[4])
			}
		}
		if len(told) != 5 {
			t.Error(told)
		}
	})
}

// One mail holds all; never a secret, never a name in the subject.
func TestOneDigestNamesAllKeysAndNoSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var made []key.Made
		for _, name := range []string{"Buy <now>", "Second", "Third"} {
			made = append(made, w.Make(w.Developer, name, 10))
		}
		gone := w.Make(w.Developer, "Gone", 2)
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", w.Clock.Now().Add(time.Hour), gone.Key.ID)
		w.Mails()
		w.Clock.Advance(2 * day)

		sent := w.until(w.Clock.Now().Add(day))

		if len(sent) == 0 {
			t.Fatal("nothing was sent")
		}
		letters := 0
		for _, all := range sent {
			for _, l := range all {
				letters++
				words := keytest.Words(l)
				for _, m := range append(made, gone) {
					if strings.Contains(words, m.Secret.Reveal()) {
						t.Error("a secret is in the mail")
					}
				}
				if subject := l.Subject.Key + strings.Join(l.Subject.Args, " "); strings.Contains(subject, "Buy") {
					t.Error(subject)
				}
			}
		}
		if letters != 4 { // the expired one when the job first runs, the three on the morning after; to two readers
			t.Errorf("%d letters: %v", letters, sent)
		}
		w.Clock.Advance(10 * day)
		for _, all := range w.until(w.Clock.Now()) {
			if words := keytest.Words(all[0]); all[0].Subject.Key != "%d API keys have expired" || !strings.Contains(words, made[0].Key.Hint()) || !strings.Contains(words, made[2].Key.Hint()) {
				t.Error(words)
			}
		}
	})
}

func TestNoNoticeOfWhatWasJustChosenOrIsOverOrRunsOutAsPlanned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "Seven", 7)
		revoked, rotated, paused := w.Make(w.Developer, "Revoked", 30).Key.ID, w.Make(w.Developer, "Rotated", 30).Key.ID, w.Make(w.Developer, "Paused", 30).Key.ID
		if err := w.Keys.Revoke(bg, w.Developer, revoked, ""); err != nil {
			t.Fatal(err)
		}
		w.Rotate(w.Developer, rotated, 30)
		if err := w.Keys.Pause(bg, w.Developer, paused); err != nil {
			t.Fatal(err)
		}
		w.Mails()
		start := w.Clock.Now()

		got := w.mails(start.Add(8*day), "dev")

		if diff := cmp.Diff([]string{"11-27 08:00 key_expires", "11-29 08:00 key_expired"}, got); diff != "" {
			t.Error("only the key of seven days:", diff)
		}
		if got := w.mails(start.Add(31*day), "dev"); len(got) != 4 { // the paused one: 14, 7 and 1 days, and that it expired
			t.Error(got)
		}
	})
}

// REL-4: whatever the number of replicas, and however often they run, each reader is told once.
func TestTwoReplicasTellOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 5 {
			w.Make(w.Developer, "Worker", 20)
		}
		w.Mails()
		w.Clock.Advance(6 * day)
		var wg sync.WaitGroup
		for range 2 {
			other := notice.NewStore(w.DB, w.Keys, w.Outbox)
			wg.Go(func() {
				if err := other.Run(bg); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.Run("DELETE FROM key_notice_zones") // a replica that stopped before it could say that all have theirs
		if err := w.notices.Run(bg); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]string{"dev key_expires", "ops key_expires"}, keytest.Names(w.Mails())); diff != "" {
			t.Error(diff)
		}
	})
}

// What an older version of the program told is not told again.
func TestWhatWasToldBeforeThereWereDigestsIsNotToldAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.Make(w.Developer, "Worker", 20).Key.ID
		w.Mails()
		w.Clock.Advance(6 * day)
		w.Run("INSERT INTO key_notices (key_id, kind, sent_at) VALUES (?, '14d', ?)", id, w.Clock.Now())

		if got := w.until(w.Clock.Now().Add(day)); len(got) != 0 {
			t.Error(got)
		}
	})
}

func TestShortenedKeyIsToldOfAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.Make(w.Developer, "Worker", 35).Key.ID
		w.Mails()
		start := w.Clock.Now()
		before := w.mails(start.Add(6*day), "dev")
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", start.Add(15*day), id)
		after := w.mails(start.Add(7*day), "dev")
		w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", start.Add(16*day), id)

		if again := w.mails(start.Add(8*day), "dev"); len(before) != 1 || len(after) != 1 || len(again) != 1 {
			t.Error(before, after, again)
		}
	})
}

// K6: somebody is always told.
func TestAdminsAreToldWhenTheMakerLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Other, "Worker", 20)
		w.Leave(w.Other)
		w.Leave(w.Ops)
		w.Mails()
		w.Clock.Advance(6 * day)
		if err := w.notices.Run(bg); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]string{"ada key_expires", "olga key_expires"}, keytest.Names(w.Mails())); diff != "" {
			t.Error(diff)
		}
	})
}

// Each in the morning of their own zone.
func TestEachReaderHasTheirOwnMorning(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Run("UPDATE users SET time_zone = 'Asia/Tokyo' WHERE id = ?", w.Developer.UserID)
		w.Run("UPDATE users SET time_zone = 'America/Los_Angeles' WHERE id = ?", w.Ops.UserID)
		w.until(w.Clock.Now())
		made := w.Make(w.Developer, "Worker", 20).Key
		w.Mails()
		at := map[string]int{}
		for when, letters := range w.until(made.ExpiresAt.Add(2 * day)) {
			for _, l := range letters {
				at[l.TimeZone+when.In(zone(l.TimeZone)).Format(" 15:04")]++
			}
		}

		if diff := cmp.Diff(map[string]int{"Asia/Tokyo 08:00": 4, "America/Los_Angeles 08:00": 4}, at); diff != "" {
			t.Error(diff)
		}
	})
}

// After a stop of the portal only what matters now is told, and late is better than never.
func TestAfterALongStopOnlyTheMostUrgentIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "Soon", 40)
		w.Make(w.Developer, "Long over", 20)
		w.Mails()
		w.until(w.Clock.Now())
		w.Clock.Advance(34*day + 5*time.Hour)
		if err := w.notices.Run(bg); err != nil {
			t.Fatal(err)
		}

		letters := w.Mails()
		if len(letters) != 2 || strings.Contains(keytest.Words(letters[0]), "Long over") || letters[0].Kind != "key_expires" {
			t.Error(letters)
		}
	})
}

func TestNextIsWhatEndsSoonest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Make(w.Developer, "In 20", 20)
		w.Make(w.Developer, "In 200", 200)
		old := w.Make(w.Developer, "Rotated", 50).Key.ID
		w.Rotate(w.Developer, old, 5)
		revoked := w.Make(w.Developer, "Revoked", 3).Key.ID
		if err := w.Keys.Revoke(bg, w.Developer, revoked, ""); err != nil {
			t.Fatal(err)
		}
		names := func(a actor.Actor) (out []string) {
			t.Helper()
			rows, err := w.notices.Next(bg, a, 30*day, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				out = append(out, r.Name)
			}
			return out
		}

		leaked, resumed := w.Make(w.Developer, "Leaked", 25).Key.ID, w.Make(w.Developer, "Resumed", 28).Key.ID
		for _, id := range []db.ID{leaked, resumed} {
			w.Run("INSERT INTO leak_incidents (id, key_id, opened_at, reported_at, done, revoke_at) VALUES (?, ?, ?, ?, 'paused', ?)", db.NewID(), id, w.Clock.Now(), w.Clock.Now(), w.Clock.Now().Add(7*day))
		}
		w.Run("UPDATE keys SET paused_at = ?, paused_cause = 'leak' WHERE id = ?", w.Clock.Now(), leaked)

		if diff := cmp.Diff([]string{"Rotated", "Leaked", "In 20", "Resumed"}, names(w.Viewer)); diff != "" {
			t.Error(diff)
		}
		rows, err := w.notices.Next(bg, w.Viewer, 30*day, 10)
		if err != nil || !rows[1].Leaked() || !rows[1].EndsAt().Equal(w.Clock.Now().Add(7*day)) || rows[3].Leaked() {
			t.Error("a leaked key ends when its notice does", rows, err)
		}
		if got := names(w.Stranger); len(got) != 0 || len(names(actor.Actor{})) != 0 {
			t.Error(got)
		}
	})
}

// K4, K9: the digest names the day on which a leaked key is revoked, in the first one after the report and on the day before; not one that was resumed, and
// the key's later expiry is told of no more.
func TestDigestNamesTheDayOnWhichALeakedKeyIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		leaked, never, resumed := w.Make(w.Developer, "Leaked", 10).Key, w.Make(w.Developer, "Never ends", 300).Key, w.Make(w.Developer, "Resumed", 300).Key
		w.until(w.Clock.Now())
		start := w.Clock.Now()
		revoked := start.Add(7 * day)
		for _, k := range []key.Row{leaked, never, resumed} {
			w.Run("INSERT INTO leak_incidents (id, key_id, opened_at, reported_at, done, revoke_at) VALUES (?, ?, ?, ?, 'paused', ?)", db.NewID(), k.ID, start, start, revoked)
		}
		w.Run("UPDATE keys SET paused_at = ?, paused_cause = 'leak' WHERE id IN ?", start, []db.ID{leaked.ID, never.ID})
		w.Run("UPDATE keys SET expires_at = NULL WHERE id = ?", never.ID)
		w.Mails()

		var got []string
		for when, letters := range w.until(revoked.Add(-time.Hour)) {
			for _, l := range letters {
				words := keytest.Words(l)
				if !strings.HasPrefix(l.To, "dev@") {
					continue
				}
				got = append(got, when.In(berlin).Format("01-02 15:04"))
				if !strings.Contains(words, "revoked on") || !strings.Contains(words, "28. Nov. 2026, 13:00") || !strings.Contains(words, "Leaked") || !strings.Contains(words, "Never ends") || strings.Contains(words, "Resumed") || strings.Contains(words, "expires on") {
					t.Error(words)
				}
			}
		}
		slices.Sort(got)
		want := []string{start.In(berlin).Add(day).Format("01-02") + " 08:00", revoked.In(berlin).Add(-day).Format("01-02") + " 08:00"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
