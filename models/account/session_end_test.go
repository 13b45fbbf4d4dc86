package account_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// S4, U1: whose session staff ended is told by the log, where what happened to a person is looked for.
func TestWhoseSessionWasEndedIsOnRecord(t *testing.T) {
	each(t, func(w *world) {
		ada := w.person("ada@example.com", "")
		there, staff := w.in(ada, good), w.in(w.person("root@example.com", permission.StaffAdmin), good)

		w.must(w.store.EndSessionOf(t.Context(), staff, ada.ID, there.SessionID))

		var targets []string
		w.must(w.d.Read(t.Context()).Raw("SELECT CAST(target_id AS TEXT) FROM audit_events WHERE act = ? AND actor_id = ?", string(audit.SessionEnded), staff.UserID).Scan(&targets).Error)
		if len(targets) != 1 || targets[0] != ada.ID.String() {
			t.Error(targets, ada.ID)
		}
	})
}
