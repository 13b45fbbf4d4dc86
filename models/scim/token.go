package scim

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Lives are the days for which a token can be made.
var Lives = []int{90, 180, 365}

// Token is what a directory proves itself by. Its text is shown once, and kept as a digest.
type Token struct {
	ID             db.ID
	OrganizationID db.ID
	Name           string
	Hint           string // what may be shown of its text
	CreatedBy      db.ID
	Maker          string // name of who made it
	CreatedAt      time.Time
	ExpiresAt      time.Time
	LastUsedAt     *time.Time
	RevokedAt      *time.Time
	Held           bool // who made it is an owner still, and may sign in
}

// Living reports whether nobody has ended the token, and its time is not over. Whether it Works hangs on more.
func (t Token) Living(now time.Time) bool { return t.RevokedAt == nil && now.Before(t.ExpiresAt) }

// heldOf is true of tokens, by that name, whose maker is an owner of the organization now, may sign in, and has the second factor that it requires; its arguments are
// twice the time.
func heldOf(t string) string {
	return `EXISTS (SELECT 1 FROM members hm JOIN users hu ON hu.id = hm.user_id WHERE hm.organization_id = ` + t + `.organization_id AND hm.user_id = ` + t + `.created_by AND hm.role = 'owner'
	AND hu.deleted_at IS NULL AND NOT (hu.suspended_at IS NOT NULL AND (hu.suspended_until IS NULL OR hu.suspended_until > ?)) AND NOT ` + actor.Shut("hm") + ")"
}

var held = heldOf("t")

// settled is true of tokens t of an organization that is neither deleted nor suspended and has proven a domain; its argument is the time.
const settled = `EXISTS (SELECT 1 FROM domains d WHERE d.organization_id = t.organization_id AND d.proven_at IS NOT NULL)
	AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = t.organization_id AND o.deleted_at IS NULL AND NOT (o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?)))`

// stands is true of tokens t of owners, of such an organization; its arguments are three times the time (Z7).
var stands = held + " AND " + settled

// works is true of tokens t that open something: living ones that stand; its arguments are four times the time.
var works = "t.revoked_at IS NULL AND t.expires_at > ? AND " + stands

// manages fails unless the actor may manage the organization's directory. Faults: NotFound, Forbidden below owner.
func manages(q *gorm.DB, a actor.Actor, organizationID db.ID) error {
	_, err := org.Require(q, a, organizationID, permission.DomainsManage)
	return err
}

// unknown is the one answer to what is no token, none any more, and none that works.
func unknown() error {
	return fault.New(fault.Unauthenticated, "The token is none that works: it may be wrong, over, or of an organization that has proven no domain.")
}

// touchEvery is how often it is noted that a token was used.
const touchEvery = time.Minute

// Enter gives the actor that a token's text stands for. Faults: Unauthenticated, the same for whatever is wrong.
func (s *Store) Enter(ctx context.Context, text string, a actor.Actor) (actor.Actor, error) {
	if err := s.db.Left(ctx); errors.Is(err, db.ErrLeft) { // what this database knows is out of date
		return a, fault.Wrap(err, fault.Unavailable, "This portal was moved to another database, and this is its old server: what it knows is out of date. Try again in a moment; if it stays so, tell whoever runs the portal.")
	}
	if !apikey.Check(s.brand, text) {
		return a, unknown()
	}
	now := s.db.Now()
	var rows []Token
	if err := s.db.Read(ctx).Raw("SELECT t.* FROM scim_tokens t WHERE t.digest_algorithm = ? AND t.pepper_version IN ? AND t.digest IN ? AND "+works,
		apikey.AlgorithmHMACSHA256, s.versions, s.digests(text), now, now, now, now).Scan(&rows).Error; err != nil {
		return a, err
	}
	if len(rows) == 0 {
		return a, unknown()
	}
	t := rows[0]
	a.Kind, a.KeyID, a.OrganizationID, a.Name = actor.Directory, t.ID, t.OrganizationID, t.Name
	if t.LastUsedAt != nil && now.Sub(*t.LastUsedAt) < touchEvery {
		return a, nil
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE scim_tokens SET last_used_at = ? WHERE id = ?", tx.Now, t.ID)
		return err
	})
	if errors.Is(err, db.ErrReadOnly) || db.Full(err) { // reading goes on
		err = nil
	}
	return a, err
}

