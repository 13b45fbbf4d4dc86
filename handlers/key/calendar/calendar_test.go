package calendar_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/key/calendar"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

type world struct {
	*keytest.World
	t    *testing.T
	site *webtest.Site
	path string
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{World: keytest.New(t, d, clock), t: t}
		w.Run("UPDATE users SET language = 'en', time_zone = 'UTC'")
		w.path = "/console/organizations/" + w.Org.Show(org.Prefix) + "/calendar"
		w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			(&calendar.Handler{Kit: k, Notices: notice.NewStore(d, w.Keys, w.Outbox), Orgs: org.NewStore(org.Options{DB: d, Outbox: w.Outbox, Link: k.Link})}).Routes(r)
		})
		body(t, w)
	})
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(context.Background(), a.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.site.As(u)
}

var address = regexp.MustCompile(`/calendar/[A-Za-z0-9_-]{43}\.ics`)

// make makes an address as somebody, who sees this generation.
func (w *world) make(c *webtest.Client, generation string) string {
	w.t.Helper()
	page := c.Post(w.path, url.Values{"generation": {generation}})
	found := address.FindString(page.Body)
	if page.Status != http.StatusOK || found == "" || page.Header.Get("Cache-Control") != "no-store" {
		w.t.Fatal(page.Status, page.Header.Get("Cache-Control"))
	}
	return found
}

// RFC 5545; the same dates as on the pages.
func TestCalendarHoldsTheEndsOfTheOrganizationsKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.Make(w.Developer, "Buy; now, ü", 20)
		old := w.Make(w.Developer, "Old", 60)
		w.Clock.Advance(time.Hour)
		next := w.Rotate(w.Developer, old.Key.ID, 5)
		revoked := w.Make(w.Developer, "Revoked", 9).Key.ID
		if err := w.Keys.Revoke(context.Background(), w.Developer, revoked, ""); err != nil {
			t.Fatal(err)
		}
		at := w.make(w.as(w.Viewer), "0")

		page := w.site.Visitor().Get(at)

		body := strings.ReplaceAll(page.Body, "\r\n ", "")
		if page.Status != 200 || page.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || strings.Count(body, "BEGIN:VEVENT") != 3 {
			t.Fatal(page.Status, page.Header, body)
		}
		for _, want := range []string{
			"SUMMARY:Key expires: Buy\\; now\\, ü (" + made.Key.Hint() + ")\r\n", "DTSTART:20261211T120000Z\r\n", "SUMMARY:Old key stops: Old (" + old.Key.Hint(), "DTSTART:20261126T130000Z\r\n", "SEQUENCE:3600\r\n",
			"UID:" + made.Key.ID.Show("key") + "@127.0.0.1\r\n", "UID:" + next.Key.ID.Show("key") + "@",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("lacks %q in\n%s", want, body)
			}
		}
		for _, m := range []string{made.Secret.Reveal(), old.Secret.Reveal(), next.Secret.Reveal()} {
			if strings.Contains(body, m) {
				t.Error("a secret is in the calendar")
			}
		}
		visitor := w.site.Visitor()
		visitor.Header.Set("If-None-Match", page.Header.Get("ETag"))
		if again := visitor.Get(at); again.Status != http.StatusNotModified {
			t.Error(again.Status)
		}
	})
}

// K1, A5: shown once, kept as a digest; a repeat makes no second one; a new one ends the old one.
func TestAddressIsShownOnceAndTheOldOneStops(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.as(w.Developer)
		first := w.make(dev, "0")
		again := dev.Post(w.path, url.Values{"generation": {"0"}})
		page := dev.Get(w.path)
		second := w.make(dev, "1")

		if again.Status != http.StatusSeeOther || address.MatchString(page.Body) || !strings.Contains(page.Body, "Make a new address") {
			t.Error(again.Status)
		}
		if got := w.site.Visitor().Get(first).Status; got != http.StatusNotFound {
			t.Error("the old one:", got)
		}
		if got := w.site.Visitor().Get(second).Status; got != http.StatusOK {
			t.Error("the new one:", got)
		}
		if got := dev.Post(w.path+"/remove", url.Values{}); got.Status != http.StatusSeeOther || w.site.Visitor().Get(second).Status != http.StatusNotFound {
			t.Error(got.Status)
		}
		if acts := w.Acts(w.Org); strings.Join(acts, " ") != "calendar.address_made calendar.address_made calendar.address_removed" {
			t.Error(acts)
		}
	})
}

// Z2: whoever is no member any more has nothing to read.
func TestAddressStopsWithItsMember(t *testing.T) {
	for what, change := range map[string]string{
		"left":      "DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE name = 'dev')",
		"suspended": "UPDATE users SET suspended_at = created_at WHERE name = 'dev'",
		"deleted":   "UPDATE users SET deleted_at = created_at WHERE name = 'dev'",
		"gone":      "UPDATE organizations SET deleted_at = created_at WHERE name = 'Northwind'",
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				at := w.make(w.as(w.Developer), "0")
				w.Run(change)

				got, none := w.site.Visitor().Get(at), w.site.Visitor().Get("/calendar/"+strings.Repeat("A", 43)+".ics")

				if got.Status != http.StatusNotFound || none.Status != http.StatusNotFound {
					t.Error(got.Status, none.Status)
				}
			})
		})
	}
}

// L7
func TestAddressIsReadAtMostSoOften(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at, other := w.make(w.as(w.Developer), "0"), w.make(w.as(w.Other), "0")
		visitor := w.site.Visitor()
		for range notice.ReadsPerHour {
			if got := visitor.Get(at).Status; got != 200 {
				t.Fatal(got)
			}
		}

		over := visitor.Get(at)

		if over.Status != http.StatusTooManyRequests || over.Header.Get("Retry-After") == "" || visitor.Get(other).Status != 200 {
			t.Error(over.Status, over.Header)
		}
		w.Clock.Advance(time.Hour)
		if got := visitor.Get(at).Status; got != 200 {
			t.Error(got)
		}
	})
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestCalendarPageAnswersTheRightPersonOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev, stranger := w.as(w.Developer), w.as(w.Stranger)
		for _, path := range []string{w.path, w.path + "/remove"} {
			form := url.Values{"generation": {"0"}}
			got := []int{w.site.Visitor().Post(path, form).Status, stranger.Post(path, form).Status, dev.CrossSite(path, form).Status}
			if got[0] != 401 || got[1] != 404 || got[2] != 403 {
				t.Error(path, got)
			}
		}
		if got := []int{dev.Post(w.path, url.Values{"generation": {"x"}}).Status, stranger.Get(w.path).Status, w.site.Visitor().Get(w.path).Status, dev.Get(w.path).Status}; got[0] != 422 || got[1] != 404 || got[2] != 401 || got[3] != 200 {
			t.Error(got)
		}
	})
}
