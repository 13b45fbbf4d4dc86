package account

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// KnownAge is for how long a browser stays known after the last good sign-in there.
const KnownAge = 365 * 24 * time.Hour

const (
	peopleInBrowser = 5 // who share a browser, and for whom it stays known; the latest
	noticesPerDay   = 10
	noticesWindow   = 24 * time.Hour
)

// Browser is what signs in: how it names itself, and the value of its cookie that Remember made, if it has one.
type Browser struct {
	Agent string
	Known string
}

// Device is a browser in which a user signed in. What proves it is in the browser's cookie alone: one random value for each person who signs in there, renewed by each
// sign-in, so that neither a copy of the cookie nor one that somebody planted is worth anything for long. The database has a digest of it and of the person,
// which doesn't tell who shares a browser.
type Device struct {
	ID         db.ID
	UserID     db.ID
	Digest     []byte `json:"-"`
	UserAgent  string
	Network    string
	LastSeenAt time.Time
	CreatedAt  time.Time
}

func deviceDigest(userID db.ID, token string) []byte {
	sum := sha256.Sum256([]byte("device\x00" + userID.String() + "\x00" + token))
	return sum[:]
}

// deviceTokens are the values in a cookie, the latest first.
func deviceTokens(cookie string) []string {
	if len(cookie) > 1000 {
		return nil
	}
	tokens := slices.DeleteFunc(strings.Split(cookie, "."), func(t string) bool { return len(t) != tokenLength })
	return tokens[:min(len(tokens), peopleInBrowser)]
}

// tokenLength is how many characters secret.Token(tokenBytes) has.
const tokenLength = 43

// deviceOf is the user's device with this cookie, and the one of its values that proves it; the zero Device when there is none.
func deviceOf(q *gorm.DB, userID db.ID, cookie string, now time.Time) (Device, string, error) {
	tokens := deviceTokens(cookie)
	if len(tokens) == 0 {
		return Device{}, "", nil
	}
	digests := make([][]byte, len(tokens))
	for i, t := range tokens {
		digests[i] = deviceDigest(userID, t)
	}
	var rows []Device
	if err := q.Raw("SELECT * FROM devices WHERE digest IN ? AND user_id = ? AND last_seen_at > ?", digests, userID, now.Add(-KnownAge)).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return Device{}, "", err
	}
	at := slices.IndexFunc(digests, func(d []byte) bool { return string(d) == string(rows[0].Digest) })
	return rows[0], tokens[at], nil
}

// knownBucket is the counter of a browser that is known for u, which others can't use up (A7); "" when it is not.
func (s *Store) knownBucket(ctx context.Context, u User, cookie string) (string, error) {
	d, _, err := deviceOf(s.db.Read(ctx), u.ID, cookie, s.db.Now())
	if err != nil || d.ID.IsZero() {
		return "", err
	}
	return "signin:known:" + d.ID.String(), nil
}

// Remember makes the browser known in which a session of somebody just became whole, and returns the new value of its cookie. When it was not known, its owner gets a
// mail that tells where and by what somebody signed in, and what to do; not in the first day of an account that nobody signed in to before. Faults: Unauthenticated
// when the session is over.
func (s *Store) Remember(ctx context.Context, a actor.Actor, session Session, from Browser) (cookie string, err error) {
	u, err := s.ByID(ctx, session.UserID)
	if err != nil {
		return "", err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		var d Device
		var isNew bool
		d, cookie, isNew, err = noteDevice(tx, a, u.ID, from)
		if err != nil {
			return err
		}
		n, err := tx.Run("UPDATE sessions SET device_id = ? WHERE id = ? AND user_id = ?", d.ID, session.ID, u.ID)
		if err == nil && n == 0 {
			err = over()
		}
		if err != nil || !isNew {
			return err
		}
		return s.tellOfDevice(tx, u, session, d)
	})
	return cookie, err
}

