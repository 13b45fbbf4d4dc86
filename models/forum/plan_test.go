package forum_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// sorts is what a plan says when an index does not give the order: all that fits is read before the first row is known.
var sorts = regexp.MustCompile(`TEMP B-TREE FOR ORDER BY|TEMP B-TREE FOR LAST|(?m)^\s*(->\s+)?(Incremental )?Sort\b`)

// scansAll is questions, or what ties them to tags, read from the beginning of the table.
var scansAll = regexp.MustCompile(`(?m)SCAN (q|r)$|Seq Scan on (questions|question_tags)`)

// Every list in every order is a walk along an index: no list sorts all that fits before it shows fifty, however many questions there are (L4).
func TestEveryListIsReadInTheOrderOfAnIndex(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		fill(t, d, 3000)
		s, reads, person := newStore(t, d), dbtest.Reads(t, d), actor.Actor{Kind: actor.User, UserID: firstUser(t, d)}
		for name, list := range map[string]struct {
			who   actor.Actor
			f     forum.Filter
			index string // of the first order
		}{
			"all":             {actor.Actor{}, forum.Filter{}, "questions_active"},
			"all, signed in":  {person, forum.Filter{}, "questions_active"},
			"unanswered":      {actor.Actor{}, forum.Filter{Unanswered: true}, "questions_unanswered"},
			"solved":          {actor.Actor{}, forum.Filter{Solved: true}, "questions_solved"},
			"ideas":           {actor.Actor{}, forum.Filter{Kind: forum.KindIdea}, "questions_kind"},
			"pinned":          {actor.Actor{}, forum.Filter{Pinned: true}, "questions_pinned"},
			"tag":             {actor.Actor{}, forum.Filter{Tag: "common"}, "question_tags_active"},
			"tag, signed in":  {person, forum.Filter{Tag: "common"}, "question_tags_active"},
			"tag, unanswered": {actor.Actor{}, forum.Filter{Tag: "common", Unanswered: true}, "question_tags_active"},
			"API":             {actor.Actor{}, forum.Filter{API: "orders"}, "questions_api"},
		} {
			for _, order := range []string{"activity", "newest", "votes"} {
				if list.f.Pinned && order != "activity" {
					continue
				}
				t.Run(name+"/"+order, func(t *testing.T) {
					first, err := s.List(t.Context(), list.who, list.f, db.PageRequest{Sort: order})
					if err != nil {
						t.Fatal(err)
					}
					if first.Next != "" {
						if _, err := s.List(t.Context(), list.who, list.f, db.PageRequest{Sort: order, After: first.Next}); err != nil {
							t.Fatal(err)
						}
					}
					pages := 0
					for _, statement := range reads() {
						if !strings.HasSuffix(statement.SQL, fmt.Sprintf("LIMIT %d", 51)) {
							continue
						}
						pages++
						plan := dbtest.Plan(t, d, statement)
						if sorts.MatchString(plan) || scansAll.MatchString(plan) || (order == "activity" && !regexp.MustCompile(list.index+`\b`).MatchString(plan)) {
							t.Errorf("page %d, index %s:\n%s", pages, list.index, plan)
						}
					}
					if pages == 0 || (first.Next != "" && pages != 2) {
						t.Errorf("%d pages were read", pages)
					}
				})
			}
		}
	})
}

// What a list of a tag is ordered by follows the question.
func TestTagsListFollowsItsQuestions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		fill(t, d, 200)
		s := newStore(t, d)
		order := func(sort string) (titles []string) {
			page, err := s.List(t.Context(), actor.Actor{}, forum.Filter{Tag: "common"}, db.PageRequest{Sort: sort, Size: 3})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Rows {
				titles = append(titles, r.Title)
			}
			return titles
		}
		all, err := s.List(t.Context(), actor.Actor{}, forum.Filter{Tag: "common"}, db.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		last := all.Rows[len(all.Rows)-1]

		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE questions SET last_activity_at = ?, created_at = ?, votes = 1000 WHERE id = ?", tx.Now.AddDate(1, 0, 0), tx.Now.AddDate(1, 0, 0), last.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		for _, sort := range []string{"activity", "newest", "votes"} {
			if first := order(sort); len(first) != 3 || first[0] != last.Title {
				t.Errorf("by %s: %q, and not %q first", sort, first, last.Title)
			}
		}
	})
}
