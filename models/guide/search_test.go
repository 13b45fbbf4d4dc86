package guide_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/job"
)

// library is a portal with guides, an API of each visibility, and a question about each.
type library struct {
	*catalogtest.World
	t      testing.TB
	clock  *dbtest.Clock
	forum  *forum.Store
	search *guide.Searcher
	apis   map[string]db.ID
	asked  map[string]forum.Question
}

func newLibrary(t testing.TB, d *db.DB, clock *dbtest.Clock) *library {
	t.Helper()
	l := &library{World: catalogtest.New(t, d), t: t, clock: clock, apis: map[string]db.ID{}, asked: map[string]forum.Question{}}
	root, err := secret.Parse("a secret of tests that is long enough 0123456789", "")
	if err != nil {
		t.Fatal(err)
	}
	link := func(path string) string { return "https://portal.example" + path }
	l.forum = forum.NewStore(forum.Options{DB: d, Link: link, Follow: follow.NewStore(follow.Options{
		DB: d, Outbox: l.Outbox, Signer: root.Signer(secret.LabelForm), Link: link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
	})})
	pages := guide.NewStore(guide.Options{DB: d, Library: content.Open(content.Options{Ours: docs.Files, Now: clock.Now})})
	l.search = guide.NewSearcher(guide.SearchOptions{DB: d, Pages: pages, Forum: l.forum, Catalog: l.Catalog})
	l.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET created_at = ?", clock.Now().AddDate(-1, 0, 0))
		return err
	})
	if err := pages.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// fill adds the APIs and questions that some may see and others not. Each has a word that nothing else has.
func (l *library) fill() {
	l.t.Helper()
	for slug, in := range map[string]catalog.Input{
		"lampposts": {Name: "Lampposts", Visibility: catalog.Public}, "cranes": {Name: "Cranes", Visibility: catalog.SignedIn},
		"submarines": {Name: "Submarines", Visibility: catalog.Invited, InvitedIDs: []db.ID{l.North}},
	} {
		in.Summary, in.DataDomain = "All about "+slug+".", "harbour"
		l.apis[slug] = l.AddAPI(slug, in)
	}
	l.ask("open", forum.Draft{Title: "Which wattage do bulbs have?", Body: "I need a walrus for the bulbs.", API: "lampposts"})
	l.ask("signed", forum.Draft{Title: "Lifting containers over there", Body: "I need a narwhal for the containers.", API: "cranes"})
	l.ask("invited", forum.Draft{Title: "Depth of the periscope below", Body: "I need an octopus for the periscope.", API: "submarines"})
	l.ask("inside", forum.Draft{Title: "Our internal wobbulator fails", Body: "I need a pangolin for the wobbulator.", Visibility: forum.Organization, OrganizationID: l.North})
}

func (l *library) ask(name string, in forum.Draft) {
	l.t.Helper()
	q, err := l.forum.Ask(l.t.Context(), l.Owner, in)
	if err != nil {
		l.t.Fatal(name, err)
	}
	l.clock.Advance(time.Hour)
	l.asked[name] = q
}

func (l *library) find(a actor.Actor, query string) guide.Results {
	l.t.Helper()
	r, err := l.search.Find(l.t.Context(), a, guide.Search{Text: query, Language: text.English})
	if err != nil {
		l.t.Fatalf("%q: %v", query, err)
	}
	return r
}

func titles(r guide.Results) []string {
	var out []string
	for _, s := range r.Shown {
		out = append(out, s.Title)
	}
	return out
}

func eachLibrary(t *testing.T, body func(t *testing.T, l *library)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, newLibrary(t, d, clock)) })
}

func TestSearchFindsEveryKindAtOnce(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.fill()

		for query, want := range map[string]string{
			"lampposts": "/apis/lampposts", "lampposts:read": "/apis/lampposts", "/v2/lampposts/{id}": "/apis/lampposts", "GET /v2/lampposts/17": "/apis/lampposts",
			"walrus": "/forum/q/" + l.asked["open"].ID.Show(forum.Prefix), "nginx": "/guides/nginx", "rotate without downtime": "/tutorials/rotate-without-downtime",
			"Schlüssel erneuern": "/guides/rotating-keys", "handling errors": "/guides/errors",
		} {
			got := l.find(actor.Actor{}, query)

			if len(got.Shown) == 0 || !strings.HasPrefix(got.Shown[0].Path, want) {
				t.Errorf("%q found %v, want %s first", query, titles(got), want)
			}
		}
	})
}