// KnownBrowser makes the browser known in which somebody just chose a new password by a mailed link: there, guesses from elsewhere can't lock them out (A7). It returns the new
// value of its cookie. Faults: NotFound.
func (s *Store) KnownBrowser(ctx context.Context, a actor.Actor, userID db.ID, from Browser) (cookie string, err error) {
	if _, err := s.ByID(ctx, userID); err != nil {
		return "", err
	}
	return cookie, s.db.Tx(ctx, func(tx *db.Tx) error {
		_, cookie, _, err = noteDevice(tx, a, userID, from)
		return err
	})
}

// mostDevices is how many browsers of one person are known: one that keeps no cookies is another one each time.
const mostDevices = 50

// noteDevice writes that somebody proved who they are in this browser, under a new value for its cookie.
func noteDevice(tx *db.Tx, a actor.Actor, userID db.ID, from Browser) (d Device, cookie string, isNew bool, err error) {
	d, old, err := deviceOf(tx.DB, userID, from.Known, tx.Now)
	if err != nil {
		return Device{}, "", false, err
	}
	others := slices.DeleteFunc(deviceTokens(from.Known), func(t string) bool { return t == old })
	token := secret.Token(tokenBytes)
	cookie = strings.Join(append([]string{token}, others[:min(len(others), peopleInBrowser-1)]...), ".")
	isNew = d.ID.IsZero()
	d.Digest, d.UserAgent, d.Network, d.LastSeenAt = deviceDigest(userID, token), cut(apikey.Redact(from.Agent), 300), a.Network(), tx.Now
	if !isNew {
		_, err = tx.Run("UPDATE devices SET digest = ?, user_agent = ?, network = ?, last_seen_at = ? WHERE id = ?", d.Digest, d.UserAgent, d.Network, d.LastSeenAt, d.ID)
		return d, cookie, false, err
	}
	d.ID, d.UserID, d.CreatedAt = db.NewID(), userID, tx.Now
	_, err = tx.Run("INSERT INTO devices (id, user_id, digest, user_agent, network, last_seen_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		d.ID, d.UserID, d.Digest, d.UserAgent, d.Network, d.LastSeenAt, d.CreatedAt)
	if err != nil {
		return d, cookie, true, err
	}
	_, err = tx.Run("DELETE FROM devices WHERE user_id = ? AND id NOT IN (SELECT id FROM devices WHERE user_id = ? ORDER BY last_seen_at DESC, id DESC LIMIT ?)", userID, userID, mostDevices)
	return d, cookie, true, err
}

// tellOfDevice mails the notice, ten times a day at most: a browser that keeps no cookies is new each time.
func (s *Store) tellOfDevice(tx *db.Tx, u User, session Session, d Device) error {
	var others int64
	if err := tx.Raw("SELECT COUNT(*) FROM devices WHERE user_id = ? AND id <> ?", u.ID, d.ID).Scan(&others).Error; err != nil {
		return err
	}
	since := u.CreatedAt
	if u.ApprovedAt != nil {
		since = *u.ApprovedAt
	}
	if others == 0 && tx.Now.Sub(since) < noticesWindow {
		return nil
	}
	ok, err := TakeTx(tx, "device:notice:"+u.ID.String(), noticesPerDay, noticesWindow)
	if err != nil || !ok {
		return err
	}
	return s.outbox.Queue(tx, s.letterDevice(tx.Context(), u, session, d))
}

// deviceOfAnother is what holds of browsers other than that of a session.
const deviceOfAnother = "id NOT IN (SELECT s.device_id FROM sessions s WHERE s.id = ? AND s.device_id IS NOT NULL)"

// forgetDevices makes the user's browsers strangers, but the one of the session keep: whoever knew an old password, or had a session that was ended, gets no more
// guesses than anybody, and is told of when they sign in again.
func forgetDevices(tx *db.Tx, userID, keep db.ID) error {
	_, err := tx.Run("DELETE FROM devices WHERE user_id = ? AND "+deviceOfAnother, userID, keep)
	return err
}

// ShutOut ends all sessions of a user and makes their browsers strangers: for those who take away by what they signed in.
func ShutOut(tx *db.Tx, userID db.ID) error { return shutOut(tx, userID, db.ID{}) }
