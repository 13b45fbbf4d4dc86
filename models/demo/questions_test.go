package demo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// waiting are the questions that support finds in its queue, by the beginning of their title.
var waiting = []string{
	"Two hundred shops", "Stock counts returned", "Redeeming more points", "Test lane at", "Can I download refusals", "One order, two parcels", "Handhelds without signal",
	"Price list for Chile", "Bestellungen vor", "Should each shop", "Our refund robot",
}

func holdsQuestions(t *testing.T, d *db.DB) {
	var titles []string
	if err := d.Read(t.Context()).Raw("SELECT title FROM questions WHERE waits_on = 'us' AND state = 'published' ORDER BY waiting_since").Scan(&titles).Error; err != nil {
		t.Fatal(err)
	}
	for _, title := range titles {
		if !slices.ContainsFunc(waiting, func(w string) bool { return strings.HasPrefix(title, w) }) {
			t.Errorf("%q waits on us", title)
		}
	}
	if len(titles) != len(waiting) {
		t.Errorf("%d wait on us, want %d", len(titles), len(waiting))
	}
	for query, least := range map[string]int64{
		"SELECT COUNT(*) FROM questions WHERE kind = 'question' AND state = 'published'":                 44,
		"SELECT COUNT(*) FROM questions WHERE kind = 'idea'":                                             7,
		"SELECT COUNT(*) FROM questions WHERE kind = 'bug'":                                              5,
		"SELECT COUNT(*) FROM questions WHERE accepted_post_id IS NOT NULL":                              40,
		"SELECT COUNT(*) FROM questions WHERE waits_on = 'asker' AND asked_back_at IS NOT NULL":          3,
		"SELECT COUNT(*) FROM questions WHERE warned_at IS NOT NULL":                                     1,
		"SELECT COUNT(*) FROM questions WHERE escalated_at IS NOT NULL AND closed_at IS NULL":            1,
		"SELECT COUNT(*) FROM questions WHERE merged_into IS NOT NULL":                                   1,
		"SELECT COUNT(*) FROM questions WHERE locked_at IS NOT NULL":                                     1,
		"SELECT COUNT(*) FROM questions WHERE pinned_at IS NOT NULL":                                     1,
		"SELECT COUNT(*) FROM questions WHERE hidden_at IS NOT NULL":                                     1,
		"SELECT COUNT(*) FROM questions WHERE state = 'pending'":                                         1,
		"SELECT COUNT(*) FROM questions WHERE visibility = 'organization'":                               5,
		"SELECT COUNT(*) FROM questions q JOIN apis a ON a.id = q.api_id WHERE a.visibility = 'invited'": 2,
		"SELECT COUNT(*) FROM questions WHERE public_status <> ''":                                       9,
		"SELECT COUNT(*) FROM questions WHERE team_id IS NOT NULL":                                       1,
		"SELECT COUNT(*) FROM notes":                                                                     6,
		"SELECT COUNT(*) FROM canned_replies":                                                            4,
		"SELECT COUNT(*) FROM support_teams":                                                             2,
		"SELECT COUNT(*) FROM follows WHERE reason = 'chose'":                                            20,
		"SELECT COUNT(*) FROM flags WHERE state = 'open'":                                                1,
		"SELECT COUNT(*) FROM votes":                                                                     300,
	} {
		if n := number(t, d, query); n < least {
			t.Errorf("%s: %d, want %d", query, n, least)
		}
	}
	for _, query := range []string{
		"SELECT COUNT(*) FROM posts p WHERE p.votes <> (SELECT COUNT(*) FROM votes v WHERE v.post_id = p.id)",
		"SELECT COUNT(*) FROM votes v JOIN posts p ON p.id = v.post_id WHERE v.user_id = p.author_id OR v.created_at < p.created_at",
		"SELECT COUNT(*) FROM posts p JOIN questions q ON q.id = p.question_id WHERE p.created_at < q.created_at",
		"SELECT COUNT(*) FROM questions q WHERE q.kind <> 'question' AND q.public_status IN ('done', 'fixed', 'declined') AND q.closed_at IS NULL",
	} {
		if n := number(t, d, query); n > 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
}

// F2, F6: what is for an organization, about an invited API, hidden or pending is not for everybody.
func holdsPrivateQuestions(t *testing.T, d *db.DB) {
	var seen []string
	err := d.Read(t.Context()).Raw("SELECT q.title FROM questions q WHERE "+forum.Visible, forum.VisibleArgs(actor.Actor{Kind: actor.Anonymous})...).Scan(&seen).Error
	if err != nil || len(seen) < 50 {
		t.Fatal(len(seen), err)
	}
	for _, private := range []string{"Which orders make up one settlement line?", "The statement of the first arrived on the second", "Our refund robot was suspended. What do you need from us?", "Best bonus points to buy now, fast delivery", "Cheap lamp wholesale partner wanted, see our offers"} {
		if slices.Contains(seen, private) || number(t, d, "SELECT COUNT(*) FROM questions WHERE title = ?", private) != 1 {
			t.Errorf("anybody reads %q, or it is missing", private)
		}
	}
}

func holdsWhatIsSaidOfPages(t *testing.T, d *db.DB) {
	for query, least := range map[string]int64{
		"SELECT COUNT(*) FROM page_ratings WHERE helpful":                     15,
		"SELECT COUNT(*) FROM page_ratings WHERE NOT helpful AND words <> ''": 5,
		"SELECT COUNT(*) FROM search_misses":                                  10,
		"SELECT MAX(times) FROM search_misses":                                5,
	} {
		if n := number(t, d, query); n < least {
			t.Errorf("%s: %d, want %d", query, n, least)
		}
	}
	var paths []string
	if err := d.Read(t.Context()).Raw("SELECT DISTINCT path FROM page_ratings").Scan(&paths).Error; err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if _, err := docs.Files.Open(strings.TrimPrefix(p, "/") + ".md"); err != nil {
			t.Errorf("there is no page %s", p)
		}
	}
}
