package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// S3: the five answers of the form, and who is beyond the new limit is signed out by their next request.
func TestStaffShortenSessions(t *testing.T) {
	w := begin(t, "")
	admin, auditor := w.As(w.member("root@example.com", permission.StaffAdmin)), w.As(w.member("eye@example.com", permission.Auditor))
	ada := w.As(w.member("ada@example.com", ""))
	const path = "/admin/sessions"
	short := form("idle", "15", "absolute", "60")

	w.want(admin.Get(path), 200, "Without activity", "15 minutes", "24 hours", "Save limits")
	w.want(auditor.Get(path), 200, "24 hours")
	w.want(ada.Get(path), 403)
	w.want(admin.Post(path, form("idle", "90", "absolute", "never")), 422, "Choose a time of the list.")
	w.want(w.Visitor().Post(path, short), 401)
	w.want(auditor.Post(path, short), 403)
	w.want(ada.Post(path, short), 403)
	w.want(admin.CrossSite(path, short), 403)
	w.leads(admin.Post(path, short), path)

	w.want(admin.Get(path), 200, "The limits of sessions are changed.", `<option value="15" selected`, `<option value="60" selected`)
	w.Clock.Advance(16 * time.Minute)
	w.want(ada.Get("/console/account"), 401)
}
