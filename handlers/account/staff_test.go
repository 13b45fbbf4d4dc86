package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

func actorOf(u account.User) actor.Actor {
	return actor.Actor{Kind: actor.User, UserID: u.ID, StaffRole: u.StaffRole, Name: u.Name}
}

func TestStaffFindUsersAndSeeOne(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	support := w.As(w.member("support@example.com", "support"))

	w.want(support.Get("/admin/users?q=ADA%40"), 200, "ada@example.com", "Active")
	w.want(support.Get("/admin/users?q=nothing+like+it"), 200, "No user is like that.")
	page := support.Get("/admin/users/" + u.ID.Show("user"))

	w.want(page, 200, "ada@example.com", "Personal", "Signed in nowhere.")
	w.want(support.Get("/admin/users/"+db.NewID().Show("user")), 404)
	w.want(support.Get("/admin/users/ada"), 404)
	w.want(w.As(u).Get("/admin/users"), 403)
}

// F6
func TestStaffPagesOfferOnlyWhatTheRoleMayDo(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	path := "/admin/users/" + u.ID.Show("user")

	admins, supports := w.As(w.member("root@example.com", "admin")).Get(path), w.As(w.member("support@example.com", "support")).Get(path)

	w.want(admins, 200, "Suspend user", "Save role")
	w.want(supports, 200)
	for _, word := range []string{"Suspend user", "Save role", "End sessions"} {
		if contains(supports.Body, word) {
			t.Errorf("support is offered %q", word)
		}
	}
}

func TestAdminSuspendsAndUnsuspends(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	dev, admin := w.As(u), w.As(w.member("root@example.com", "admin"))
	path := "/admin/users/" + u.ID.Show("user")

	w.want(admin.Post(path+"/suspend", form("reason", "", "until", "2027-01-31")), 422, "Say why", `value="2027-01-31"`)
	w.want(admin.Post(path+"/suspend", form("reason", "Odd calls", "until", "tomorrow")), 422, "year-month-day", `value="Odd calls"`)
	w.want(admin.Post(path+"/suspend", form("reason", "Odd calls", "until", "2026-11-20")), 422, "not over")
	w.leads(admin.Post(path+"/suspend", form("reason", "Odd calls", "until", "2026-11-21")), path)
	w.want(admin.Get(path), 200, "Suspended", "Odd calls", "22 Nov 2026, 00:00 UTC", "Unsuspend")
	w.want(dev.Get("/console/account"), 401)
	w.leads(admin.Post(path+"/unsuspend", form()), path)
	w.want(admin.Post(path+"/unsuspend", form()), 409)

	w.want(w.As(u).Get("/console/account"), 200)
}

func TestAdminEndsSessionsAndApproves(t *testing.T) {
	w := begin(t, "approval")
	admin := w.As(w.member("root@example.com", "admin"))
	browser := w.Visitor()
	browser.Post("/signup", signUp())
	mail, _ := w.last("ada@example.com")
	browser.Post("/verify", form("code", mail.Code))
	var id db.ID
	w.must(w.DB.Read(t.Context()).Raw("SELECT id FROM users WHERE email = 'ada@example.com'").Row().Scan(&id))
	path := "/admin/users/" + id.Show("user")

	w.want(admin.Get(path), 200, "Waits for approval", "Approve")
	w.leads(admin.Post(path+"/approve", form()), path)
	w.leads(browser.Post("/login", form("email", "ada@example.com", "password", good)), "/console")
	w.leads(admin.Post(path+"/end-sessions", form()), path)

	w.want(browser.Get("/console/account"), 401)
	w.want(admin.Post(path+"/approve", form()), 409)
}

