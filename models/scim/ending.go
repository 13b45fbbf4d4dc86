package scim

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Ahead is how long before the end of a token its directory's owners are told first, and from when on pages say it.
const Ahead = 14 * day

// notices are how long before the end of a token each of them is due. What the database counts as told is how many were.
var notices = []time.Duration{Ahead, 3 * day, 0}

const (
	late      = 7 * day // for how long after the end it is told still, as after a long stop of the portal
	toldTo    = 20      // people of one organization
	atOnce    = 100     // tokens that one reading looks at
	noticesOf = " AND t.told < CASE WHEN t.expires_at <= ? THEN 3 WHEN t.expires_at <= ? THEN 2 ELSE 1 END"
)

// due is how many notices are due at now.
func due(now, ends time.Time) (n int) {
	for _, before := range notices {
		if !now.Before(ends.Add(-before)) {
			n++
		}
	}
	return n
}

// ending is true of tokens t with which a directory stops: they end before one moment and after another, nothing else is in their way, and none made since works, or
// did for longer, and is the one that the directory uses. One that was made and never entered there, or beside which the old one is used on, takes nobody's place. An organization has one directory: of two tokens one is in use, and
// one takes over (MaxTokens), so that two directories with a token each are told of the older one's end whenever it was the last to be used. Its arguments are those of endingArgs.
var ending = "t.revoked_at IS NULL AND t.expires_at <= ? AND t.expires_at > ? AND " + stands + ` AND NOT EXISTS (SELECT 1 FROM scim_tokens n WHERE n.organization_id = t.organization_id AND n.id > t.id
	AND n.revoked_at IS NULL AND (n.expires_at > ? OR n.expires_at > t.expires_at)
	AND (t.last_used_at IS NULL OR n.last_used_at >= t.last_used_at) AND ` + heldOf("n") + ")"

func endingArgs(now time.Time, since time.Duration) []any {
	return []any{now.Add(Ahead), now.Add(-since), now, now, now, now, now, now}
}

// Ending reads the token with which an organization's directory stops soon, or has stopped; nil when there is none. Faults: NotFound, Forbidden below owner.
func (s *Store) Ending(ctx context.Context, a actor.Actor, organizationID db.ID) (*Token, error) {
	q := s.db.Read(ctx)
	if err := manages(q, a, organizationID); err != nil {
		return nil, err
	}
	return endingOf(q, s.db.Now(), organizationID)
}

func endingOf(q *gorm.DB, now time.Time, organizationID db.ID) (*Token, error) {
	var rows []Token
	err := q.Raw("SELECT t.* FROM scim_tokens t WHERE t.organization_id = ? AND "+ending+" ORDER BY t.id DESC LIMIT 1", append([]any{organizationID}, endingArgs(now, shownFor)...)...).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// TellEnding writes to those who may manage a directory 14 and 3 days before its token ends, and when it has ended: each once, unless another token has been made
// since. It is a job. One organization's failure holds up no other's letters.
func (s *Store) TellEnding(ctx context.Context) error {
	var failed []error
	for after := (db.ID{}); ; {
		now := s.db.Now()
		var rows []Token
		if err := s.db.Read(ctx).Raw("SELECT t.* FROM scim_tokens t WHERE "+ending+noticesOf+" AND t.id > ? ORDER BY t.id LIMIT ?",
			append(endingArgs(now, late), now, now.Add(notices[1]), after, atOnce)...).Scan(&rows).Error; err != nil {
			return err
		}
		for _, t := range rows {
			failed = append(failed, s.db.Tx(ctx, func(tx *db.Tx) error { return s.tellEnding(tx, t) }))
		}
		if len(rows) < atOnce {
			return errors.Join(failed...)
		}
		after = rows[len(rows)-1].ID
	}
}

// tellEnding writes the notice that is due, unless another replica did, or the token was revoked or replaced since it was read.
func (s *Store) tellEnding(tx *db.Tx, t Token) error {
	n := due(tx.Now, t.ExpiresAt)
	told, err := tx.Run("UPDATE scim_tokens AS t SET told = ? WHERE t.id = ? AND t.told < ? AND "+ending, append([]any{n, t.ID, n}, endingArgs(tx.Now, late)...)...)
	if err != nil || told == 0 {
		return err
	}
	o, err := org.ByID(tx.DB, t.OrganizationID)
	if err != nil {
		return err
	}
	to, err := endingReaders(tx, t.OrganizationID)
	for _, r := range to {
		if err == nil {
			err = s.outbox.Queue(tx, s.endingLetter(r.Locale(tx.Context()), r, o.Name, t, tx.Now))
		}
	}
	return err
}

// endingReaders are those who may manage the directory now, and can sign in.
func endingReaders(tx *db.Tx, organizationID db.ID) ([]org.Recipient, error) {
	var all []org.Recipient
	err := tx.Raw(endingReadersQuery, append(append([]any{organizationID, permission.OrgRoles(permission.DomainsManage)}, org.ReachableArgs(tx.Now)...), toldTo)...).Scan(&all).Error
	return all, err
}

const endingReadersQuery = `SELECT u.id, u.email, u.language, u.time_zone FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role IN ? AND ` +
	org.Reachable + " ORDER BY m.created_at, u.id LIMIT ?"

// endingLetter says in the words of ctx when the token ends, or that it has. Of its text the hint is all that it holds.
func (s *Store) endingLetter(ctx context.Context, to org.Recipient, organization string, t Token, now time.Time) outbox.Letter {
	button := outbox.L("See the directory")
	l := outbox.Letter{
		Kind: "directory_token_ends", To: to.Email, UserID: to.ID, Language: to.Language, TimeZone: to.TimeZone,
		Subject: outbox.L("The token of your directory ends on %s", text.Date(ctx, t.ExpiresAt)),
		Lines: []outbox.Line{
			outbox.L("The token “%[1]s” (%[2]s), by which your directory manages the members of %[3]s, ends on %[4]s.", t.Name, t.Hint, organization, text.DateTime(ctx, t.ExpiresAt)),
			outbox.L("From then on the directory is refused: nobody is added, and who leaves your company is not taken out."),
		},
		After:  []outbox.Line{outbox.L("Create the next token before then, and enter it in your directory. Both work until this one ends.")},
		Button: &button, URL: s.link(Page(t.OrganizationID)), ExpiresAt: t.ExpiresAt,
	}
	if t.Living(now) {
		return l
	}
	l.Kind, l.Subject, l.ExpiresAt = "directory_token_ended", outbox.L("The token of your directory has ended"), time.Time{}
	l.Lines = []outbox.Line{
		outbox.L("The token “%[1]s” (%[2]s), by which your directory manages the members of %[3]s, ended on %[4]s.", t.Name, t.Hint, organization, text.DateTime(ctx, t.ExpiresAt)),
		outbox.L("The directory is refused: nobody is added, and who leaves your company stays a member until somebody removes them here."),
	}
	l.After = []outbox.Line{outbox.L("Create a token, and enter it in your directory. It then sends what it could not.")}
	return l
}
