// Package download is what people download about themselves: a job puts it together, it waits sealed in the database, where every replica reads it, and it is gone
// after some days. A mail tells its owner that it is there; the file itself goes to the owner alone, signed in and confirmed just now.
package download

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// JobKind is the job that makes a download.
const JobKind = "account.download"

// Bounds.
const (
	Age     = 7 * 24 * time.Hour // for how long a download is kept
	stuck   = time.Hour          // after which one that is not done may be asked for anew
	perDay  = 3
	perDays = 24 * time.Hour
)

// Path is the page on which one asks for a download and fetches it.
const Path = "/console/account/privacy"

// Options of a Store. All are required.
type Options struct {
	DB         *db.DB
	Accounts   *account.Store
	Sealer     *secret.Sealer // seals parts, run and number as record
	Outbox     *outbox.Outbox
	Link       func(path string) string // absolute address under the configured base URL (W6)
	PortalName func(ctx context.Context) string
}

// Store keeps downloads. Safe for concurrent use.
type Store struct{ o Options }

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{o} }

// Download is what a person asked for.
type Download struct {
	ID        db.ID
	UserID    db.ID
	Run       *db.ID
	Size      int64      // bytes
	ReadyAt   *time.Time // nil: it is being made
	FetchedAt *time.Time // when it was last downloaded
	ExpiresAt time.Time
	CreatedAt time.Time
}

// Stuck reports whether d was not made in the time that it takes: it may be asked for anew.
func (d Download) Stuck(now time.Time) bool {
	return d.ReadyAt == nil && now.Sub(d.CreatedAt) > stuck
}

// Of is the actor's own download; nil when there is none.
func (s *Store) Of(ctx context.Context, a actor.Actor) (*Download, error) {
	var rows []Download
	err := s.o.DB.Read(ctx).Raw("SELECT * FROM downloads WHERE user_id = ? AND expires_at > ?", a.UserID, s.o.DB.Now()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// prefix begins the ids of downloads in the payloads of jobs.
const prefix = "dwn"

type task struct {
	Download string `json:"download"`
}

// Ask begins the actor's download; one that was made before is gone then. Faults: Conflict while one is being made, RateLimited.
func (s *Store) Ask(ctx context.Context, a actor.Actor) error {
	if !a.SignedIn() {
		return fault.Denied()
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		ok, err := account.TakeTx(tx, "download:"+a.UserID.String(), perDay, perDays)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.RateLimited, "You asked for your data %s times today. Try again tomorrow.", "3")
		}
		var rows []Download
		if err := tx.Raw("SELECT * FROM downloads WHERE user_id = ?", a.UserID).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) > 0 && rows[0].ReadyAt == nil && !rows[0].Stuck(tx.Now) {
			return fault.New(fault.Conflict, "Your data is being put together. You get mail when it is there.")
		}
		if _, err := tx.Run("DELETE FROM downloads WHERE user_id = ?", a.UserID); err != nil {
			return err
		}
		id := db.NewID()
		if _, err := tx.Run("INSERT INTO downloads (id, user_id, expires_at, created_at) VALUES (?, ?, ?, ?)", id, a.UserID, tx.Now.Add(Age), tx.Now); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.DataAsked, TargetKind: "user", TargetID: a.UserID})
		return job.Queue(tx, JobKind, "", task{id.Show(prefix)}, tx.Now)
	})
}

