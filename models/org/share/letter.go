package share

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// tell writes to those who manage an organization and from whom the app is not hidden; letter is made for each in their language and zone.
func (s *Store) tell(tx *db.Tx, organization, app db.ID, letter func(ctx context.Context) outbox.Letter) error {
	to, err := org.Managers(tx, organization, app)
	if err != nil {
		return err
	}
	for _, r := range to {
		l := letter(r.Locale(tx.Context()))
		l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
		if err := s.outbox.Queue(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// see leads to the share.
func (s *Store) see(l *outbox.Letter, share Share) {
	button := outbox.L("See the share")
	l.Button, l.URL = &button, s.link("/console/shares/"+share.ID.Show(Prefix))
}

// tellOffered writes to the admins of the receiver, if there is one.
func (s *Store) tellOffered(tx *db.Tx, offer Share) error {
	var lender []string
	err := tx.Raw("SELECT l.name FROM organizations l JOIN organizations r ON r.id = ? AND r.deleted_at IS NULL WHERE l.id = ?", offer.ReceiverID, offer.LenderID).Scan(&lender).Error
	if err != nil || len(lender) == 0 {
		return err
	}
	if ok, err := account.TakeTx(tx, "share offers to "+offer.ReceiverID.String(), toReceiver, window); err != nil || !ok {
		return err
	}
	return s.tell(tx, offer.ReceiverID, offer.AppID, func(ctx context.Context) outbox.Letter {
		l := outbox.Letter{
			Kind: "share_offered", Subject: outbox.L("An organization offers to share an app with yours"), ExpiresAt: offer.LapsesAt(),
			Lines: []outbox.Line{
				outbox.L("The organization %[1]s offers your organization rights on its app %[2]s until %[3]s.", lender[0], offer.AppName, text.DateTime(ctx, offer.EndsAt)),
				outbox.L("Reason: %s", offer.Reason),
			},
			After: []outbox.Line{outbox.L("An owner or admin accepts or declines it until %s. If you don’t know who this is, do nothing.", text.DateTime(ctx, offer.LapsesAt()))},
		}
		button := outbox.L("See the offer")
		l.Button, l.URL = &button, s.link("/console/shares/"+offer.ID.Show(Prefix))
		return l
	})
}

func (s *Store) tellAccepted(tx *db.Tx, share Share) error {
	return s.tell(tx, share.LenderID, share.AppID, func(ctx context.Context) outbox.Letter {
		l := outbox.Letter{
			Kind: "share_accepted", Subject: outbox.L("Your offer to share an app was accepted"),
			Lines: []outbox.Line{outbox.L("The organization %[1]s has the rights on the app %[2]s that you offered, until %[3]s.", share.ReceiverName, share.AppName, text.DateTime(ctx, share.EndsAt))},
			After: []outbox.Line{outbox.L("Either side can end it at any time.")},
		}
		s.see(&l, share)
		return l
	})
}

func (s *Store) tellDeclined(tx *db.Tx, share Share) error {
	return s.tell(tx, share.LenderID, share.AppID, func(context.Context) outbox.Letter {
		l := outbox.Letter{
			Kind: "share_declined", Subject: outbox.L("Your offer to share an app was declined"),
			Lines: []outbox.Line{outbox.L("The app %s stays as it was: nobody else reaches it by this offer.", share.AppName)},
		}
		button := outbox.L("See the app")
		l.Button, l.URL = &button, s.link("/console/apps/"+share.AppID.Show(org.AppPrefix))
		return l
	})
}

// tellEnded writes to the side that did not end it. An offer that is taken back is just gone.
func (s *Store) tellEnded(tx *db.Tx, share Share, cause Cause) error {
	to, by := share.ReceiverID, share.LenderName
	switch cause {
	case ByLender:
	case ByReceiver:
		to, by = share.LenderID, share.ReceiverName
	default:
		return nil
	}
	return s.tell(tx, to, share.AppID, func(context.Context) outbox.Letter {
		l := outbox.Letter{
			Kind: "share_ended", Subject: outbox.L("The share of an app was ended"),
			Lines: []outbox.Line{outbox.L("The organization %[1]s ended the share of the app %[2]s. It opens nothing any more.", by, share.AppName)},
		}
		button := outbox.L("Open the console")
		l.Button, l.URL = &button, s.link("/console/apps")
		return l
	})
}

// tellEnds writes to both sides that a share ends soon.
func (s *Store) tellEnds(tx *db.Tx, share Share) error {
	for _, side := range []struct {
		to    db.ID
		other string
	}{{share.LenderID, share.ReceiverName}, {share.ReceiverID, share.LenderName}} {
		err := s.tell(tx, side.to, share.AppID, func(ctx context.Context) outbox.Letter {
			l := outbox.Letter{
				Kind: "share_ends", Subject: outbox.L("The share of an app ends on %s", text.Date(ctx, share.EndsAt)),
				Lines: []outbox.Line{outbox.L("The app %[1]s is shared between your organization and %[2]s until %[3]s. Then it opens nothing any more.", share.AppName, side.other, text.DateTime(ctx, share.EndsAt))},
				After: []outbox.Line{outbox.L("To go on, whoever shares the app offers it again after that.")},
			}
			s.see(&l, share)
			return l
		})
		if err != nil {
			return err
		}
	}
	return nil
}