// S4
func TestStaffEndOneSessionOfAUser(t *testing.T) {
	w := begin(t, "")
	u, other := w.member("ada@example.com", ""), w.member("eve@example.com", "")
	here, there := w.As(u), w.As(u)
	admin, support := w.As(w.member("root@example.com", "admin")), w.As(w.member("support@example.com", "support"))
	var ids []db.ID
	w.must(w.DB.Read(t.Context()).Raw("SELECT id FROM sessions WHERE user_id = ? ORDER BY created_at, id", u.ID).Scan(&ids).Error)
	path := "/admin/users/" + u.ID.Show("user")
	end := path + "/sessions/" + ids[0].Show("session") + "/end"

	w.want(admin.Get(path), 200, end, "End session")
	if contains(support.Get(path).Body, "/sessions/") {
		t.Error("support is offered to end a session")
	}
	w.want(w.Visitor().Post(end, form()), 401)
	w.want(support.Post(end, form()), 403)
	w.want(there.Post(end, form()), 403)
	w.want(admin.CrossSite(end, form()), 403)
	w.want(admin.Post("/admin/users/"+other.ID.Show("user")+"/sessions/"+ids[0].Show("session")+"/end", form()), 404)
	w.want(admin.Post(path+"/sessions/none/end", form()), 404)
	w.want(here.Get("/console/account"), 200)
	w.leads(admin.Post(end, form()), path)

	alive := 0
	for _, c := range []*webtest.Client{here, there} {
		if c.Get("/console/account").Status == 200 {
			alive++
		}
	}
	if alive != 1 {
		t.Errorf("%d of two browsers are signed in", alive)
	}
	w.want(admin.Post(end, form()), 404)
}

func TestAdminGivesARole(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	admin := w.As(w.member("root@example.com", "admin"))
	path := "/admin/users/" + u.ID.Show("user")

	w.want(admin.Post(path+"/role", form("role", "emperor")), 422, "Choose a role of the list.")
	w.leads(admin.Post(path+"/role", form("role", "auditor")), path)

	w.want(admin.Get("/admin/users?role=auditor"), 200, "ada@example.com", "Auditor")
	w.want(w.As(u).Get("/admin/users"), 200)
}

// S2
func TestOwnRoleChangeAsksToSignInAgain(t *testing.T) {
	w := begin(t, "")
	w.member("second@example.com", "admin")
	u := w.member("root@example.com", "admin")
	browser := w.As(u)

	w.leads(browser.Post("/admin/users/"+u.ID.Show("user")+"/role", form("role", "auditor")), "/login")

	w.want(browser.Get("/login"), 200, "Your staff role is changed.")
}

func TestAdminHandsOutMail(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.Visitor().Post("/signup", signUp())
	letter, id := w.last("ada@example.com")

	list := admin.Get("/admin/mail")
	w.want(list, 200, "Verify your address for …", "ada@example.com", "Waiting", "Open letter", "No mail server is set up")
	if contains(list.Body, letter.Code) || contains(list.Body, tokenOf(w.path(letter))) {
		t.Error("the list holds a secret")
	}
	opened := admin.Post("/admin/mail/"+id+"/open", form())
	w.want(opened, 200, letter.Code, tokenOf(w.path(letter)), "Mark as handed out", "Hello,")
	w.leads(admin.Post("/admin/mail/"+id+"/handed-out", form()), "/admin/mail")

	w.want(admin.Get("/admin/mail?state=sent"), 200, "ada@example.com")
	w.want(admin.Get("/admin/mail?state=waiting"), 200, "No mail here.")
	w.want(admin.Post("/admin/mail/"+id+"/open", form()), 404)
	w.want(admin.Get("/admin/mail?state=nonsense"), 200, "ada@example.com")
}

func TestListOfLettersHidesWhatSubjectsNameAndCount(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return w.box.Queue(tx, outbox.Letter{Kind: "keys_end", To: "ada@example.com", Subject: outbox.L("%d API keys expire soon", "3")})
	}))

	list := admin.Get("/admin/mail")

	w.want(list, 200, "… API keys expire soon")
	if contains(list.Body, "%!") {
		t.Error("a subject is broken")
	}
}

func TestCodeAndLinkOfALetterTellTheirOwnEnd(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.Visitor().Post("/signup", signUp())
	_, verify := w.last("ada@example.com")
	w.must(w.store.RequestReset(t.Context(), actor.Actor{}, "root@example.com"))
	_, reset := w.last("root@example.com")

	both, link := admin.Post("/admin/mail/"+verify+"/open", form()), admin.Post("/admin/mail/"+reset+"/open", form())

	w.want(both, 200, "Code useless after", `datetime="2026-11-21T12:10:00Z"`, "Link useless after", `datetime="2026-11-22T12:00:00Z"`, "The link works until")
	w.want(link, 200, ">Useless after", `datetime="2026-11-21T12:30:00Z"`)
	if contains(both.Body, "The button") || contains(link.Body, "Code useless after") {
		t.Error(both.Body, link.Body)
	}
}

