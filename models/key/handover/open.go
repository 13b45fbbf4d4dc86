package handover

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Opened is what a link held.
type Opened struct {
	Offer
	Secret secret.Text
}

// openRow is a link that this request has just opened.
type openRow struct {
	ID     db.ID
	KeyID  db.ID
	MadeBy *db.ID
	Sealed string
}

// Open opens a link: of any number of tries one gets the text, and its maker is told when and from which network (L7, B1-15). The text is forgotten in
// the same transaction. Anybody who has the link may. Of a first try after that the maker is told too. Faults: NotFound, the same for whatever
// keeps it from opening; RateLimited.
func (s *Store) Open(ctx context.Context, a actor.Actor, token string) (Opened, error) {
	if err := s.allow(ctx, a); err != nil {
		return Opened{}, err
	}
	root, ok := rootOf(token)
	if !ok {
		return Opened{}, gone()
	}
	var out Opened
	found := false
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		out, found = Opened{}, false
		var rows []openRow
		args := append([]any{tx.Now, a.Network(), digestOf(root)}, linkArgs(tx.Now)...)
		err := tx.Raw("UPDATE key_handovers AS h SET opened_at = ?, opened_network = ? WHERE h.digest = ? AND "+opens+" RETURNING id, key_id, made_by, sealed", args...).Scan(&rows).Error
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return s.triedAgain(tx, a, root)
		}
		found = true
		return s.hand(tx, a, root, rows[0], &out)
	})
	if err == nil && !found {
		err = gone()
	}
	return out, err
}

// allow counts tries by network, before anything is looked up.
func (s *Store) allow(ctx context.Context, a actor.Actor) error {
	network := a.Network()
	if network == "" {
		network = unknownNetwork
	}
	ok := false
	err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
		ok, err = account.TakeTx(tx, openBucket+network, triesPerNetwork, linkWindow)
		return err
	})
	if err != nil || !ok {
		return orTooOften(err)
	}
	return nil
}

// hand reads what the link held, forgets it, and tells its maker.
func (s *Store) hand(tx *db.Tx, a actor.Actor, root *secret.Root, row openRow, out *Opened) error {
	held, err := unseal(root, row.ID, row.Sealed)
	if err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE key_handovers SET sealed = NULL WHERE id = ?", row.ID); err != nil {
		return err
	}
	r, err := key.RowTx(tx, row.KeyID)
	if err != nil {
		return err
	}
	out.Secret = held
	out.Offer = Offer{
		LinkID: row.ID, KeyID: r.ID, Name: r.Name, Prefix: r.Prefix, LastFour: r.LastFour, Environment: r.Environment, AppName: r.AppName, OrganizationName: r.OrganizationName, KeyEnds: r.EndsAt(),
	}
	if err := out.read(tx.DB); err != nil {
		return err
	}
	record(tx, a, audit.LinkOpened, r, row.ID, nil) // from where is personal: it is kept with the event's address, and with the link
	return s.tell(tx, r, row.MadeBy, func(ctx context.Context) outbox.Letter {
		return outbox.Letter{
			Kind: "key_link_opened", Subject: outbox.L("The hand-over link for %s was opened", r.Hint()),
			Lines: append([]outbox.Line{outbox.L("The link that hands this key over was opened on %[1]s, from the network %[2]s:", text.DateTime(ctx, tx.Now), orUnknown(ctx, a))}, key.KeyLines([]key.Row{r})...),
			After: []outbox.Line{outbox.L("If this was not the colleague or the script that it was meant for, revoke the key now.")},
		}
	})
}

// triedAgain tells the maker, once, that somebody came with a link that was opened before.
func (s *Store) triedAgain(tx *db.Tx, a actor.Actor, root *secret.Root) error {
	var rows []openRow
	err := tx.Raw("UPDATE key_handovers SET tried_again_at = ? WHERE digest = ? AND opened_at IS NOT NULL AND tried_again_at IS NULL RETURNING id, key_id, made_by", tx.Now, digestOf(root)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	r, err := key.RowTx(tx, rows[0].KeyID)
	if err != nil || !r.Living(tx.Now) {
		return err
	}
	return s.tell(tx, r, rows[0].MadeBy, func(ctx context.Context) outbox.Letter {
		return outbox.Letter{
			Kind: "key_link_again", Subject: outbox.L("The hand-over link for %s was tried a second time", r.Hint()),
			Lines: append([]outbox.Line{outbox.L("The link was opened before, so it showed nothing on %[1]s, to the network %[2]s:", text.DateTime(ctx, tx.Now), orUnknown(ctx, a))}, key.KeyLines([]key.Row{r})...),
			After: []outbox.Line{outbox.L("If the one whom it was sent to did not open it the first time, somebody else did: revoke the key now.")},
		}
	})
}

func orUnknown(ctx context.Context, a actor.Actor) string {
	if n := a.Network(); n != "" {
		return n
	}
	return text.T(ctx, "unknown")
}

// tell writes to a link's maker, while they may be told of the app; otherwise to those who manage the organization, since who opened the link has the key.
func (s *Store) tell(tx *db.Tx, r key.Row, maker *db.ID, letter func(ctx context.Context) outbox.Letter) error {
	to, err := org.PersonOrManagers(tx, r.OrganizationID, r.AppID, maker)
	if err != nil {
		return err
	}
	for _, one := range to {
		l := letter(one.Locale(tx.Context()))
		s.keys.Button(&l, []key.Row{r})
		if err := s.write(tx, []org.Recipient{one}, l); err != nil {
			return err
		}
	}
	return nil
}

// IsGone reports whether err is the answer for a link that opens nothing.
func IsGone(err error) bool { return fault.Is(err, fault.NotFound) }