// entered locks who belongs to the directory's organization, and fails unless the token works now, in the transaction of what it is used for (Z7).
func entered(tx *db.Tx, a actor.Actor) error {
	if a.Kind != actor.Directory {
		return unknown()
	}
	if err := org.LockMembers(tx, a.OrganizationID); err != nil {
		return err
	}
	var n int64
	if err := tx.Raw("SELECT COUNT(*) FROM scim_tokens t WHERE t.id = ? AND t.organization_id = ? AND "+works, a.KeyID, a.OrganizationID, tx.Now, tx.Now, tx.Now, tx.Now).Scan(&n).Error; err != nil {
		return err
	}
	if n == 0 {
		return unknown()
	}
	return nil
}

// NewToken is what owners say of a token.
type NewToken struct {
	Name string
	Days int // one of Lives
}

func (n *NewToken) check() error {
	var p fault.Problems
	n.Name = org.CheckName(&p, "name", n.Name)
	p.Check(slices.Contains(Lives, n.Days), "days", "Choose one of the list.")
	return p.Err()
}

// MakeToken makes a token, and returns its text, which is not kept. The organization's owners and admins are told. Faults: NotFound, Forbidden below owner,
// Invalid about "name" or "days", Conflict without a proven domain and at MaxTokens, RateLimited.
func (s *Store) MakeToken(ctx context.Context, a actor.Actor, organizationID db.ID, n NewToken) (Token, apikey.Secret, error) {
	var t Token
	var text apikey.Secret
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := org.LockMembers(tx, organizationID); err != nil {
			return err
		}
		if err := manages(tx.DB, a, organizationID); err != nil {
			return err
		}
		if !a.SignedIn() { // a token stands for an owner
			return fault.Denied()
		}
		if err := n.check(); err != nil {
			return err
		}
		if err := s.room(tx, organizationID); err != nil {
			return err
		}
		if err := madeOften(tx, organizationID); err != nil {
			return err
		}
		var err error
		if text, err = apikey.Mint(s.brand, apikey.Live, rand.Reader); err != nil {
			return err
		}
		t = Token{ID: db.NewID(), OrganizationID: organizationID, Name: n.Name, Hint: text.Hint(), CreatedBy: a.UserID, Maker: a.Name, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Duration(n.Days) * day), Held: true}
		sum := s.digesters[0].Sum(text.Reveal())
		if _, err := tx.Run(`INSERT INTO scim_tokens (id, organization_id, name, digest, digest_algorithm, pepper_version, hint, created_by, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.ID, organizationID, t.Name, sum[:], apikey.AlgorithmHMACSHA256, s.digesters[0].Version(), t.Hint, a.UserID, tx.Now, t.ExpiresAt); err != nil {
			return err
		}
		if _, err := tx.Run("INSERT INTO scim_directories (organization_id, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT (organization_id) DO NOTHING", organizationID, tx.Now, tx.Now); err != nil {
			return err
		}
		recordToken(tx, a, audit.DirectoryTokenMade, t)
		return s.tell(tx, organizationID, outbox.Letter{
			Kind: "directory_token", Subject: outbox.L("A directory can manage who belongs to your organization"),
			Lines: []outbox.Line{
				outbox.L("%s made a token by which a directory adds and removes members of your organization whose address is in its domains.", a.Name),
				outbox.L("If that should not be, revoke the token and ask why."),
			},
		})
	})
	return t, text, err
}

func recordToken(tx *db.Tx, a actor.Actor, act audit.Act, t Token) {
	audit.Record(tx, a, audit.Event{
		Act: act, TargetKind: "directory_token", TargetID: t.ID, OrganizationID: t.OrganizationID,
		Details: map[string]string{"hint": t.Hint, "name": t.Name, "expires": t.ExpiresAt.UTC().Format(time.RFC3339)},
	})
}

// room fails unless the organization can have a directory, and another token.
func (s *Store) room(tx *db.Tx, organizationID db.ID) error {
	var counts struct{ Domains, Tokens int }
	if err := tx.Raw(`SELECT (SELECT COUNT(*) FROM domains WHERE organization_id = ? AND proven_at IS NOT NULL) AS domains,
		(SELECT COUNT(*) FROM scim_tokens WHERE organization_id = ? AND revoked_at IS NULL AND expires_at > ?) AS tokens`, organizationID, organizationID, tx.Now).Scan(&counts).Error; err != nil {
		return err
	}
	if counts.Domains == 0 {
		return fault.New(fault.Conflict, "This organization has proven no domain. A directory manages people whose address is in one: prove it first.")
	}
	if counts.Tokens >= MaxTokens {
		return fault.New(fault.Conflict, "There are two tokens already: one in use, and one to take over. Revoke the one that is not used any more.")
	}
	return nil
}

// RevokeToken ends a token at once, on all replicas, also while the disk is full. Ended again, nothing is written. Faults: NotFound, Forbidden below owner.
func (s *Store) RevokeToken(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Token, error) {
	var t Token
	err := s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		if err := manages(tx.DB, a, organizationID); err != nil {
			return err
		}
		var err error
		if t, err = tokenOf(tx.DB, tx.Now, organizationID, id); err != nil || t.RevokedAt != nil {
			return err
		}
		return revoke(tx, a, t)
	})
	return t, err
}

func revoke(tx *db.Tx, a actor.Actor, t Token) error {
	n, err := tx.Run("UPDATE scim_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", tx.Now, t.ID)
	if err == nil && n > 0 {
		recordToken(tx, a, audit.DirectoryTokenRevoked, t)
	}
	return err
}

var tokenRows = "SELECT t.*, u.name AS maker, " + held + " AS held FROM scim_tokens t JOIN users u ON u.id = t.created_by WHERE t.organization_id = ? "

func tokenOf(q *gorm.DB, now time.Time, organizationID, id db.ID) (Token, error) {
	var rows []Token
	if err := q.Raw(tokenRows+"AND t.id = ?", now, now, organizationID, id).Scan(&rows).Error; err != nil {
		return Token{}, err
	}
	if len(rows) == 0 {
		return Token{}, fault.Missing()
	}
	return rows[0], nil
}

// Token reads one token. Faults: NotFound, Forbidden below owner.
func (s *Store) Token(ctx context.Context, a actor.Actor, organizationID, id db.ID) (Token, error) {
	q := s.db.Read(ctx)
	if err := manages(q, a, organizationID); err != nil {
		return Token{}, err
	}
	return tokenOf(q, s.db.Now(), organizationID, id)
}

// Reported revokes the tokens of these digests, which were found in public, and tells their organizations; it reports which digests are of tokens, whatever became of
// them. It runs in the transaction that takes the report (K9).
func (s *Store) Reported(tx *db.Tx, a actor.Actor, digests [][]byte) (map[string]bool, error) {
	out := map[string]bool{}
	for part := range slices.Chunk(digests, 200) {
		var rows []struct {
			Token
			Digest []byte
		}
		if err := tx.Raw("SELECT * FROM scim_tokens WHERE digest_algorithm = ? AND pepper_version IN ? AND digest IN ? ORDER BY id", apikey.AlgorithmHMACSHA256, s.versions, part).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[string(r.Digest)] = true
			if !r.Living(tx.Now) {
				continue
			}
			if err := revoke(tx, a, r.Token); err != nil {
				return nil, err
			}
			if err := s.tell(tx, r.OrganizationID, outbox.Letter{
				Kind: "directory_token_leaked", Subject: outbox.L("The token of your directory leaked, and was revoked"),
				Lines: []outbox.Line{
					outbox.L("The token %s was reported as found in public. It was revoked at once: your directory changes nothing any more.", r.Hint),
					outbox.L("Look at what was done with it, find out how it got out, and make another token."),
				},
			}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// tell writes to the owners and admins of an organization.
func (s *Store) tell(tx *db.Tx, organizationID db.ID, l outbox.Letter) error {
	to, err := org.Managers(tx, organizationID)
	button := outbox.L("See the directory")
	l.Button, l.URL = &button, s.link(Page(organizationID))
	for _, r := range to {
		if err == nil {
			l.To, l.UserID, l.Language, l.TimeZone = r.Email, r.ID, r.Language, r.TimeZone
			err = s.outbox.Queue(tx, l)
		}
	}
	return err
}
