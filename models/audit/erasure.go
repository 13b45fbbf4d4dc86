package audit

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// erasure is something to be erased from archived parts. Of a value only a salted digest is kept until that is done.
type erasure struct {
	ID       db.ID
	Upto     int64 // parts after this event were written later, and hold nothing of it
	PersonID *db.ID
	Salt     []byte
	Digest   string
}

// eraseArchived notes an erasure, where there is an archive. It comes after what was deleted in the database: a part that is archived meanwhile either
// waits for that, and then fails, or is seen here.
func eraseArchived(tx *db.Tx, e erasure) error {
	if err := tx.Raw("SELECT COALESCE(MAX(last_seq), 0) FROM audit_archives").Scan(&e.Upto).Error; err != nil || e.Upto == 0 {
		return err
	}
	_, err := tx.Run("INSERT INTO audit_erasures (id, upto, person_id, salt, digest, at) VALUES (?, ?, ?, ?, ?, ?)", db.NewID(), e.Upto, e.PersonID, e.Salt, e.Digest, tx.Now)
	return err
}

// takes reports whether a personal value of an event is to be erased.
func (e erasure) takes(event exportEvent, value string) bool {
	if e.PersonID != nil {
		id := e.PersonID.String()
		return event.ActorID == id || event.TargetID == id
	}
	return subtle.ConstantTimeCompare([]byte(e.Digest), []byte(PersonalDigest(e.Salt, value))) == 1
}

// WaitingErasures says how many erasures are not yet done in the archive, and since when the oldest waits; zero when none does.
func WaitingErasures(ctx context.Context, d *db.DB) (n int64, since time.Time, err error) {
	var rows []struct{ At time.Time }
	if err := d.Read(ctx).Raw("SELECT at FROM audit_erasures ORDER BY at").Scan(&rows).Error; err != nil || len(rows) == 0 {
		return 0, time.Time{}, err
	}
	return int64(len(rows)), rows[0].At, nil
}

// erase takes out of the files what is to be erased. A file that is missing is told, and holds up the others no longer than that: what is to be erased from
// it waits until it is back, or released.
func (a *Archives) erase(ctx context.Context) error {
	for before := int64(-1); ctx.Err() == nil; {
		n, _, err := WaitingErasures(ctx, a.DB)
		if err != nil || n == 0 {
			return err
		}
		parts, err := ArchivedParts(ctx, a.DB)
		if err != nil {
			return err
		}
		missing := ""
		var previous *Closing
		for _, p := range parts {
			err := a.eraseFrom(ctx, p, previous)
			previous = &p.Closing
			switch {
			case errors.Is(err, fs.ErrNotExist):
				missing = p.Name()
			case err != nil:
				return fmt.Errorf("%s: %w", p.Name(), err)
			}
		}
		left := int64(0) // an address that was found in one part is looked for in those before it, too
		err = a.DB.Tx(ctx, func(tx *db.Tx) error {
			if _, err := tx.Run("DELETE FROM audit_erasures WHERE done >= upto"); err != nil {
				return err
			}
			return tx.Raw("SELECT COALESCE(SUM(1 + upto - done), 0) FROM audit_erasures").Scan(&left).Error
		})
		if err != nil {
			return err
		}
		if missing != "" {
			return fmt.Errorf("personal data can’t be erased from %s, which is not in %s: put it back, or say that it was taken elsewhere by gatehouse audit release", missing, a.Folder)
		}
		switch left {
		case 0:
			return nil
		case before:
			return errors.New("personal data waits to be erased from archived parts that the database does not know: run gatehouse audit verify")
		}
		before = left
	}
	return ctx.Err()
}

// eraseFrom makes the file of a part anew without what is to be erased. An erasure counts as done up to here when it was done up to the part before. The file is
// read and written while nobody waits for it: the transaction only puts the new one in its place.
func (a *Archives) eraseFrom(ctx context.Context, p Archived, before *Closing) error {
	var due []erasure
	err := a.DB.Read(ctx).Raw("SELECT id, upto, person_id, salt, digest FROM audit_erasures WHERE done < ? AND upto >= ?", p.Last, p.Last).Scan(&due).Error
	if err != nil || len(due) == 0 {
		return err
	}
	var anew remade
	if !p.Released {
		if anew, err = a.remake(ctx, p.Closing, before, due); err != nil {
			return err
		}
	}
	last := int64(0)
	if before != nil {
		last = before.Last
	}
	ids := make([]db.ID, len(due))
	for i, e := range due {
		ids[i] = e.ID
	}
	return a.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockArchives(tx); err != nil {
			return err
		}
		if err := anew.place(a.Folder, p.Name()); err != nil {
			return err
		}
		if err := a.at("made anew"); err != nil {
			return err
		}
		_, err := tx.Run("UPDATE audit_erasures SET done = ? WHERE done = ? AND id IN ?", p.Last, last, ids)
		return err
	})
}

