package guide_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

const benchQuestions = 20_000

// trade is words that many questions have, the most frequent first.
var trade = strings.Fields(`key api call error order token scope app limit request 403 429 401 response header expired rotate webhook sandbox live test permission denied
	rate quota plan access account user organization password login invoice payment refund shipment stock price catalogue customer product version deprecated`)

// fillBench asks 20,000 questions, a tenth of them for one organization, and puts them into the index. Its words are spread like those of a language.
func (l *library) fillBench() {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 60_000)
	words := func(n int) string {
		var b strings.Builder
		for range n {
			if k := zipf.Uint64(); k < uint64(len(trade)) {
				b.WriteString(trade[k] + " ")
			} else {
				fmt.Fprintf(&b, "w%dx ", k)
			}
		}
		return b.String()
	}
	for n := 0; n < benchQuestions; {
		l.Tx(func(tx *db.Tx) error {
			for range 500 {
				id, title, visibility, organization := db.NewID(), words(8), "public", (*db.ID)(nil)
				if n%10 == 0 {
					visibility, organization = "organization", &l.North
				}
				_, err := tx.Run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, organization_id, state, waits_on, answers, last_activity_at, created_at, updated_at, counted)
					VALUES (?, 'question', ?, 'x', ?, ?, ?, 'published', 'asker', 3, ?, ?, ?, TRUE)`, id, title, l.Owner.UserID, visibility, organization, tx.Now, tx.Now, tx.Now)
				if err != nil {
					return err
				}
				if err := index.Put(tx, index.Document{Kind: index.Question, Ref: id.String(), Title: title, Body: words(200), Public: n%10 != 0, Language: "en"}); err != nil {
					return err
				}
				n++
			}
			return nil
		})
	}
	if err := index.Recount(l.t.Context(), l.DB); err != nil {
		l.t.Fatal(err)
	}
}

// cpu is what this process used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSearch measures the search of a visitor, of somebody signed in and of staff among 20,000 questions, in processor time of the program (and of SQLite within it).
func BenchmarkSearch(b *testing.B) {
	for name, open := range map[string]func() *db.DB{"sqlite": func() *db.DB { return dbtest.SQLite(b, nil) }, "postgres": func() *db.DB { return dbtest.Postgres(b, nil) }} {
		b.Run(name, func(b *testing.B) {
			l := newLibrary(b, open(), dbtest.NewClock())
			l.fillBench()
			for _, query := range []string{"w12345x", "key", "api key", "why do I get 429 after rotating my key", "w300x w2000x key", "RATE_LIMITED", "kye rotaet"} {
				for who, a := range map[string]actor.Actor{"visitor": {}, "outsider": l.Other, "member": l.Owner, "staff": l.Support} {
					b.Run(strings.ReplaceAll(query, " ", "_")+"/"+who, func(b *testing.B) {
						before := cpu()
						for b.Loop() {
							if _, err := l.search.Find(b.Context(), a, guide.Search{Text: query, Language: "en"}); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
					})
				}
			}
		})
	}
}
