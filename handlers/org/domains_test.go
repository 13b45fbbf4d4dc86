package org_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

// provenDomain is example.com, which Northwind has proven, and where people join as viewers.
func provenDomain(t *testing.T, w *guests) domain.Domain {
	t.Helper()
	d, err := w.domains.Claim(t.Context(), w.Owner, w.North, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	name, value := d.Record()
	w.dns.Set(name, value)
	if d, err = w.domains.Check(t.Context(), w.Owner, w.North, d.ID); err != nil || !d.Proven() {
		t.Fatal(err, d)
	}
	if err := w.domains.SetJoinRole(t.Context(), w.Owner, w.North, d.ID, "viewer"); err != nil {
		t.Fatal(err)
	}
	return d
}

// domainState is what is known of domains, and who is a member.
func (w *guests) domainState(t *testing.T) string {
	t.Helper()
	var rows []string
	err := w.World.DB.Read(t.Context()).Raw(`SELECT name || finding || join_role || provider || CASE WHEN proven_at IS NULL THEN '-' ELSE '+' END FROM domains
		UNION ALL SELECT CAST(user_id AS TEXT) FROM members ORDER BY 1`).Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows, " ")
}

func TestEachActOnDomainsWorksForOwnersAndForNobodyElse(t *testing.T) {
	for _, a := range []struct {
		name      string
		path      string // below the organization; DOMAIN is the domain's id
		good, bad url.Values
		join      bool // an act of who is no member
	}{
		{"claim", "/domains", form("domain", "fabrikam.example"), form("domain", "com"), false},
		{"check", "/domains/DOMAIN/check", form(), nil, false},
		{"set who may join", "/domains/DOMAIN/join", form("join_role", "developer"), form("join_role", "owner"), false},
		{"set how people sign in", "/domains/DOMAIN/sign-in", form("provider", "northwind", "join_role", "developer"), form("provider", "google", "join_role", "developer"), false},
		{"remove", "/domains/DOMAIN/remove", form(), nil, false},
		{"join", "/join", form(), nil, true},
	} {
		t.Run(a.name, func(t *testing.T) {
			w := newGuests(t)
			d := provenDomain(t, w)
			w.addressElsewhere(t)
			name, _ := d.Record()
			w.dns.Set(name) // so that a check changes something
			path := "/console/organizations/" + w.North.Show("org") + strings.Replace(a.path, "DOMAIN", d.ID.Show("dom"), 1)
			who, stranger := w.owner, w.other
			if a.join {
				who, stranger = w.as(w.vera), w.as(w.viewer)
			}
			before := w.domainState(t)

			wantStatus(t, "signed out", w.Visitor().Post(path, a.good).Status, 401)
			wantStatus(t, "another site", who.CrossSite(path, a.good).Status, 403)
			wantStatus(t, "somebody else", stranger.Post(path, a.good).Status, 404)
			if !a.join {
				wantStatus(t, "a viewer", w.as(w.viewer).Post(path, a.good).Status, 403)
			}
			if a.bad != nil {
				wantStatus(t, "wrong input", who.Post(path, a.bad).Status, 422)
			}
			if now := w.domainState(t); now != before {
				t.Errorf("something changed: %s, %s", before, now)
			}
			wantStatus(t, "works", who.Post(path, a.good).Status, http.StatusSeeOther)
			if w.domainState(t) == before {
				t.Error("nothing changed")
			}
		})
	}
}

