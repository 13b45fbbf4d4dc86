package privacy_test

import (
	"archive/zip"
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/account/privacy"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account/download"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	records "github.com/gatehouse-dev/gatehouse/models/privacy"
)

// A14, B1-3: the five answers of each form; the file goes to its owner alone, who confirmed just now.
func TestPeopleDownloadWhatIsHeldAboutThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
		if err != nil {
			t.Fatal(err)
		}
		var store *download.Store
		site := webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			store = download.NewStore(download.Options{
				DB: d, Accounts: k.Accounts, Sealer: root.Sealer(secret.LabelDownload), Outbox: outbox.New(root.Sealer(secret.LabelMail)), Link: k.Link,
				PortalName: func(context.Context) string { return "Gatehouse" },
			})
			(&privacy.Handler{Kit: k, Downloads: store, Policies: records.Policies{DB: d}}).Routes(r)
		})
		worker := job.NewWorker(d, "here")
		worker.Handle(download.JobKind, store.Job)
		ada, eve := site.As(site.Person("ada@example.com", "")), site.As(site.Person("eve@example.com", "admin"))
		const page, ask, fetch = download.Path, download.Path + "/download", download.Path + "/fetch"

		before, early := ada.Get(page), ada.Post(fetch, nil)
		asked := ada.Post(ask, nil)
		making, again := ada.Get(page), ada.Post(ask, nil)
		if err := worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		ready, file := ada.Get(page), ada.Post(fetch, nil)
		strangers := []int{site.Visitor().Get(page).Status, site.Visitor().Post(ask, nil).Status, site.Visitor().Post(fetch, nil).Status, ada.CrossSite(ask, nil).Status, ada.CrossSite(fetch, nil).Status, eve.Post(fetch, nil).Status}
		clock.Advance(11 * time.Minute)
		stale, staleAsk := ada.Post(fetch, nil), ada.Post(ask, nil)

		for what, ok := range map[string]bool{
			"before":   before.Status == 200 && strings.Contains(before.Body, "Put your data together") && early.Status == 404,
			"asked":    asked.Status == 303 && asked.Location == page && strings.Contains(making.Body, "Your data is being put together") && !strings.Contains(making.Body, "Put your data together"),
			"again":    again.Status == 409 && strings.Contains(again.Body, "You get mail when it is there."),
			"ready":    ready.Status == 200 && strings.Contains(ready.Body, "Download your data"),
			"confirms": stale.Status == 303 && strings.HasPrefix(stale.Location, "/console/account/confirm") && staleAsk.Status == 303 && strings.HasPrefix(staleAsk.Location, "/console/account/confirm"),
		} {
			if !ok {
				t.Error(what, again.Status, making.Body)
			}
		}
		for i, want := range []int{401, 401, 401, 403, 403, 404} {
			if strangers[i] != want {
				t.Error(i, strangers[i], want)
			}
		}
		z, err := zip.NewReader(strings.NewReader(file.Body), int64(len(file.Body)))
		if err != nil || file.Status != 200 || len(z.File) < 3 || strings.Contains(file.Body, "eve@example.com") {
			t.Fatal(err, file.Status, len(file.Body))
		}
	})
}

// B2-5: anybody reads what is kept, with the times that are in force; staff set them, by the five answers of the form.
func TestTheRecordsTellTheTimesThatStaffSet(t *testing.T) {
	clock := dbtest.NewClock()
	site := webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
		(&privacy.Handler{Kit: k, Policies: records.Policies{DB: k.DB}}).Routes(r)
	})
	admin, auditor, ada := site.As(site.Person("root@example.com", "admin")), site.As(site.Person("eye@example.com", "auditor")), site.As(site.Person("ada@example.com", ""))
	const path = "/admin/retention"
	short := url.Values{"addresses": {"30"}, "networks": {"7"}}

	before := site.Visitor().Get("/privacy/records")
	read := []int{admin.Get(path).Status, auditor.Get(path).Status, ada.Get(path).Status, site.Visitor().Get(path).Status}
	wrong := admin.Post(path, url.Values{"addresses": {"31"}, "networks": {"never"}})
	refused := []int{auditor.Post(path, short).Status, ada.Post(path, short).Status, site.Visitor().Post(path, short).Status, admin.CrossSite(path, short).Status}
	asked := admin.Post(path, short)
	unsure := site.Visitor().Get("/privacy/records")
	other := admin.Post(path, url.Values{"addresses": {"7"}, "networks": {"7"}, "sure": {"30/7"}})
	sure := url.Values{"addresses": {"30"}, "networks": {"7"}, "sure": {"30/7"}}
	set := admin.Post(path, sure)
	longer := admin.Post(path, url.Values{"addresses": {"30"}, "networks": {"30"}})
	again := admin.Post(path, sure)
	after := site.Visitor().Get("/privacy/records")

	clock.Advance(11 * time.Minute) // shorter times erase for good: a session that was stolen does not do it
	if stale := admin.Post(path, short); stale.Status != 303 || !strings.HasPrefix(stale.Location, "/console/account/confirm") {
		t.Error(stale.Status, stale.Location)
	}

	if before.Status != 200 || !strings.Contains(before.Body, "180 days") || !strings.Contains(before.Body, "90 days after the last use") || !strings.Contains(before.Body, "24 hours at most") {
		t.Error(before.Status, before.Body)
	}
	if !slices.Equal(read, []int{200, 200, 403, 401}) || !slices.Equal(refused, []int{403, 403, 401, 403}) || wrong.Status != 422 || strings.Count(wrong.Body, "Choose a time of the list.") < 2 {
		t.Error(read, refused, wrong.Status)
	}
	if asked.Status != 200 || !strings.Contains(asked.Body, "Erase and save retention") || !strings.Contains(asked.Body, "Events that lose their address") || !strings.Contains(unsure.Body, "180 days") {
		t.Error(asked.Status, asked.Body)
	}
	if other.Status != 200 || !strings.Contains(other.Body, "7/7") || longer.Status != 303 || again.Status != 303 {
		t.Error(other.Status, longer.Status, again.Status)
	}
	if set.Status != 303 || !strings.Contains(after.Body, "for 30 days") || !strings.Contains(after.Body, "7 days after the last use") {
		t.Error(set.Status, after.Body)
	}
}
