package trust_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

type world struct {
	*catalogtest.World
	t     *testing.T
	clock *dbtest.Clock
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) world {
	return world{catalogtest.New(t, d), t, clock}
}

func (w world) judge(a actor.Actor, p trust.Post) (trust.Verdict, error) {
	w.t.Helper()
	var v trust.Verdict
	p.Host = "https://portal.test"
	err := w.DB.Tx(context.Background(), func(tx *db.Tx) error {
		var err error
		v, err = trust.Judge(tx, a, p)
		return err
	})
	return v, err
}

// wrote puts a post of somebody into the database, as old as it says.
func (w world) wrote(a actor.Actor, body, state string, age time.Duration) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		id, at := db.NewID(), tx.Now.Add(-age)
		_, err := tx.Run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, state, waits_on, last_activity_at, created_at, updated_at)
			VALUES (?, 'question', 'How do I page', 'how', ?, 'public', ?, 'us', ?, ?, ?)`, id, a.UserID, state, at, at, at)
		if err == nil {
			_, err = tx.Run(`INSERT INTO posts (id, question_id, kind, author_id, body, html, renderer_version, state, created_at, updated_at) VALUES (?, ?, 'answer', ?, ?, '', 1, ?, ?, ?)`,
				db.NewID(), id, a.UserID, body, state, at, at)
		}
		return err
	})
}

func (w world) used(key db.ID) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE keys SET last_used_at = ? WHERE id = ?", tx.Now, key)
		return err
	})
}

func (w world) rung(a actor.Actor) trust.Rung {
	w.t.Helper()
	s, err := trust.StandingOf(w.t.Context(), w.DB, a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Rung(w.clock.Now())
}

func TestTrustGrowsWithWhatTheAccountDoesAtThePortal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		fresh := w.Person("Fred Fresh", "")

		rungs := []trust.Rung{w.rung(fresh), w.rung(w.Owner)}
		key := w.Key(w.Shop, "web", w.API, w.Read)
		clock.Advance(trust.EstablishedAfter)
		rungs = append(rungs, w.rung(w.Owner))
		w.used(key)
		rungs = append(rungs, w.rung(w.Owner))
		newcomer := w.Person("Nina New", "")
		w.Join(w.North, newcomer, "developer")
		rungs = append(rungs, w.rung(newcomer))
		guest := w.Person("Gus Guest", "")
		w.Join(w.North, guest, "viewer")
		rungs = append(rungs, w.rung(guest))
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET email_verified_at = NULL WHERE id = ?", fresh.UserID)
			return err
		})
		rungs = append(rungs, w.rung(fresh))

		want := []trust.Rung{trust.New, trust.Builder, trust.Builder, trust.Established, trust.Called, trust.New, trust.Unverified}
		if fmt.Sprint(rungs) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", rungs, want)
		}
	})
}

// F7
func TestNewAccountsAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		age   time.Duration
		posts int64
	}{
		"ten minutes": {2 * time.Minute, trust.LimitsOf(trust.New).Moment},
		"hour":        {30 * time.Minute, trust.LimitsOf(trust.New).Hour},
		"day":         {20 * time.Hour, trust.LimitsOf(trust.New).Day},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				fresh := w.Person("Fred Fresh", "")
				for range c.posts - 1 {
					w.wrote(fresh, "Short.", "published", c.age)
				}
				v, err := w.judge(fresh, trust.Post{Body: "One more."})
				if err != nil || v.Pending {
					t.Fatal(err, v)
				}
				w.wrote(fresh, "Short.", "published", c.age)

				_, err = w.judge(fresh, trust.Post{Body: "And one more."})
				_, editErr := w.judge(fresh, trust.Post{Body: "Mended.", Edit: true})

				if !fault.Is(err, fault.RateLimited) || fault.As(err).RetryAfter == 0 || editErr != nil {
					t.Fatal(err, editErr)
				}
				clock.Advance(25 * time.Hour)
				if _, err := w.judge(fresh, trust.Post{Body: "A day later."}); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestStaffAreNotLimitedAndEstablishedAccountsOnlyInHowMuch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.used(w.Key(w.Shop, "web", w.API, w.Read))
		clock.Advance(trust.EstablishedAfter)
		for _, a := range []actor.Actor{w.Owner, w.Support, actor.ForSystem()} {
			if a.SignedIn() {
				for range trust.LimitsOf(trust.Established).Moment - 1 {
					w.wrote(a, "Short.", "published", time.Minute)
				}
			}

			v, err := w.judge(a, trust.Post{Body: strings.Repeat("https://other.shop/a ", 3) + "https://other.shop/b https://x.io https://y.io https://z.io"})

			if err != nil || v.Pending {
				t.Error(a.Name, err, v)
			}
		}
	})
}

// L7: each post is a mail to every follower, so nobody outside the company writes without end.
func TestEstablishedAccountsDoNotWriteWithoutEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.used(w.Key(w.Shop, "web", w.API, w.Read))
		clock.Advance(trust.EstablishedAfter)
		for _, a := range []actor.Actor{w.Owner, w.Support} {
			for range trust.LimitsOf(trust.Established).Moment {
				w.wrote(a, "Short.", "published", time.Minute)
			}
		}

		_, err := w.judge(w.Owner, trust.Post{Body: "And one more."})
		_, staff := w.judge(w.Support, trust.Post{Body: "And one more."})
		clock.Advance(11 * time.Minute)
		_, later := w.judge(w.Owner, trust.Post{Body: "And one more."})

		if !fault.Is(err, fault.RateLimited) || fault.As(err).RetryAfter == 0 || strings.Contains(err.Error(), "new account") || staff != nil || later != nil {
			t.Fatal(err, staff, later)
		}
	})
}

func TestBlockedAccountsAreToldUntilWhenAndWhy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.used(w.Key(w.Shop, "web", w.API, w.Read))
		clock.Advance(trust.EstablishedAfter)
		block := func(until any) {
			w.Tx(func(tx *db.Tx) error {
				_, err := tx.Run("UPDATE users SET posting_blocked_at = ?, posting_blocked_until = ?, posting_blocked_reason = 'Spam' WHERE id = ?", tx.Now, until, w.Owner.UserID)
				return err
			})
		}
		block(clock.Now().Add(time.Hour))

		_, timed := w.judge(w.Owner, trust.Post{Body: "Hello."})
		_, edit := w.judge(w.Owner, trust.Post{Body: "Hello.", Edit: true})
		clock.Advance(time.Hour)
		_, over := w.judge(w.Owner, trust.Post{Body: "Hello."})
		block(nil)
		_, forGood := w.judge(w.Owner, trust.Post{Body: "Hello."})

		if !fault.Is(timed, fault.Forbidden) || !strings.Contains(timed.Error(), "13:00") || !strings.Contains(timed.Error(), "Spam") || !fault.Is(edit, fault.Forbidden) {
			t.Error(timed, edit)
		}
		if over != nil || !fault.Is(forGood, fault.Forbidden) || !strings.Contains(forGood.Error(), "until they lift it") {
			t.Error(over, forGood)
		}
	})
}

func TestUnverifiedAndUnknownAccountsDoNotPost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		fresh := w.Person("Fred Fresh", "")
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET email_verified_at = NULL WHERE id = ?", fresh.UserID)
			return err
		})

		_, err := w.judge(fresh, trust.Post{Body: "Hello."})
		_, nobody := w.judge(actor.Actor{}, trust.Post{Body: "Hello."})

		if !fault.Is(err, fault.Forbidden) || !fault.Is(nobody, fault.NotFound) {
			t.Fatal(err, nobody)
		}
	})
}

const sentence = "I call the orders API with my key and it answers 403 though the scope is granted to the app since yesterday, what do I miss here?"

func TestWhatLooksLikeSpamWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		called := w.Person("Carla Calls", "")
		w.Join(w.North, called, "developer")
		w.used(w.Key(w.Shop, "web", w.API, w.Read))
		plain := func(string) actor.Actor { return w.Person("Fred "+db.NewID().String(), "") }
		after := func(bodies ...string) func(string) actor.Actor {
			return func(string) actor.Actor {
				a := plain("")
				for _, b := range bodies {
					w.wrote(a, b, "published", 20*time.Second)
				}
				return a
			}
		}
		rejected := func(string) actor.Actor { a := plain(""); w.wrote(a, "Buy now.", "rejected", 48*time.Hour); return a }
		known := func(string) actor.Actor { return called }
		for name, c := range map[string]struct {
			who  func(string) actor.Actor
			post trust.Post
			want string
		}{
			"plain":             {plain, trust.Post{Body: sentence}, ""},
			"link":              {plain, trust.Post{Body: "See https://shop.biz/pills"}, trust.WhyLinks},
			"hidden link":       {plain, trust.Post{Body: "See [the docs](https://shop.biz/pills)"}, trust.WhyLinks},
			"link by reference": {plain, trust.Post{Body: "See [the docs][1]\n\n[1]: https://shop.biz/pills"}, trust.WhyLinks},
			// F2: a browser finds a host where there is none; a title that opens a block of code must not make the body's links unseen.
			"link without slashes":          {plain, trust.Post{Body: "See [the docs](http:shop.biz/pills)"}, ""},
			"link of three slashes":         {plain, trust.Post{Body: "See [the docs](http:///shop.biz/pills)"}, ""},
			"such a link in the title":      {plain, trust.Post{Question: true, Title: "Look at http:///shop.biz/pills", Body: "Nice"}, trust.WhyLinks},
			"fence in the title":            {plain, trust.Post{Question: true, Title: "~~~ how do I page", Body: "See https://shop.biz/pills"}, trust.WhyLinks},
			"comment open in the title":     {plain, trust.Post{Question: true, Title: "<!-- how do I page", Body: "See https://shop.biz/pills"}, trust.WhyLinks},
			"too complex, three slashes":    {plain, trust.Post{Body: strings.Repeat("[", 2000) + " http:///shop.biz"}, trust.WhyLinks},
			"bare host":                     {plain, trust.Post{Body: "See www.shop.biz"}, trust.WhyLinks},
			"scheme in the title":           {plain, trust.Post{Question: true, Title: "Why is http:429 no address", Body: "Nice"}, ""},
			"link in the title":             {plain, trust.Post{Question: true, Title: "Look at https://shop.biz", Body: "Nice"}, trust.WhyLinks},
			"mail address":                  {plain, trust.Post{Body: "Write to <spam@shop.biz>"}, trust.WhyLinks},
			"link in code":                  {plain, trust.Post{Body: "`https://shop.biz/pills`\n\n```\ncurl https://api.shop.biz\n```"}, ""},
			"own link":                      {plain, trust.Post{Body: "See https://portal.test/apis/orders and [this](https://PORTAL.test/)"}, ""},
			"host of documentation":         {plain, trust.Post{Body: "I call https://api.example.com/v1, http://localhost:8080 and https://a.example"}, ""},
			"looks like a reserved host":    {plain, trust.Post{Body: "https://example.com.shop.biz and https://notexample.com"}, trust.WhyLinks},
			"honey":                         {known, trust.Post{Body: sentence, Honey: "http://x"}, trust.WhyHoney},
			"link of who called":            {known, trust.Post{Body: "See https://docs.shop.biz/pills"}, trust.WhyLinks},
			"many links of who called":      {known, trust.Post{Body: "https://a.io https://b.io https://c.io https://d.io https://e.io https://f.io"}, trust.WhyLinks},
			"link added by edit":            {plain, trust.Post{Edit: true, Before: sentence, Body: sentence + " https://shop.biz"}, trust.WhyAdded},
			"link changed by edit":          {plain, trust.Post{Edit: true, Before: "https://good.io", Body: "https://shop.biz"}, trust.WhyAdded},
			"link kept by edit":             {plain, trust.Post{Edit: true, Before: "https://good.io", Body: "https://good.io, mended"}, ""},
			"said again":                    {after(sentence), trust.Post{Body: strings.ToUpper(sentence)}, trust.WhySame},
			"said nearly again":             {after(sentence), trust.Post{Body: sentence + " Thanks a lot."}, trust.WhySame},
			"something else":                {after(sentence), trust.Post{Body: "Where do I find the list of webhooks that the shipping service sends when a parcel left the warehouse in the evening?"}, ""},
			"short and the same":            {after("Thank you."), trust.Post{Body: "Thank you."}, ""},
			"burst":                         {after("One.", "Two.", "Three."), trust.Post{Body: "Four."}, trust.WhyBurst},
			"rejected before":               {rejected, trust.Post{Body: sentence}, trust.WhyRejected},
			"too complex to render, linked": {plain, trust.Post{Body: strings.Repeat("[", 2000) + " https://shop.biz"}, trust.WhyLinks},
		} {
			t.Run(name, func(t *testing.T) {
				v, err := w.judge(c.who(""), c.post)

				if err != nil || v.Why != c.want || v.Pending != (c.want != "") {
					t.Errorf("got %+v, %v; want %q", v, err, c.want)
				}
			})
		}
	})
}

