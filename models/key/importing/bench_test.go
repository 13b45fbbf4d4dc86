package importing_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
)

// A file as large as may be: how long the dry run and the import take, what they hold in memory, and how long others who write wait meanwhile.
func BenchmarkAHundredThousandKeys(b *testing.B) {
	for name, open := range map[string]func(testing.TB, *dbtest.Clock) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			clock := dbtest.NewClock()
			d := open(b, clock)
			w := newWorld(b, d, clock)
			var file strings.Builder
			file.WriteString("digest,name\n")
			for i := range importing.MaxKeys {
				fmt.Fprintf(&file, "%x,Key %d\n", w.sum(importing.Plain, fmt.Sprint("acme_", i)), i)
			}
			for b.Loop() {
				w.measure(b, file.String())
			}
		})
	}
}

func (w *world) measure(b *testing.B, file string) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now() //nolint:forbidigo // a duration
	report, err := w.imports.Check(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file))
	if err != nil || report.Good != importing.MaxKeys {
		b.Fatal(err, report)
	}
	checked := time.Since(began)
	stop, waits := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var all []time.Duration
		for {
			select {
			case <-stop:
				waits <- all
				return
			default:
				from := time.Now() //nolint:forbidigo // a duration
				w.run("UPDATE apps SET updated_at = ? WHERE id = ?", w.db.Now(), w.app)
				all = append(all, time.Since(from))
			}
		}
	}()
	began = time.Now() //nolint:forbidigo // a duration
	if _, _, err := w.imports.Import(bg, w.staff, w.spec(importing.Plain), strings.NewReader(file)); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	close(stop)
	var longest time.Duration
	writes := <-waits
	for _, one := range writes {
		longest = max(longest, one)
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(checked.Seconds(), "s/check")
	b.ReportMetric(took.Seconds(), "s/import")
	b.ReportMetric(float64(longest.Milliseconds()), "ms/longest-wait")
	b.ReportMetric(float64(len(writes)), "writes-meanwhile")
	b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "MiB/heap-grown")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/(1<<20), "MiB/allocated")
}
