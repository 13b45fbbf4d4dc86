package handlers_test

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// company is people of all kinds, what they have, and what they share.
type company struct {
	people   []account.User
	browsers map[db.ID]*webtest.Client // of each of people
	objects  map[string][]string       // ids by kind, as pages show them
	of       map[string][]account.User // the people of the organization of an object
	shares   []lentApp
}

// lentApp is a share of an app with its keys, and the people with whom it is shared.
type lentApp struct {
	name string
	id   db.ID
	app  string
	keys []string
	to   []account.User
}

// house is an organization with its people, the owner first, and an app with a live and a test key of its owner and of a developer.
type house struct {
	id, app    db.ID
	owner, dev account.User
	people     []account.User
	keys       []string
}

// company fills the world: two organizations that share apps with each other and with an agency, and shares that open nothing for each reason; the mill requires a second
// factor, and so do staff. The last of its people will be suspended.
func (w *world) company() company {
	w.Helper()
	c := company{people: []account.User{w.admin, w.mine.user, w.them.user}, browsers: map[db.ID]*webtest.Client{}, objects: map[string][]string{}, of: map[string][]account.User{}}
	var bare []account.User
	roles := []string{permission.Developer, permission.Viewer, permission.Developer, permission.Admin}
	bakery, mill, agency := w.founded(&c, "bakery", roles...), w.founded(&c, "mill", roles...), w.founded(&c, "agency", roles...)
	shut, stopped := w.founded(&c, "shut", permission.Developer), w.founded(&c, "stopped", permission.Developer)
	for _, h := range []house{bakery, mill, agency} { // their first developers have no second factor
		bare = append(bare, h.people[1])
	}
	for _, u := range []account.User{agency.dev, w.them.user} { // they are kept out of the bakery's limited app, and let in
		w.join(bakery.id, u, permission.Developer)
	}
	limited := w.app(&c, bakery.id, "Limited", bakery.owner)
	w.ok(w.house.Stores.Org.LimitApp(w.Context(), webtest.ActorOf(bakery.owner), limited.app, true, []db.ID{w.them.user.ID}))
	w.join(agency.id, w.them.user, permission.Developer)

	w.lends(&c, "usage, test keys", bakery, agency, actor.ReadUsage, actor.RotateTest)
	w.lends(&c, "all keys, of who requires a factor", mill, agency, actor.ReadUsage, actor.RotateAll)
	w.lends(&c, "keys, to who requires a factor", bakery, mill, actor.ReadKeys)
	w.lends(&c, "usage alone", mill, bakery, actor.ReadUsage)
	w.lends(&c, "a limited app", house{id: bakery.id, app: limited.app, owner: bakery.owner, keys: limited.keys}, agency, actor.Rights...)
	w.lends(&c, "of a suspended organization", shut, agency, actor.Rights...)
	w.lends(&c, "to a suspended organization", agency, stopped, actor.Rights...)
	ended := w.lends(&c, "ended", shut, bakery, actor.Rights...)
	_, err := w.house.Stores.Share.End(w.Context(), webtest.ActorOf(bakery.owner), ended)
	w.ok(err)
	w.expires(&c, stopped, agency)
	self := house{id: webtest.PersonalOrg(w, w.db, shut.owner.ID), owner: shut.owner}
	own := w.app(&c, self.id, "App of a person", self.owner)
	self.app, self.keys = own.app, own.keys
	w.lends(&c, "of a suspended person", self, agency, actor.Rights...)
	w.run("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), shut.owner.ID)
	w.run("UPDATE organizations SET suspended_at = ? WHERE id IN ?", w.clock.Now(), []db.ID{shut.id, stopped.id})
	w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", w.clock.Now(), mill.id)

	for _, role := range []string{permission.Support, permission.Auditor} {
		bare = append(bare, w.site.Person("bare."+role+"@company.example", role))
		c.people = append(c.people, w.site.Person(role+"@company.example", role), bare[len(bare)-1])
	}
	for i, has := range [][]permission.Name{{permission.StaffUsageRead, permission.StaffUsersRead}, {permission.StaffMailManage, permission.StaffOrgsRead}, {permission.StaffQuestionsRead}} {
		u, _ := w.staffed("composed"+string(rune('a'+i))+"@company.example", has...)
		c.people = append(c.people, u)
	}
	c.people = append(c.people, w.site.Person("suspended@company.example", permission.Support))
	for _, u := range c.people {
		c.browsers[u.ID] = w.site.As(u)
		if slices.ContainsFunc(bare, func(b account.User) bool { return b.ID == u.ID }) {
			w.run("DELETE FROM sessions WHERE user_id = ?", u.ID)
			c.browsers[u.ID] = w.site.ByPassword(u)
		}
	}
	return c
}

func (w *world) join(o db.ID, u account.User, role string) {
	w.Helper()
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", o, u.ID, role, w.clock.Now())
}

func (w *world) founded(c *company, name string, roles ...string) house {
	w.Helper()
	h := house{owner: w.site.Person("owner@"+name+".example", "")}
	o, err := w.house.Stores.Org.Create(w.Context(), webtest.ActorOf(h.owner), org.Input{Name: name})
	w.ok(err)
	h.id, h.people = o.ID, []account.User{h.owner}
	for i, role := range roles {
		u := w.site.Person(role+strconv.Itoa(i)+"@"+name+".example", "")
		w.join(o.ID, u, role)
		if h.people = append(h.people, u); role == permission.Developer {
			h.dev = u
		}
	}
	c.people = append(c.people, h.people...)
	made := w.app(c, o.ID, "App of "+name, h.owner, h.dev)
	h.app, h.keys = made.app, made.keys
	c.objects["org"] = append(c.objects["org"], o.ID.Show("org"))
	for _, ref := range append([]string{o.ID.Show("org"), h.app.Show("app")}, h.keys...) {
		c.of[ref] = h.people
	}
	return h
}

// app makes an app with a key of each environment of each maker.
func (w *world) app(c *company, o db.ID, name string, makers ...account.User) house {
	w.Helper()
	ctx, s := context.Background(), w.house.Stores
	app, err := s.Org.CreateApp(ctx, webtest.ActorOf(makers[0]), o, org.AppInput{Name: name})
	w.ok(err)
	h := house{app: app.ID}
	for _, m := range makers {
		for _, environment := range []string{"live", "test"} {
			a := webtest.ActorOf(m)
			made, err := s.Key.Create(ctx, a, key.CreateRequest{Token: s.Key.NewFormToken(a, key.CreatePurpose()), AppID: app.ID, Environment: environment, Name: "Key", Expiry: key.Expiry{Days: 30}})
			w.ok(err)
			h.keys = append(h.keys, made.Key.ID.Show("key"))
			w.run("UPDATE keys SET name = ? WHERE id = ?", "Key of "+made.Key.ID.Show("key"), made.Key.ID)
		}
	}
	c.objects["app"], c.objects["key"] = append(c.objects["app"], app.ID.Show("app")), append(c.objects["key"], h.keys...)
	return h
}

func (w *world) lends(c *company, name string, from, to house, rights ...actor.Right) db.ID {
	w.Helper()
	id := w.lend(from.owner, from.app, to.owner, to.id, rights...)
	c.shares = append(c.shares, lentApp{name, id, from.app.Show("app"), from.keys, to.people})
	return id
}

// expires is a share whose last day is over.
func (w *world) expires(c *company, from, to house) {
	w.Helper()
	s := w.house.Stores.Share
	offer, err := s.Offer(w.Context(), webtest.ActorOf(from.owner), from.app, share.Input{Receiver: to.id.Show(org.Prefix), Rights: actor.Rights, Reason: "For today", EndsOn: w.clock.Now().Format(share.DayLayout)})
	w.ok(err)
	_, err = s.Accept(w.Context(), webtest.ActorOf(to.owner), offer.ID)
	w.ok(err)
	c.shares = append(c.shares, lentApp{"expired", offer.ID, from.app.Show("app"), from.keys, to.people})
	w.clock.Advance(25 * time.Hour)
}
