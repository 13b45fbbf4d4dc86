package account

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// EndEverything signs everybody out and ends what else lets somebody in without a password: links of mails, what is half done, and that browsers are known. For a
// database that was restored: what was ended or used since it was copied is there again (S4). Nobody is told by mail, as these are all.
func EndEverything(ctx context.Context, d *db.DB) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		for _, statement := range []string{
			"DELETE FROM provider_sessions", "DELETE FROM provider_visits", "DELETE FROM sessions", "DELETE FROM devices", "DELETE FROM one_time_links", "DELETE FROM ceremonies", "DELETE FROM form_tokens",
		} {
			if _, err := tx.Run(statement); err != nil {
				return err
			}
		}
		if _, err := tx.Run("UPDATE key_handovers SET sealed = NULL, cancelled_at = ? WHERE sealed IS NOT NULL", tx.Now); err != nil {
			return err
		}
		audit.Record(tx, actor.ForOperator(), audit.Event{Act: audit.SessionsEnded, TargetKind: "portal", Details: map[string]string{"because": "restored"}})
		return nil
	})
}
