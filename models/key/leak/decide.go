package leak

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// MaxWord is the most characters of the word with which an incident is closed.
const MaxWord = 500

// open is an open incident with its key, both locked, and the reader's role.
type open struct {
	Incident
	key  key.Row
	role string
}

// locked finds the open incident of a key that the actor may manage. Faults: NotFound for others' keys and without an open incident, Forbidden.
func locked(tx *db.Tx, a actor.Actor, keyID db.ID) (open, error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	var roles []string
	err := tx.Raw("SELECT m.role FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id JOIN "+members+` m ON m.organization_id = o.id
		WHERE k.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND (? = '' OR k.environment = ?) AND a.id NOT IN `+unseen, append([]any{arg, keyID, a.Environment, a.Environment}, hidden...)...).Scan(&roles).Error
	if err != nil {
		return open{}, err
	}
	if len(roles) == 0 {
		return open{}, fault.Missing()
	}
	rows, before, err := standing(tx, []db.ID{keyID})
	if err != nil {
		return open{}, err
	}
	rows[0].Role = roles[0]
	o := open{Incident: before[keyID], key: rows[0], role: roles[0]}
	if o.ID.IsZero() || !o.Open() {
		return open{}, fault.Missing()
	}
	if !o.key.MayManage(a.UserID) && !a.Program() {
		return open{}, fault.Lacking(string(permission.KeysManageAll), o.key.OrganizationID.Show(org.Prefix))
	}
	return o, nil
}

// Decision is what somebody decides about an incident, having read it.
type Decision struct {
	Seen int    // Incident.News when it was read: with more by now it is refused. A report that says what was read is no reason to
	Word string // why
}

func (d Decision) check(o open, field string) (string, error) {
	word := cleaned(d.Word, MaxWord)
	var bad fault.Problems
	bad.Check(word != "", field, "Say it in a few words: the audit log keeps them.")
	bad.Check(len([]rune(strings.TrimSpace(d.Word))) <= MaxWord, field, "This has at most %d characters.", MaxWord)
	if err := bad.Err(); err != nil {
		return "", err
	}
	if d.Seen != o.News {
		return "", fault.New(fault.Conflict, "The key was reported again meanwhile. Read the incident again, then decide.")
	}
	return word, nil
}

// Resume lets a key that was paused for a leak work again, and closes the incident: the organization's admins may, who have read it, and say
// why. Reported again, it is paused again. Faults: NotFound, Forbidden, Invalid (reason), Conflict when it is not paused for it, or was reported since.
func (s *Store) Resume(ctx context.Context, a actor.Actor, keyID db.ID, d Decision) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		o, err := locked(tx, a, keyID)
		if err != nil {
			return err
		}
		if !permission.Org(o.role, permission.KeysManageAll) || a.Program() {
			return fault.Lacking(string(permission.KeysManageAll), o.key.OrganizationID.Show(org.Prefix))
		}
		word, err := d.check(o, "reason")
		if err != nil {
			return err
		}
		if isOver(o.key, tx.Now) || o.key.PausedCause != key.PausedLeak {
			return fault.New(fault.Conflict, "This key is not paused any more: there is nothing to resume.")
		}
		if err := s.keys.ResumeTx(tx, a, o.key, map[string]string{"incident": o.ID.Show(IncidentPrefix)}); err != nil {
			return err
		}
		s.record(tx, a, audit.LeakResumed, o, word)
		_, err = tx.Run("UPDATE leak_incidents SET resumed_at = ?, revoke_at = NULL, closed_at = ?, closed_by = ?, closed_word = ? WHERE id = ?", tx.Now, tx.Now, a.UserID.Ref(), word, o.ID)
		return err
	})
}

// Close ends an incident with a word. A key that is still paused for it must be rotated, revoked or resumed first: nothing dies in silence. Faults:
// NotFound, Forbidden, Invalid (word), Conflict.
func (s *Store) Close(ctx context.Context, a actor.Actor, keyID db.ID, d Decision) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		o, err := locked(tx, a, keyID)
		if err != nil {
			return err
		}
		return s.close(tx, a, o, d)
	})
}

// CloseAny ends the incident of any organization, by staff who may: under the same rules as Close. Its people read the word; a key that is paused for
// it stays theirs to decide about. Faults: Forbidden, NotFound, Invalid (word), Conflict, also when it is closed already.
func (s *Store) CloseAny(ctx context.Context, a actor.Actor, id db.ID, d Decision) error {
	if !mayStaff(a, permission.StaffLeaksManage) {
		return fault.Lacking(string(permission.StaffLeaksManage), "")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var keys []db.ID
		if err := tx.Raw("SELECT key_id FROM leak_incidents WHERE id = ?", id).Scan(&keys).Error; err != nil {
			return err
		}
		if len(keys) == 0 {
			return fault.Missing()
		}
		rows, before, err := standing(tx, keys)
		if err != nil {
			return err
		}
		i := before[keys[0]]
		if i.ID != id || !i.Open() {
			return fault.New(fault.Conflict, "This incident is closed already.")
		}
		return s.close(tx, a, open{Incident: i, key: rows[0]}, d)
	})
}

func (s *Store) close(tx *db.Tx, a actor.Actor, o open, d Decision) error {
	word, err := d.check(o, "word")
	if err != nil {
		return err
	}
	if o.key.PausedCause == key.PausedLeak && !isOver(o.key, tx.Now) {
		return fault.New(fault.Conflict, "The key is still paused for this. Rotate it, revoke it, or have an admin resume it; then close the incident.")
	}
	s.record(tx, a, audit.LeakClosed, o, word)
	_, err = tx.Run("UPDATE leak_incidents SET closed_at = ?, closed_by = ?, closed_word = ?, revoke_at = NULL WHERE id = ?", tx.Now, a.UserID.Ref(), word, o.ID)
	return err
}

func (s *Store) record(tx *db.Tx, a actor.Actor, act audit.Act, o open, word string) {
	audit.Record(tx, a, audit.Event{
		Act: act, TargetKind: "key", TargetID: o.KeyID, OrganizationID: o.key.OrganizationID,
		Details: map[string]string{"hint": o.key.Hint(), "name": o.key.Name, "incident": o.ID.Show(IncidentPrefix), "word": word},
	})
}
