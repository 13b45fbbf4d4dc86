package index_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

const (
	benchDocuments = 100_000
	benchWords     = 250 // of a thread of ten posts
)

// trade is words that many questions have, most frequent first.
var trade = strings.Fields(`key api call error order token scope app limit request 403 429 401 response header expired rotate webhook sandbox live test permission denied
	rate quota plan access account user organization password login invoice payment refund shipment stock price catalogue customer product version deprecated
	endpoint timeout retry idempotency pagination cursor gateway nginx proxy browser cors origin address secret leak github revoke suspend overlap expiry`)

// thread writes a question whose words are spread like those of a language: few are frequent, most are rare.
func thread(r *rand.Rand, zipf *rand.Zipf, n int) index.Document {
	word := func() string {
		if k := zipf.Uint64(); k < uint64(len(trade)) {
			return trade[k]
		} else {
			return fmt.Sprintf("w%dx", k)
		}
	}
	var title, body strings.Builder
	for range 8 {
		title.WriteString(word() + " ")
	}
	for range benchWords {
		body.WriteString(word() + " ")
	}
	return index.Document{
		Kind: index.Question, Ref: fmt.Sprintf("q%d", n), Title: title.String(), Body: body.String(), Tags: []string{trade[r.IntN(len(trade))]}, Public: n%10 != 0, Solved: n%3 == 0,
		Language: "en",
	}
}

func fillBench(b *testing.B, d *db.DB) {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 60_000)
	begin := time.Now()
	for n := 0; n < benchDocuments; {
		err := d.Tx(b.Context(), func(tx *db.Tx) error {
			for range 500 {
				if err := index.Put(tx, thread(r, zipf, n)); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	put := time.Since(begin)
	begin = time.Now()
	if err := index.Recount(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%s: %.2f ms a document put, recount %v\n", d.Dialect, float64(put.Microseconds())/1000/benchDocuments, time.Since(begin).Round(time.Millisecond))
}

// cpu is what this process used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var benchQueries = []string{
	"w12345x", "key", "api key", "why do I get 429 after rotating my key", "w300x w2000x key", "orders:read", "kye rotaet", "sandbox webhook timeout proxy", "overlap expiry",
	"how can I revoke a leaked secret on github before the token of the app expires and the gateway refuses it",
}

// BenchmarkFind measures a search over 100,000 questions of ten posts each, by how common its words are.
func BenchmarkFind(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		b.Run(dialect, func(b *testing.B) {
			var d *db.DB
			if dialect == "sqlite" {
				d = dbtest.SQLite(b, nil)
			} else {
				d = dbtest.Postgres(b, nil)
			}
			fillBench(b, d)
			for _, query := range benchQueries {
				b.Run(strings.ReplaceAll(query, " ", "_"), func(b *testing.B) {
					before := cpu()
					for b.Loop() {
						if _, err := index.Find(b.Context(), d, index.Query{Text: query, Limit: 50}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
				})
			}
		})
	}
}
