package staff_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// things are rows of each kind that the log of the company's people names.
type things struct{ owner, org, app, role, factor, invitation, domain, share, token, group, gone db.ID }

func (w world) things(t *testing.T) (x things) {
	t.Helper()
	u := w.Person("ada@example.com", "")
	for _, id := range []*db.ID{&x.org, &x.app, &x.role, &x.factor, &x.invitation, &x.domain, &x.share, &x.token, &x.group, &x.gone} {
		*id = db.NewID()
	}
	x.owner = u.ID
	err := w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		for _, one := range []struct {
			sql  string
			args []any
		}{
			{"UPDATE users SET name = 'Ada Lovelace' WHERE id = ?", []any{x.owner}},
			{"INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Kestrel', ?, ?)", []any{x.org, tx.Now, tx.Now}},
			{"INSERT INTO apps (id, organization_id, name, created_by, created_at, updated_at) VALUES (?, ?, 'Checkout', ?, ?, ?)", []any{x.app, x.org, x.owner, tx.Now, tx.Now}},
			{"INSERT INTO staff_roles (id, name, permissions, created_at, updated_at) VALUES (?, 'Night watch', 'staff.users.read', ?, ?)", []any{x.role, tx.Now, tx.Now}},
			{"INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'passkey', 'Pixel 9', ?, ?)", []any{x.factor, x.owner, tx.Now, tx.Now}},
			{"INSERT INTO invitations (id, organization_id, email, role, digest, invited_by, sent_at, expires_at, created_at) VALUES (?, ?, 'bob@example.com', 'viewer', ?, ?, ?, ?, ?)", []any{x.invitation, x.org, []byte("x"), x.owner, tx.Now, tx.Now, tx.Now}},
			{"INSERT INTO domains (id, organization_id, name, token, created_at) VALUES (?, ?, 'kestrel.example', 'x', ?)", []any{x.domain, x.org, tx.Now}},
			{"INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, reason, ends_at, created_at) VALUES (?, ?, ?, ?, TRUE, 'x', ?, ?)", []any{x.share, x.app, x.org, db.NewID(), tx.Now, tx.Now}},
			{"INSERT INTO scim_tokens (id, organization_id, name, digest, digest_algorithm, pepper_version, hint, created_by, created_at, expires_at) VALUES (?, ?, 'Okta', ?, 'x', 'x', 'x', ?, ?, ?)", []any{x.token, x.org, []byte("y"), x.owner, tx.Now, tx.Now}},
			{"INSERT INTO scim_groups (id, organization_id, display_name, name_key, created_at, updated_at) VALUES (?, ?, 'Engineers', 'engineers', ?, ?)", []any{x.group, x.org, tx.Now, tx.Now}},
		} {
			if _, err := tx.Run(one.sql, one.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (x things) record(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		by := actor.ForSystem()
		for _, e := range []audit.Event{
			{Act: audit.StaffRoleChanged, TargetKind: "staff_role", TargetID: x.role},
			{Act: audit.FactorShown, TargetKind: "factor", TargetID: x.factor},
			{Act: audit.InvitationResent, TargetKind: "invitation", TargetID: x.invitation},
			{Act: audit.DomainProven, TargetKind: "domain", TargetID: x.domain},
			{Act: audit.ShareOffered, TargetKind: "share", TargetID: x.share, Details: map[string]string{"app": x.app.Show("app"), "with": x.org.Show("org")}},
			{Act: audit.DirectoryTokenMade, TargetKind: "directory_token", TargetID: x.token},
			{Act: audit.DirectoryGroupAdded, TargetKind: "directory_group", TargetID: x.group},
			{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: x.owner, Details: map[string]string{"from": "support", "to": x.role.String()}},
			{Act: audit.DomainRemoved, TargetKind: "domain", TargetID: x.gone},
			{Act: audit.AppChanged, TargetKind: "app", TargetID: x.gone, Details: map[string]string{"name": x.app.Show("app")}},
		} {
			audit.Record(tx, by, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// U1: the log tells roles, factors, invitations, domains, shares and directories by the names that they have now, also within details, each with the page on which it is looked
// at; what is gone keeps its id, and what people typed is not read as one.
func TestTheAuditLogTellsThingsByTheirNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		x := w.things(t)
		x.record(t, d)

		page := w.As(w.Person("u@northwind.example", permission.Auditor)).Get("/admin/audit")

		link := func(href, name string) string { return `<a href="` + href + `" translate="no">` + name + `</a>` }
		org, app, role := "/admin/organizations/"+x.org.Show("org"), "/admin/apps/"+x.app.Show("app"), "/admin/roles/"+x.role.Show(staffrole.Prefix)
		for part, times := range map[string]int{
			link(role, "Night watch"): 2, link("/admin/users/"+x.owner.Show("user"), "Ada Lovelace"): 2, link(org, "bob@example.com"): 1, link(org, "kestrel.example"): 1,
			link(app, "Checkout"): 2, link(org, "Kestrel"): 1, link(org, "Okta"): 1, link(org, "Engineers"): 1,
			x.factor.Show("factor"): 1, x.invitation.Show("inv"): 1, x.domain.Show("dom"): 1, x.gone.Show("dom"): 1, "from: support": 1, "name: " + x.app.Show("app"): 1,
			"Pixel 9": 0, x.role.String(): 0,
		} {
			if got := strings.Count(page.Body, part); got != times {
				t.Errorf("%s stands %d times, want %d", part, got, times)
			}
		}
		if page.Status != 200 || strings.Contains(page.Body, `audit.csv?"`) || strings.Contains(page.Body, `audit.jsonl?"`) {
			t.Error(page.Status, "a link ends in a bare ?")
		}
	})
}

// U1, U8: two people whose names were erased are still told from each other; a review is called what its page calls it; what was nothing is seen to be.
func TestTheAuditLogTellsTheNamelessByTheirIDs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		gone, finished := db.NewID(), db.NewID()
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: gone}, audit.Event{Act: audit.ReviewFinished, TargetKind: "review", TargetID: finished})
			audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: gone, Details: map[string]string{"from": "", "to": "support"}})
			return nil
		}); err != nil {
			t.Fatal(err)
		}

		page := w.As(w.Person("u@northwind.example", permission.Auditor)).Get("/admin/audit")

		if !strings.Contains(page.Body, ">"+gone.Show("user")+"<") || !strings.Contains(page.Body, finished.Show("review")) || !strings.Contains(page.Body, "from: –") {
			t.Error(page.Status, page.Body)
		}
	})
}

