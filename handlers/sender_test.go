package handlers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// mailing builds a house that sends mail, under base, and runs its loops until the test ends.
func mailing(t *testing.T, d *db.DB, base string) (*handlers.House, *testenv.Inbox) {
	t.Helper()
	inbox := testenv.SMTP(t)
	settings, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{
			"GATEHOUSE_ADDR": "127.0.0.1:7070", "GATEHOUSE_USAGE_SPOOL_MB": "0", "GATEHOUSE_STAFF_FACTOR": "optional", "GATEHOUSE_BASE_URL": base, "GATEHOUSE_TRUSTED_PROXIES": "127.0.0.1",
			"GATEHOUSE_SMTP_URL": inbox.URL, "GATEHOUSE_MAIL_FROM": "Company <developers@company.example>",
		}[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	d.SetCursorKey(root.Key(secret.LabelCursor))
	h, err := handlers.Build(t.Context(), handlers.Options{DB: d, Root: root, Settings: settings, Replica: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, loop := range h.Loops() {
		running.Add(1)
		go func() { defer running.Done(); loop(ctx) }()
	}
	t.Cleanup(func() { stop(); running.Wait() })
	return h, inbox
}

// F4: what a mail of the forum looks like when it arrives, and that its button of the mail program works.
func TestMailsOfTheForumArriveThreadedAndEndWithOneClick(t *testing.T) {
	for base, clickable := range map[string]bool{"https://portal.example": true, "http://127.0.0.1:7070": false} {
		t.Run(base, func(t *testing.T) {
			clock := dbtest.NewClock()
			d := dbtest.SQLite(t, clock)
			h, inbox := mailing(t, d, base)
			asker, staff := webtest.Person(t, d, "asker@example.com", ""), webtest.Person(t, d, "staff@example.com", "support")
			q, err := h.Stores.Forum.Ask(t.Context(), webtest.ActorOf(asker), forum.Draft{Title: "Why <b>does</b> the first call fail?", Body: "I rotated the key, and it fails."})
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)

			p, err := h.Stores.Forum.Answer(t.Context(), webtest.ActorOf(staff), q.ID, forum.Reply{Body: "Wait **a minute**.\n\n<script>alert(1)</script>"})
			if err != nil {
				t.Fatal(err)
			}
			mail := inbox.Await(t, "asker@example.com")
			person := "." + asker.ID.Show("user") + "@company.example>"
			root := "<" + q.ID.Show("qst") + person
			for header, want := range map[string]string{
				"Message-Id": "<" + p.ID.Show("pst") + person, "In-Reply-To": root, "References": root, "List-Id": "<questions.company.example>", "Auto-Submitted": "auto-generated",
			} {
				if got := mail.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if mail.Subject != "Re: Why <b>does</b> the first call fail?" || strings.Contains(mail.HTML, "<b>does") || strings.Contains(mail.HTML, "<script") || !strings.Contains(mail.Text, "> Wait a minute.") {
				t.Errorf("%s\n%s\n%s", mail.Subject, mail.Text, mail.HTML)
			}
			link := regexp.MustCompile(regexp.QuoteMeta(base) + `/unsubscribe\?token=[\w-]+`).FindString(mail.Text)
			if link == "" || !strings.Contains(mail.Text, base+"/solved?token=") {
				t.Fatal(mail.Text)
			}
			if !clickable {
				if mail.Header.Get("List-Unsubscribe") != "" || mail.Header.Get("List-Unsubscribe-Post") != "" {
					t.Error(mail.Header)
				}
				return
			}
			if mail.Header.Get("List-Unsubscribe") != "<"+link+">" || mail.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
				t.Errorf("%q %q", mail.Header.Get("List-Unsubscribe"), mail.Header.Get("List-Unsubscribe-Post"))
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader("List-Unsubscribe=One-Click"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if status := answerOf(h.Portal, r); status != http.StatusOK {
				t.Error(status)
			}
			if follows, err := h.Stores.Forum.Following(t.Context(), webtest.ActorOf(asker), q.ID); err != nil || follows.Mine {
				t.Error(err, follows)
			}
		})
	}
}

func answerOf(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
