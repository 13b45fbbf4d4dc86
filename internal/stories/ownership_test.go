package stories_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// enlist makes somebody a member of an organization, as an invitation does.
func (w *world) enlist(email, organization, role string) {
	w.t.Helper()
	url := w.env["GATEHOUSE_DATABASE_URL"]
	if url == "" {
		url = "sqlite:" + filepath.Join(w.dir, "gatehouse.db")
	}
	d, err := db.Open(context.Background(), db.Options{URL: url})
	if err != nil {
		w.t.Fatal(err)
	}
	err = d.Tx(context.Background(), func(tx *db.Tx) error {
		n, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) SELECT o.id, u.id, ?, ? FROM organizations o JOIN users u ON u.email = ? WHERE o.name = ?", role, tx.Now, email, organization)
		if err == nil && n != 1 {
			w.t.Errorf("%d members of %s were added", n, organization)
		}
		return err
	})
	if err := d.Close(); err != nil {
		w.t.Error(err)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

var handoverLink = regexp.MustCompile(`^http://[^/]+(/handover/[A-Za-z0-9_-]{43})$`)

// linkFor makes a key that is handed over by a link, and returns the path of the link; the person then sees the key's page.
func (s *stage) linkFor(name string) (path, page string) {
	s.t.Helper()
	s.dev.open("/console/apps")
	s.dev.follow(s.app)
	s.dev.follow("Create key")
	s.dev.fill("Name", name)
	s.dev.tick("orders:read")
	s.dev.fill("How it is handed out", "Make a link for a colleague or a deploy script that opens once")
	s.dev.fill("The link works for", "15 minutes")
	s.dev.press("Create key")
	s.dev.see("Hand over your key", "See orders and their state", "For a deploy script")
	found := handoverLink.FindStringSubmatch(s.dev.secret())
	if found == nil {
		s.t.Fatalf("the page shows %q as a link", s.dev.secret())
	}
	s.secrets.keep("link", strings.TrimPrefix(found[1], "/handover/"))
	s.dev.follow("I have sent it: go to the key")
	s.dev.see(name, "Hand-over links", "Waits until")
	return found[1], s.dev.path()
}

// K1, K2, B1-15: a new key is handed to a colleague and to a deploy script, each time once, and its maker hears of it.
func TestANewKeyIsHandedOverByALinkThatOpensOnce(t *testing.T) {
	t.Parallel()
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			colleague := newClerk(t, s.URL, "colleague")
			link, page := s.linkFor("Deploy")

			colleague.open(link)
			colleague.see("Somebody hands you an API key", "See orders and their state", "Order tracker")
			colleague.press("Show the key")
			k := madeKey{name: "Deploy", page: page, secret: colleague.secret()}
			s.secrets.keep("key", k.secret)

			s.answers(t, k, 200, "")
			colleague.open(link)
			colleague.see("This link opens nothing")
			if mail := s.mailTo(devMail, "was opened"); !strings.Contains(mail.Text, "127.0.0.0/24") || strings.Contains(mail.Text, k.secret) {
				t.Errorf("the mail says %s", mail.Text)
			}
			s.dev.open(page)
			s.dev.see("Opened on", "127.0.0.0/24")

			second, _ := s.linkFor("Nightly")
			status, text := s.post(second + "/secret")
			if !keyForm.MatchString(strings.TrimSpace(text)) || status != 200 {
				t.Fatalf("a script got %d", status)
			}
			s.secrets.keep("key", strings.TrimSpace(text))
			s.answers(t, madeKey{secret: strings.TrimSpace(text)}, 200, "")
			if status, _ = s.post(second + "/secret"); status != 404 {
				t.Errorf("a second time: %d", status)
			}

			third, page := s.linkFor("Cancelled")
			s.dev.open(page)
			s.dev.press("Cancel link")
			s.dev.see("The link is cancelled")
			colleague.open(third)
			colleague.see("This link opens nothing")
			s.dev.quiet()
			s.scanDatabase(t)
			_, log := s.Said()
			s.secrets.leaks(t, "the log", []byte(log))
		})
	}
}

// post asks as a script does.
func (s *stage) post(path string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

var ownershipKinds = map[string]struct {
	dialect string
	kind    kind
}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}}

// K6, Z5, Z7: an app moves to an organization, its key works on; its maker leaves, and an admin says who is responsible.
func TestAKeyOutlivesItsMakerAndItsMove(t *testing.T) {
	t.Parallel()
	const caraMail, harbor = "cara@harbor.example", "Harbor Freight"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
			s.dev.open("/console/organizations/new")
			s.dev.fill("Name", harbor)
			s.dev.press("Create organization")
			s.dev.see(harbor)

			s.dev.open("/console/apps")
			s.dev.follow(s.app)
			s.dev.follow("Move app")
			s.dev.fill("Organization", harbor)
			s.dev.press("See what changes")
			s.dev.see("Its keys work on, with the same scopes and limits", "Quotas go on counting")
			s.dev.press("Move app")
			s.dev.see("The app is moved, with its keys, its access and its usage.", harbor)
			s.answers(t, k, 200, "")

			s.dev.open("/console/organizations")
			s.dev.follow(harbor)
			home := s.dev.path()
			s.dev.see("You are its only owner, and an organization always keeps one")
			cara := newClerk(t, s.URL, "cara")
			s.join(cara, "Cara Lind", caraMail)
			s.enlist(caraMail, harbor, "owner")
			s.dev.open(home + "/leave")
			s.dev.see("1 key goes on without an owner", "Tracking page")
			s.dev.press("Leave organization")
			s.dev.see("You have left the organization.")

			s.dev.open(k.page)
			s.dev.see("Nothing here")
			s.answers(t, k, 200, "")
			if mail := s.mailTo(caraMail, "API keys need an owner"); !strings.Contains(mail.Text, "Tracking page") || strings.Contains(mail.Text, k.secret) {
				t.Errorf("the mail says %s", mail.Text)
			}
			cara.open("/console")
			cara.see("1 key needs an owner")
			cara.open("/console/keys?state=unowned")
			cara.follow("Tracking page")
			cara.see("This key needs an owner")
			cara.follow("Say who is responsible")
			cara.fill("Responsible", "Cara Lind")
			cara.press("It stays: save who is responsible")
			cara.see("The key stays, and somebody answers for it.")
			cara.seeNot("This key needs an owner")
			s.answers(t, k, 200, "")
		})
	}
}
