package bulk_test

import (
	"context"
	"net/http"
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/key/bulk"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
)

// Links to mass revocations, such as those in the audit log of a year ago, lead to what became of them; nobody keeps the answer, and who may not read learns nothing.
func TestOldAddressesOfMassRevocationsLeadToTheActs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := keytest.New(t, d, clock)
		bulks := bulk.NewStore(bulk.Options{DB: d, Keys: w.Keys, Outbox: w.Outbox, Link: func(p string) string { return keytest.Base + p }})
		w.Make(w.Developer, "Worker", 90)
		id, err := bulks.Preview(context.Background(), w.Staff, bulk.Wish{Verb: key.Revoking, Filter: key.Filter{Query: "Worker"}})
		if err != nil {
			t.Fatal(err)
		}
		site := webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) { (&handlers.Handler{Kit: k, Keys: w.Keys, Bulks: bulks}).Routes(r) })
		admin, dev := site.As(site.Person("admin@example.com", "admin")), site.As(site.Person("dev@example.com", ""))
		old := "/admin/keys/revocations"

		for from, to := range map[string]string{old: "/admin/keys/bulk", old + "/" + id.Show("rev"): "/admin/keys/bulk/" + id.Show("bulk")} {
			p := admin.Get(from)
			if p.Status != http.StatusFound || p.Location != to || p.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s leads to %q with %d, kept %q", from, p.Location, p.Status, p.Header.Get("Cache-Control"))
			}
			if got := site.Visitor().Get(from).Status; got != http.StatusUnauthorized {
				t.Errorf("%s answered %d to a visitor", from, got)
			}
			if got := dev.Get(from).Status; got != http.StatusForbidden {
				t.Errorf("%s answered %d to a developer", from, got)
			}
		}
		for _, from := range []string{old + "/" + db.NewID().Show("rev"), old + "/nothing"} {
			if got := admin.Get(from).Status; got != http.StatusNotFound {
				t.Errorf("%s answered %d", from, got)
			}
		}
	})
}