func TestALetterThatNeverEndsTellsNoEnd(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.leads(admin.Post("/console/account/password", form("current_password", good, "new_password", other)), "/console/account")
	_, id := w.last("root@example.com")

	letter := admin.Post("/admin/mail/"+id+"/open", form())

	w.want(letter, 200, "was changed on")
	if contains(letter.Body, "seless after") || contains(letter.Body, ">Never<") {
		t.Error(letter.Body)
	}
}

// A14: a letter can hold the key to an account.
func TestOpeningALetterAsksForThePasswordAgain(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.Visitor().Post("/signup", signUp())
	_, id := w.last("ada@example.com")
	w.Clock.Advance(account.Reauthenticated + time.Second)

	page := admin.Post("/admin/mail/"+id+"/open", form())

	if page.Status != 303 || !strings.HasPrefix(page.Location, "/console/account/confirm") {
		t.Error(page.Status, page.Location)
	}
}

// Z5: an admin who hands out mail does not become another admin by it.
func TestLettersThatOpenAccountsOfOtherStaffStayClosed(t *testing.T) {
	w := begin(t, "")
	root := w.member("root@example.com", "admin")
	w.member("second@example.com", "auditor")
	w.member("ada@example.com", "")
	admin := w.As(root)
	status := map[string]int{}
	for _, email := range []string{"root@example.com", "second@example.com", "ada@example.com"} {
		w.must(w.store.RequestReset(t.Context(), actor.Actor{}, email))
		_, id := w.last(email)
		status[email] = admin.Post("/admin/mail/"+id+"/open", form()).Status
	}
	var second account.User
	w.must(w.DB.Read(t.Context()).Raw("SELECT * FROM users WHERE email = 'second@example.com'").Scan(&second).Error)
	w.must(w.store.RequestEmail(t.Context(), actorOf(second), "new@example.com", good))
	change, changeID := w.last("new@example.com")
	w.must(w.store.ConfirmEmail(t.Context(), actorOf(second), tokenOf(w.path(change))))
	_, undoID := w.last("second@example.com")

	list := admin.Get("/admin/mail?state=waiting")
	w.want(list, 200, "opens the account of another member of staff")
	if closed, open := strings.Count(list.Body, "Only a mail server delivers this"), strings.Count(list.Body, ">Open letter<"); closed != 3 || open != 2 {
		t.Errorf("%d letters are closed, %d can be opened", closed, open)
	}
	for _, id := range []string{changeID, undoID} {
		w.want(admin.Post("/admin/mail/"+id+"/open", form()), 403, "another member of staff")
	}

	if status["root@example.com"] != 200 || status["second@example.com"] != 403 || status["ada@example.com"] != 200 {
		t.Error(status)
	}
}

func TestWithAMailServerLettersStayClosed(t *testing.T) {
	w := serve(t, "", false)
	admin := w.As(w.member("root@example.com", "admin"))
	w.leads(admin.Post("/admin/mail/test", form()), "/admin/mail")
	_, id := w.last("root@example.com")
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE mails SET last_error = 'no route to mail.example'")
		return err
	}))

	page := admin.Get("/admin/mail")

	w.want(page, 200, "The mail server said last", "no route to mail.example")
	w.want(admin.Post("/admin/mail/"+id+"/open", form()), 409)
	if contains(page.Body, "Open letter") || contains(w.Visitor().Get("/signup").Body, "hands you the mail") {
		t.Error("letters can be opened")
	}
}

// The lists of staff cost the same number of queries however many rows they show.
func TestListsTakeAsManyQueriesForManyRowsAsForOne(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.want(admin.Post("/admin/mail/test", form()), 303)
	queries := dbtest.CountQueries(t, w.DB)
	cost := func(path string) int64 {
		before := queries.Load()
		w.want(admin.Get(path), 200)
		return queries.Load() - before
	}
	users, mails := cost("/admin/users"), cost("/admin/mail")
	for i := range 30 {
		w.member(fmt.Sprintf("dev%d@example.com", i), "")
		w.want(admin.Post("/admin/mail/test", form()), 303)
	}

	manyUsers, manyMails := cost("/admin/users"), cost("/admin/mail")

	if manyUsers != users || manyMails != mails {
		t.Errorf("users: %d, then %d; mails: %d, then %d", users, manyUsers, mails, manyMails)
	}
}
