package demo

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// waits is how young a mail of the demo is that nobody has sent yet.
const waits = 30 * time.Hour

// settleMail lets two people ask for mail just now, and all older mail have been sent.
func (f *filler) settleMail(ctx context.Context) error {
	visitor := actor.Actor{Kind: actor.Anonymous, Address: addressOf("visitor"), RequestID: "req_demo99999"}
	if err := f.accounts.RequestReset(ctx, visitor, "ruth@lumen.example"); err != nil {
		return err
	}
	if _, err := f.accounts.SignUp(ctx, visitor, account.NewAccount{Name: "Pablo Ortiz", Email: "pablo@pampa.example", Password: Password}); err != nil {
		return err
	}
	return f.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE mails SET state = 'sent', sent_at = created_at, attempts = 1, body_sealed = NULL WHERE created_at < ?", f.now.Add(-waits))
		return err
	})
}