// remade is a draft of a file without what was erased, and the file that it was made from; its zero value when nothing is to be erased.
type remade struct {
	draft     string
	made, was os.FileInfo
}

// place puts the draft in the place of the file, unless somebody else made that anew meanwhile. Done again, it changes nothing.
func (r remade) place(folder, name string) error {
	if r.draft == "" {
		return nil
	}
	there, err := os.Lstat(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	if unchanged(there, r.made) {
		return syncFolder(folder)
	}
	draft, err := os.Lstat(r.draft)
	if err != nil || !unchanged(draft, r.made) || !unchanged(there, r.was) {
		return errMeanwhile
	}
	return place(r.made, r.draft, folder, name)
}

var errMeanwhile = errors.New("it was made anew meanwhile: what is to be erased is erased by the next run")

// unchanged reports whether two are one file, and not a later one that the disk keeps at the same place.
func unchanged(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// taken says which personal values of the events are to be erased.
func taken(events []exportEvent, due []erasure) func(yield func(i int, field string) bool) {
	return func(yield func(i int, field string) bool) {
		for i, event := range events {
			for field, v := range event.Who {
				if slices.ContainsFunc(due, func(e erasure) bool { return e.takes(event, v.Value) }) && !yield(i, field) {
					return
				}
			}
		}
	}
}

// remake drafts the file of a part without what is to be erased. That an address was found, which is to be erased elsewhere too, is committed first: it can't be read
// any more once the file is made anew.
func (a *Archives) remake(ctx context.Context, want Closing, before *Closing, due []erasure) (anew remade, err error) {
	path := filepath.Join(a.Folder, want.Name())
	if anew.was, err = os.Lstat(path); err != nil {
		return anew, err
	}
	found, err := readPart(path, want, before)
	if err != nil {
		return anew, err
	}
	var addresses []string
	changed := false
	for i, field := range taken(found.events, due) {
		event, value := found.events[i], found.events[i].Who[field].Value
		if tellsAddress(event, field, value, due) {
			addresses = append(addresses, value)
		}
		delete(event.Who, field)
		found.values--
		changed = true
	}
	if err := a.eraseFound(ctx, addresses, factorsOf(found.events, due)); err != nil || !changed {
		return remade{}, err
	}
	if anew.draft, err = found.draft(a.Folder, want, before); err != nil {
		return anew, err
	}
	if anew.made, err = os.Lstat(anew.draft); err != nil {
		return anew, err
	}
	return anew, a.at("erased")
}

// eraseFound has erased elsewhere what a file told of who is erased.
func (a *Archives) eraseFound(ctx context.Context, addresses []string, factors []db.ID) error {
	if len(addresses)+len(factors) == 0 {
		return nil
	}
	return a.DB.Tx(ctx, func(tx *db.Tx) error {
		for _, address := range addresses {
			if err := eraseAddress(tx, address); err != nil {
				return err
			}
		}
		for _, id := range factors {
			if err := ErasePerson(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// factorsOf are the second factors that who is erased added, but for those that are known by a run that was cut: events at sign-in name them alone.
func factorsOf(events []exportEvent, due []erasure) (ids []db.ID) {
	about := func(id string) bool {
		return slices.ContainsFunc(due, func(e erasure) bool { return e.PersonID != nil && e.PersonID.String() == id })
	}
	for _, event := range events {
		var id db.ID
		if event.Act == string(FactorAdded) && about(event.ActorID) && !about(event.TargetID) && id.Scan(event.TargetID) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// addressActs tell of an address that it was the person's.
var addressActs = []string{string(UserSignedUp), string(UserEmailChanged), string(UserEmailUndone)}

// tellsAddress reports whether a value that is erased was the person's address, and is not known for it by a run that was cut.
func tellsAddress(event exportEvent, field, value string, due []erasure) bool {
	of := func(e erasure) bool { return e.PersonID != nil && e.PersonID.String() == event.TargetID }
	known := func(e erasure) bool { return e.PersonID == nil && e.takes(event, value) }
	return (field == "email" || field == "old_email") && slices.Contains(addressActs, event.Act) && slices.ContainsFunc(due, of) && !slices.ContainsFunc(due, known)
}

// eraseAddress has an address that was a person's erased from the events of others too, unless another account has it by now.
func eraseAddress(tx *db.Tx, value string) error {
	taken := false
	if err := tx.Raw("SELECT EXISTS (SELECT 1 FROM users WHERE email = ?)", value).Scan(&taken).Error; err != nil || taken {
		return err
	}
	return EraseValue(tx, value)
}