func TestAQuestionFoundTellsWhenItWasAskedAndHowItStands(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		asked := l.clock.Now()
		l.ask("tagged", forum.Draft{Title: "Which wattage do lanterns have?", Body: "I need a gibbon for the lanterns.", Tags: []string{"lamps", "harbour"}})
		l.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE questions SET closed_at = ? WHERE id = ?", tx.Now, l.asked["tagged"].ID)
			return err
		})

		got := l.find(actor.Actor{}, "gibbon")

		if len(got.Shown) != 1 {
			t.Fatal(titles(got))
		}
		r := got.Shown[0]
		if !r.Closed || r.Solved || !r.AskedAt.Equal(asked) || !slices.Equal(r.Tags, []string{"harbour", "lamps"}) {
			t.Errorf("%+v, asked at %v", r, asked)
		}
	})
}

// Z2: the same search by each reader.
func TestSearchLeavesOutWhatTheReaderMayNotSee(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.fill()
		readers := map[string]actor.Actor{"visitor": {}, "other": l.Other, "owner": l.Owner, "support": l.Support}
		words := map[string][]string{ // who sees what has the word
			"lampposts": {"visitor", "other", "owner", "support"}, "walrus": {"visitor", "other", "owner", "support"},
			"cranes": {"other", "owner", "support"}, "narwhal": {"other", "owner", "support"},
			"submarines": {"owner", "support"}, "octopus": {"owner", "support"}, "submarines:read": {"owner", "support"}, "/v2/submarines": {"owner", "support"},
			"wobbulator": {"owner", "support"}, "pangolin": {"owner", "support"},
		}
		for word, may := range words {
			for name, reader := range readers {
				got := l.find(reader, word)

				if sees := slices.Contains(may, name); sees != (len(got.Shown) > 0) {
					t.Errorf("%s, %s: %v, want found %v", name, word, titles(got), sees)
				}
				if got.More || got.Suggestion != "" {
					t.Errorf("%s, %s: more %v, suggestion %q", name, word, got.More, got.Suggestion)
				}
			}
		}
		for _, slip := range []string{"submarnies", "wobulator", "periscop", "narwal"} {
			for name, reader := range readers {
				if got := l.find(reader, slip).Suggestion; got != "" {
					t.Errorf("%s was suggested %q", name, got)
				}
			}
		}
	})
}

func TestWhatIsHiddenDoesNotCrowdOutWhatIsNot(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.ask("shown", forum.Draft{Title: "Calibrating the theodolite", Body: "How is the theodolite calibrated when it rains, and how long does it take?"})
		l.Tx(func(tx *db.Tx) error {
			for i := range 450 {
				if err := index.Put(tx, index.Document{Kind: index.Question, Ref: db.NewID().String(), Title: "Theodolite", Body: fmt.Sprintf("theodolite %d", i)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err := index.Recount(t.Context(), l.DB); err != nil {
			t.Fatal(err)
		}

		for name, reader := range map[string]actor.Actor{"visitor": {}, "other": l.Other} {
			if got := l.find(reader, "theodolite"); len(got.Shown) != 1 || got.Shown[0].Title != "Calibrating the theodolite" || got.More {
				t.Errorf("%s: %v, more %v", name, titles(got), got.More)
			}
		}
	})
}

func TestSearchFollowsWhatBecomesOfAnAPI(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.fill()
		worker := job.NewWorker(l.DB, "test")
		worker.Handle(catalog.OpennessJob, l.search.Openness)
		worker.Handle(follow.JobKind, func(context.Context, json.RawMessage) error { return nil })
		if got := l.find(actor.Actor{}, "lamposts").Suggestion; got != "lampposts" {
			t.Fatalf("suggested %q", got)
		}
		if got := l.find(actor.Actor{}, "wattge").Suggestion; got != "wattage" {
			t.Fatalf("suggested %q", got)
		}

		err := l.Catalog.Change(t.Context(), l.Staff, l.apis["lampposts"], catalog.Input{Slug: "lampposts", Name: "Streetlights", Summary: "Renamed.", PublisherID: l.Company, DataDomain: "harbour", Visibility: catalog.SignedIn})
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}

		if got := l.find(actor.Actor{}, "streetlights"); len(got.Shown) != 0 {
			t.Errorf("a visitor finds %v", titles(got))
		}
		if got := l.find(l.Other, "streetlights"); len(got.Shown) == 0 || got.Shown[0].Title != "Streetlights" {
			t.Errorf("somebody signed in finds %v", titles(got))
		}
		if got := l.find(actor.Actor{}, "wattge").Suggestion; got != "" {
			t.Errorf("a word of a question that nobody outside may read was suggested: %q", got)
		}
		if err := l.Catalog.Retire(t.Context(), l.Staff, l.apis["lampposts"], "Streetlights"); err != nil {
			t.Fatal(err)
		}
		if got := l.find(l.Staff, "streetlights"); slices.Contains(titles(got), "Streetlights") {
			t.Errorf("a retired API is found: %v", titles(got))
		}
	})
}