func TestADomainsPageTellsItsRecordAndHowItStands(t *testing.T) {
	w := newGuests(t)
	claimed, err := w.domains.Claim(t.Context(), w.Owner, w.North, "bücher.example")
	if err != nil {
		t.Fatal(err)
	}
	north := "/console/organizations/" + w.North.Show("org")
	at := north + "/domains/" + claimed.ID.Show("dom")
	_, value := claimed.Record()

	has(t, w.owner.Get(north), `href="`+north+`/domains"`)
	has(t, w.owner.Get(north+"/domains"), "bücher.example", "Not proven", at)
	has(t, w.owner.Get(at), "_gatehouse-challenge.xn--bcher-kva.example", value, "Not proven", "Check record")
	if page := w.as(w.viewer).Get(north); strings.Contains(page.Body, "/domains") {
		t.Error("a viewer is led to domains")
	}
	d := provenDomain(t, w)
	has(t, w.owner.Get(north+"/domains/"+d.ID.Show("dom")), "Proven", "Who has an address there, as viewer", "Save who may join")
	has(t, w.owner.Get(north+"/domains/"+d.ID.Show("dom")+"/remove"), "Nobody joins by an address there any more")
	has(t, w.as(w.vera).Get("/console/organizations"), "You can join", "Northwind", north+"/join")
}

func TestAnInvitationStandsUnderOrganizations(t *testing.T) {
	w := newGuests(t)

	page := w.as(w.vera).Get("/console/invitations/" + w.invited.ID.Show("inv"))

	if at := strings.Index(page.Body, `href="/console/organizations" aria-current="page"`); at < 0 {
		t.Errorf("another place is marked (%d)", page.Status)
	}
}

// addressElsewhere gives the owner one at a domain that nobody has proven.
func (w *guests) addressElsewhere(t *testing.T) {
	t.Helper()
	if err := w.World.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET email = 'nora@elsewhere.example' WHERE id = ?", w.Owner.UserID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A14: who could let everybody in by another provider shows first that it is them.
func TestOwnersChooseHowPeopleOfTheirDomainSignIn(t *testing.T) {
	w := newGuests(t)
	d := provenDomain(t, w)
	at := "/console/organizations/" + w.North.Show("org") + "/domains/" + d.ID.Show("dom")
	choice := form("provider", "northwind", "join_role", "viewer")

	has(t, w.owner.Get(at), "People with an address there sign in by any means", at+"/sign-in")
	has(t, w.owner.Get(at+"/sign-in"), "By Northwind Login", "What a provider changes", "Everybody there is signed out")
	stuck := w.owner.Post(at+"/sign-in", choice)
	w.addressElsewhere(t)
	wantStatus(t, "saved", w.owner.Post(at+"/sign-in", choice).Status, 303)
	has(t, w.owner.Get(at), "Everybody with an address there signs in by Northwind Login")
	w.Clock.Advance(11 * time.Minute)
	asked := w.owner.Post(at+"/sign-in", form("provider", ""))

	if stuck.Status != 409 || !strings.Contains(stuck.Body, "No owner could get in while the provider is away") || asked.Status != 303 || !strings.HasPrefix(asked.Location, "/console/account/confirm") {
		t.Error(stuck.Status, asked.Status, asked.Location)
	}
}

// A14, Z7: removing a domain ends the rule as well, so it asks for no less than ending the rule does.
func TestRemovingADomainAsksForAFreshProof(t *testing.T) {
	w := newGuests(t)
	d := provenDomain(t, w)
	w.addressElsewhere(t)
	at := "/console/organizations/" + w.North.Show("org") + "/domains/" + d.ID.Show("dom")
	wantStatus(t, "saved", w.owner.Post(at+"/sign-in", form("provider", "northwind", "join_role", "viewer")).Status, 303)
	bound := func() bool {
		_, ok, err := w.domains.Binding(w.World.DB.Read(t.Context()), "vera.view@example.com", false)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	w.Clock.Advance(11 * time.Minute)

	asked := w.owner.Post(at+"/remove", form())
	before := bound()
	removed := w.as(w.Owner).Post(at+"/remove", form())

	if asked.Status != 303 || !strings.HasPrefix(asked.Location, "/console/account/confirm") || !before || removed.Status != 303 || bound() {
		t.Error(asked.Status, asked.Location, before, removed.Status, bound())
	}
}