// U1, U2: a detail is read as an id of what it tells of alone. What people called something, or an id of another kind, stands as the text that it is: else an app's name
// would put somebody else's name and a link into the log.
func TestADetailIsReadAsAnIDOfItsOwnKindAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		x := w.things(t)
		owner, org, app := x.owner.Show("user"), x.org.Show("org"), x.app.Show("app")
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for _, e := range []audit.Event{
				{Act: audit.AppMemberAdded, Details: map[string]string{"app": owner}},                // as it was written before,
				{Act: audit.AppMemberRemoved, Details: map[string]string{"app": app}},                // with the name of the app
				{Act: audit.AppMemberAdded, Details: map[string]string{"app": app, "name": org}},     // as it is now
				{Act: audit.ShareOffered, Details: map[string]string{"with": owner, "share": org}},   // other kinds
				{Act: audit.DomainProviderSet, Details: map[string]string{"from": owner, "to": org}}, // words
				{Act: audit.QuestionAssigned, Details: map[string]string{"to": org}},
				{Act: audit.AppMoved, Details: map[string]string{"from": owner, "to": org}},
			} {
				e.TargetKind, e.TargetID = "user", x.gone
				audit.Record(tx, actor.ForSystem(), e)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}

		page := w.As(w.Person("u@northwind.example", permission.Auditor)).Get("/admin/audit")

		for part, times := range map[string]int{
			">Ada Lovelace<": 0, ">Checkout<": 1, ">Kestrel<": 1,
			"app: " + owner: 1, "app: " + app: 1, "name: " + org: 1, "with: " + owner: 1, "share: " + org: 1, "from: " + owner: 2, "to: " + org: 2,
		} {
			if got := strings.Count(page.Body, part); got != times {
				t.Errorf("%s stands %d times, want %d", part, got, times)
			}
		}
	})
}

// Z3: who reads the log alone sees names without links to pages that would refuse them.
func TestTheAuditLogLinksOnlyWhatItsReaderMayOpen(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := newWorld(t, d, clock)
	x := w.things(t)
	x.record(t, d)
	watcher := w.Person("w@northwind.example", "")
	if err := d.Tx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Run("UPDATE staff_roles SET permissions = ? WHERE id = ?", string(permission.StaffAuditRead), x.role); err != nil {
			return err
		}
		_, err := tx.Run("UPDATE users SET staff_role = ? WHERE id = ?", x.role.String(), watcher.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}

	page := w.As(watcher).Get("/admin/audit")

	if page.Status != 200 || !strings.Contains(page.Body, `<span translate="no">Checkout</span>`) || strings.Contains(page.Body, `href="/admin/apps/`) || strings.Contains(page.Body, `href="/admin/users/`) {
		t.Error(page.Status, page.Body)
	}
}

// The page costs as many queries for many events as for one of each kind.
func TestNamesOfTheAuditLogCostAQueryAKind(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := newWorld(t, d, clock)
	x := w.things(t)
	x.record(t, d)
	auditor := w.As(w.Person("u@northwind.example", permission.Auditor))
	queries := dbtest.CountQueries(t, d)
	cost := func() int64 {
		before := queries.Load()
		auditor.Get("/admin/audit")
		return queries.Load() - before
	}
	cost() // the verdict about the chain is kept for a minute
	few := cost()
	x.record(t, d)
	x.record(t, d)

	if many := cost(); many != few {
		t.Errorf("%d queries, then %d", few, many)
	}
}