func TestTheIndexIsMadeAnew(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.fill()
		if err := index.Recount(t.Context(), l.DB); err != nil { // as a rebuild ends: the counts weigh words
			t.Fatal(err)
		}
		before := map[string][]string{}
		queries := []string{"lampposts:read", "walrus", "nginx", "octopus", "cranes"}
		for _, q := range queries {
			before[q] = titles(l.find(l.Support, q))
		}
		l.forget()
		if got := l.find(l.Support, "walrus"); len(got.Shown) != 0 {
			t.Fatal("still there", titles(got))
		}
		worker := job.NewWorker(l.DB, "test")
		worker.Handle(guide.RebuildJob, l.search.Rebuild)
		for range 2 { // as two replicas would
			if err := l.search.QueueRebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		if err := worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}

		for _, q := range queries {
			if got := titles(l.find(l.Support, q)); !slices.Equal(got, before[q]) {
				t.Errorf("%s: %v, before %v", q, got, before[q])
			}
		}
		var queued int64
		if err := l.search.QueueRebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM jobs WHERE kind = ? AND finished_at IS NULL", guide.RebuildJob).Scan(&queued).Error; err != nil || queued != 0 {
			t.Errorf("%d jobs wait although all is built, %v", queued, err)
		}
	})
}

// forget empties the index.
func (l *library) forget() {
	l.t.Helper()
	l.Tx(func(tx *db.Tx) error {
		for _, table := range []string{"search_public_words", "search_spellings", "search_documents", "search_terms"} {
			if _, err := tx.Run("DELETE FROM " + table); err != nil {
				return err
			}
		}
		if l.DB.Dialect == db.SQLite {
			_, err := tx.Run("DELETE FROM search_index")
			return err
		}
		return nil
	})
}

// K1, U5: what is kept of a search is words, never a key or who asked.
func TestOnlyHarmlessWordsOfAMissAreKept(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		kept := map[string]bool{
			"Kubernetes  OPERATOR": true, "how do I use grpc\n": true, "在庫 予約": true,
			"mira@corner.example": false, "call +49 170 1234567": false, strings.Repeat("long ", 30): false, "4111 1111 1111 1111": false, "sk1234567890abcdefghij": false, "12345": false, "": false,
		}
		for query := range kept {
			if err := l.search.RecordMiss(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.search.RecordMiss(t.Context(), "kubernetes operator"); err != nil {
			t.Fatal(err)
		}

		page, err := l.search.Misses(t.Context(), l.Support, db.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) != 3 || page.Rows[0].Text != "kubernetes operator" || page.Rows[0].Times != 2 {
			t.Errorf("kept %+v", page.Rows)
		}
		for name, a := range map[string]actor.Actor{"visitor": {}, "owner": l.Owner} {
			if _, err := l.search.Misses(t.Context(), a, db.PageRequest{}); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestMissesAreBounded(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.Tx(func(tx *db.Tx) error {
			for i := range 5_050 {
				if _, err := tx.Run("INSERT INTO search_misses (id, text, times, first_at, last_at) VALUES (?, ?, 1, ?, ?)", db.NewID(), fmt.Sprintf("miss %d", i), tx.Now, tx.Now.Add(time.Duration(i)*time.Second)); err != nil {
					return err
				}
			}
			_, err := tx.Run("UPDATE search_misses SET last_at = ? WHERE text = 'miss 5049'", tx.Now.AddDate(0, 0, -91))
			return err
		})

		if err := l.search.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}

		var n, first int64
		if err := l.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM search_misses").Scan(&n).Error; err != nil || n != 5_000 {
			t.Errorf("%d are kept, %v", n, err)
		}
		if err := l.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM search_misses WHERE text IN ('miss 0', 'miss 5049')").Scan(&first).Error; err != nil || first != 0 {
			t.Errorf("the oldest are still there, %v", err)
		}
	})
}