// Job makes one download and tells its owner. A run that was cut is followed by another, which begins anew.
func (s *Store) Job(ctx context.Context, payload json.RawMessage) error {
	var t task
	if err := json.Unmarshal(payload, &t); err != nil {
		return err
	}
	id, err := db.ParseID(prefix, t.Download)
	if err != nil {
		return err
	}
	p, u, err := s.person(ctx, id)
	if err != nil || u.ID.IsZero() {
		return err
	}
	run := db.NewID()
	parts := &writer{ctx: ctx, store: s, owner: u.ID, download: id, run: run}
	if err := s.forget(ctx, id); err != nil {
		return err
	}
	err = privacy.Write(text.With(ctx, u.Locale()), s.o.DB, p, parts)
	if err == nil {
		err = parts.Close()
	}
	if err != nil {
		return errors.Join(err, s.forget(context.WithoutCancel(ctx), id)) // what fails on a full disk fills it no further
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE downloads SET run = ?, size = ?, ready_at = ?, expires_at = ? WHERE id = ? AND ready_at IS NULL", run, parts.size, tx.Now, tx.Now.Add(Age), id)
		if err != nil || n == 0 {
			return err
		}
		if _, err := tx.Run("DELETE FROM download_parts WHERE download_id = ? AND run <> ?", id, run); err != nil {
			return err
		}
		return s.o.Outbox.Queue(tx, s.letter(ctx, u, tx.Now))
	})
}

// forget deletes what earlier runs have written of a download that is yet to be made.
func (s *Store) forget(ctx context.Context, id db.ID) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM download_parts WHERE download_id = ? AND NOT EXISTS (SELECT 1 FROM downloads d WHERE d.id = download_id AND d.ready_at IS NOT NULL)", id)
		return err
	})
}

// person is who asked for a download that is yet to be made; the zero user when there is none.
func (s *Store) person(ctx context.Context, id db.ID) (privacy.Person, account.User, error) {
	var rows []struct{ UserID, Org db.ID }
	err := s.o.DB.Read(ctx).Raw(`SELECT d.user_id, o.id AS org FROM downloads d JOIN users u ON u.id = d.user_id LEFT JOIN organizations o ON o.personal_user_id = u.id
		WHERE d.id = ? AND d.ready_at IS NULL AND u.deleted_at IS NULL`, id).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return privacy.Person{}, account.User{}, err
	}
	u, err := s.o.Accounts.ByID(ctx, rows[0].UserID)
	return privacy.Person{ID: u.ID, Email: u.Email, Org: rows[0].Org}, u, err
}

func (s *Store) letter(ctx context.Context, u account.User, now time.Time) outbox.Letter {
	until := text.DateTime(text.With(ctx, u.Locale()), now.Add(Age))
	open := outbox.L("See your download")
	return outbox.Letter{
		Kind: "data_ready", To: u.Email, UserID: u.ID, Language: u.Language, TimeZone: u.TimeZone, ExpiresAt: now.Add(Age),
		Subject: outbox.L("Your data of %s is ready", s.o.PortalName(ctx)),
		Lines: []outbox.Line{
			outbox.L("Hello %s,", u.Name),
			outbox.L("What %s holds about you is put together. You can download it until %s. You sign in for it, and confirm that it is you.", s.o.PortalName(ctx), until),
		},
		Button: &open, URL: s.o.Link(Path),
		After: []outbox.Line{outbox.L("If you did not ask for it, somebody else is signed in as you: end your sessions and change your password.")},
	}
}

// Fetch notes that the actor downloads their own file now; Copy writes it. Faults: NotFound when there is none, or none yet.
func (s *Store) Fetch(ctx context.Context, a actor.Actor) (Download, error) {
	var rows []Download
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		rows = nil
		if err := tx.Raw("UPDATE downloads SET fetched_at = ? WHERE user_id = ? AND ready_at IS NOT NULL AND expires_at > ? RETURNING *", tx.Now, a.UserID, tx.Now).Scan(&rows).Error; err != nil {
			return err
		}
		if !a.SignedIn() || len(rows) == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.DataDownloaded, TargetKind: "user", TargetID: a.UserID})
		return nil
	})
	if err != nil {
		return Download{}, err
	}
	return rows[0], nil
}

// Sweep deletes downloads whose time is over. To be run every hour by one replica.
func (s *Store) Sweep(ctx context.Context) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM downloads WHERE expires_at <= ?", tx.Now)
		return err
	})
}