func TestTooManyLinksAreRefusedAtTheField(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	w := newWorld(t, d, dbtest.NewClock())

	_, err := w.judge(w.Person("Fred Fresh", ""), trust.Post{Body: "https://a.io https://b.io https://c.io"})

	if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Problems[0].Field != "body" {
		t.Fatal(err)
	}
}

// F7: two posts of one account at the same time are counted one after the other.
func TestLimitHoldsForPostsAtTheSameTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		fresh := w.Person("Fred Fresh", "")
		limit := int(trust.LimitsOf(trust.New).Moment)
		question := db.NewID()
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, state, waits_on, last_activity_at, created_at, updated_at)
				VALUES (?, 'question', 'How do I page', 'how', ?, 'public', 'published', 'us', ?, ?, ?)`, question, w.Owner.UserID, tx.Now, tx.Now, tx.Now)
			return err
		})
		results := make(chan error, 3*limit)

		for range 3 * limit {
			go func() {
				results <- d.Tx(context.Background(), func(tx *db.Tx) error {
					if _, err := trust.Judge(tx, fresh, trust.Post{Body: "Hello."}); err != nil {
						return err
					}
					_, err := tx.Run(`INSERT INTO posts (id, question_id, kind, author_id, body, html, renderer_version, state, created_at, updated_at)
						VALUES (?, ?, 'answer', ?, 'Hello.', '', 1, 'published', ?, ?)`, db.NewID(), question, fresh.UserID, tx.Now, tx.Now)
					return err
				})
			}()
		}
		done := 0
		for range 3 * limit {
			if err := <-results; err == nil {
				done++
			} else if !fault.Is(err, fault.RateLimited) {
				t.Error(err)
			}
		}

		if done != limit {
			t.Errorf("%d posts were let through, want %d", done, limit)
		}
	})
}

func TestNoLowerRungMayMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := trust.Rung(rapid.IntRange(int(trust.Unverified), int(trust.Called)).Draw(t, "rung"))
		a, b := trust.LimitsOf(low), trust.LimitsOf(low+1)

		more := func(x, y int64) bool { return y == 0 || x <= y }
		if !more(a.Moment, b.Moment) || !more(a.Hour, b.Hour) || !more(a.Day, b.Day) || !more(a.Questions, b.Questions) || !more(a.Edits, b.Edits) || !more(int64(a.Links), int64(b.Links)) {
			t.Fatalf("%v may more than %v", low, low+1)
		}
	})
}
