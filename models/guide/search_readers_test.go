package guide_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// What others wrote for themselves, be it one question or many, changes nothing of what a reader is shown: not results, order, excerpts, whether there is more, suggestions, or what is
// similar. Their own private questions are found, and staff find all (Z2).
func TestWhatOthersKeepToThemselvesChangesNothing(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *library) {
		l.fill()
		const words = "falcon webhook outage merger"
		for i, title := range []string{"The falcon has no webhook", "A webhook outage", "Merger of two falcon teams", "An outage of two hours"} {
			if _, err := l.forum.Ask(t.Context(), l.Support, forum.Draft{Title: title, Body: fmt.Sprint("Since the merger, the falcon webhook knows an outage, and I ask what to do, for the time number ", i)}); err != nil {
				t.Fatal(err)
			}
			l.clock.Advance(time.Hour)
		}
		l.ask("own", forum.Draft{Title: "Falcon outage among ourselves", Body: "Our webhook fails.", Visibility: forum.Organization, OrganizationID: l.North})
		l.ask("own, about", forum.Draft{Title: "Falcon outage of the submarines", Body: "Our webhook fails.", Visibility: forum.Organization, OrganizationID: l.North, API: "submarines"})
		readers := map[string]actor.Actor{"visitor": {}, "other": l.Other, "owner": l.Owner}
		type seen struct {
			Results, Kind guide.Results
			Similar       []forum.Row
		}
		look := func() map[string]seen {
			all := map[string]seen{}
			for name, reader := range readers {
				for _, query := range []string{words, "falcon", "merger", "flacon outge", "submarines"} {
					only, err := l.search.Find(t.Context(), reader, guide.Search{Text: query, Kind: index.Question, Language: "en"})
					if err != nil {
						t.Fatal(err)
					}
					rows, err := l.forum.Similar(t.Context(), reader, query, "")
					if err != nil {
						t.Fatal(err)
					}
					all[name+": "+query] = seen{l.find(reader, query), only, rows}
				}
			}
			return all
		}
		foreign := func(n int) {
			l.Tx(func(tx *db.Tx) error {
				for i := range n {
					for _, mark := range []string{"", index.OfOrganization(db.NewID(), db.ID{}), index.OfOrganization(l.North, db.NewID()), index.AboutAPI(db.NewID())} {
						title, body := words, "falcon webhook outage merger submarines"
						if i%3 == 1 {
							title, body = "Merger", "@o falcon"
						}
						if err := index.Put(tx, index.Document{Kind: index.Question, Ref: db.NewID().String(), Language: "en", Title: title, Body: body, Readers: mark}); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		before := look()

		for _, n := range []int{1, 170} {
			foreign(n)
			if n == 1 {
				l.AddAPI("falcon-webhook-outage", catalog.Input{Name: words, Summary: words, DataDomain: "harbour", Visibility: catalog.Invited, InvitedIDs: []db.ID{l.Company}})
			}
			if diff := cmp.Diff(before, look()); diff != "" {
				t.Fatalf("%d more: %s", n, diff)
			}
		}

		delete(readers, "other")
		if _, err := l.forum.Ask(t.Context(), l.Other, forum.Draft{Title: "Falcon webhook outage merger", Body: "Ours.", Visibility: forum.Organization, OrganizationID: l.Contoso}); err != nil {
			t.Fatal(err)
		}
		for name, got := range look() {
			if diff := cmp.Diff(before[name], got); diff != "" {
				t.Errorf("%s, after a question of others: %s", name, diff)
			}
		}
		questions := func(all []guide.Result) (n int) { // a guide that fits worse may make room for one
			for _, r := range all {
				if strings.HasPrefix(r.Path, "/forum/") {
					n++
				}
			}
			return n
		}
		if got := l.find(l.Other, words).Shown; questions(got) != questions(before["visitor: "+words].Results.Shown)+1 || got[0].Title != "Falcon webhook outage merger" {
			t.Errorf("who asked finds %d", questions(got))
		}
		for name, own := range map[string]int{"visitor": 0, "other": 0, "owner": 2} {
			public := len(before["visitor: "+words].Results.Shown)
			if got := before[name+": "+words].Results.Shown; public == 0 || len(got) != public+own {
				t.Errorf("%s is shown %d, want %d and %d", name, len(got), public, own)
			}
		}
		if got := before["owner: "+words].Similar; len(got) < 3 {
			t.Errorf("owner is shown %d similar ones", len(got))
		}
		if hits, err := l.forum.FindAs(t.Context(), l.Support, index.Query{Text: words, Limit: index.MaxCandidates}); err != nil || len(hits) < 100 {
			t.Errorf("staff find %d, %v", len(hits), err)
		}
	})
}
