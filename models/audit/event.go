// Package audit is the append-only, chained record of who did what. An event is written in the transaction of the act that it
// tells of: no record, no act. The chain makes tampering evident, not impossible: who owns the database can rewrite
// it up to the last checkpoint kept elsewhere.
package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Act names what was done, noun.verb. Every act of the house is a constant in acts.go.
type Act string

// Results of an act.
const (
	Done    = "done"
	Refused = "refused"
)

// Event is what a store method tells. Details hold allow-listed facts (U5): never a body, a header or a secret. Personal holds
// what belongs to a person (a name, a mail address): only its salted digest goes into the chain, and the value
// itself stands apart, where it can be erased without breaking the chain (U8).
type Event struct {
	Act            Act
	TargetKind     string // user, organization, app, api, access, key, setting, mail, session
	TargetID       db.ID
	OrganizationID db.ID
	Result         string // empty: Done
	Details        map[string]string
	Personal       map[string]string
}

// Row is one event as it is stored.
type Row struct {
	Seq            int64
	ID             db.ID
	At             time.Time
	ActorKind      string
	ActorID        *db.ID
	Act            string
	TargetKind     string
	TargetID       *db.ID
	OrganizationID *db.ID
	Result         string
	RequestID      string
	Details        string // JSON, keys sorted
	Personal       string // JSON: field → base64 of SHA-256(salt ‖ value)
	PreviousHash   []byte
	Hash           []byte
}

// Record appends an event at the end of the transaction. The actor's name and address are kept as personal fields.
func Record(tx *db.Tx, a actor.Actor, e Event) { RecordMany(tx, a, []Event{e}) }

// RecordMany is Record of several events in their order, in a few statements whatever their number.
func RecordMany(tx *db.Tx, a actor.Actor, events []Event) {
	if len(events) > 0 {
		tx.BeforeCommit(db.StageAudit, func() error { return appendEvents(tx, a, events) })
	}
}

// rowsAtOnce is how many events one statement appends.
const rowsAtOnce = 100

func appendEvents(tx *db.Tx, a actor.Actor, events []Event) error {
	var head struct {
		Seq    int64
		Events int64
		Hash   []byte
	}
	lock := ""
	if tx.Home.Dialect == db.Postgres {
		lock = " FOR UPDATE"
	}
	if err := tx.Raw("SELECT seq, events, hash FROM audit_head WHERE id = 1" + lock).Scan(&head).Error; err != nil {
		return fmt.Errorf("audit: head: %w", err)
	}
	for part := range slices.Chunk(events, rowsAtOnce) {
		var rows, personal []any
		for _, e := range part {
			r := newRow(a, e, tx.Now)
			var kept []any
			kept, r.Personal = personalRows(r.ID, a, e.Personal)
			r.Seq, r.PreviousHash = head.Seq+1, head.Hash
			r.Hash = r.Sum()
			rows = append(rows, r.Seq, r.ID, r.At, r.ActorKind, r.ActorID, r.Act, r.TargetKind, r.TargetID, r.OrganizationID, r.Result,
				r.RequestID, r.Details, r.Personal, r.PreviousHash, r.Hash)
			personal = append(personal, kept...)
			head.Seq, head.Events, head.Hash = r.Seq, head.Events+1, r.Hash
		}
		if err := keepPersonal(tx, personal); err != nil {
			return err
		}
		_, err := tx.Run(`INSERT INTO audit_events (seq, id, at, actor_kind, actor_id, act, target_kind, target_id, organization_id, result,
			request_id, details, personal, previous_hash, hash) VALUES `+rowsText("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", len(part)), rows...)
		if err != nil {
			return fmt.Errorf("audit: append: %w", err)
		}
	}
	_, err := tx.Run("UPDATE audit_head SET seq = ?, events = ?, hash = ? WHERE id = 1", head.Seq, head.Events, head.Hash)
	return err
}

func rowsText(row string, n int) string { return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") }

func newRow(a actor.Actor, e Event, now time.Time) Row {
	if e.Result == "" {
		e.Result = Done
	}
	kind := a.Kind
	if kind == "" {
		kind = actor.Anonymous
	}
	if a.ByMail {
		e.Details = maps.Clone(e.Details)
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		e.Details["by"] = "mail"
	}
	return Row{
		ID: db.NewID(), At: now, ActorKind: string(kind), ActorID: a.ID().Ref(), Act: string(e.Act), TargetKind: e.TargetKind,
		TargetID: e.TargetID.Ref(), OrganizationID: e.OrganizationID.Ref(), Result: e.Result, RequestID: Clean(a.RequestID),
		Details: canonical(e.Details),
	}
}

// addressField is the personal field that says from where somebody came.
const addressField = "address"

// personalRows are the rows of audit_personal of one event, flat, and what the chain holds of them.
func personalRows(id db.ID, a actor.Actor, fields map[string]string) (rows []any, digests string) {
	all := map[string]string{}
	for k, v := range fields {
		all[k] = Clean(v)
	}
	if a.Name != "" {
		all["actor"] = Clean(a.Name)
	}
	if a.Address.IsValid() {
		all[addressField] = a.Address.String()
	}
	hashed := map[string]string{}
	for field, value := range all {
		salt := make([]byte, 16)
		_, _ = rand.Read(salt) // never fails, says crypto/rand
		rows = append(rows, id, field, salt, value)
		hashed[field] = PersonalDigest(salt, value)
	}
	return rows, canonical(hashed)
}

func keepPersonal(tx *db.Tx, rows []any) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.Run("INSERT INTO audit_personal (event_id, field, salt, value) VALUES "+rowsText("(?, ?, ?, ?)", len(rows)/4), rows...)
	if err != nil {
		return fmt.Errorf("audit: personal: %w", err)
	}
	return nil
}

// PersonalDigest is what the chain holds of a personal value.
func PersonalDigest(salt []byte, value string) string {
	sum := sha256.Sum256(append(append([]byte{}, salt...), value...))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// canonical is JSON with sorted keys (encoding/json sorts map keys) and clean values.
func canonical(m map[string]string) string {
	clean := make(map[string]string, len(m))
	for k, v := range m {
		clean[k] = Clean(v)
	}
	b, err := json.Marshal(clean)
	if err != nil { // can't be: strings only
		return "{}"
	}
	return string(b)
}

// Clean takes out what could forge a line or turn text around where events are read: control characters, among them CR, LF
// and ESC, and bidirectional marks (U6). Of an API key only the hint stays (K1). Longer than 500 bytes is cut.
func Clean(s string) string {
	s = apikey.Mask(s) // before anything is cut: half a key would not be known for one
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

// Sum is the hash of the row: SHA-256 over the previous hash and each field behind its length.
func (r Row) Sum() []byte {
	h := sha256.New()
	var n [8]byte
	add := func(s string) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:])
		_, _ = h.Write([]byte(s))
	}
	binary.BigEndian.PutUint64(n[:], uint64(r.Seq)) //nolint:gosec // a sequence number is never negative
	_, _ = h.Write(n[:])
	add(string(r.PreviousHash))
	add(r.ID.String())
	add(r.At.UTC().Format(time.RFC3339Nano))
	for _, s := range []string{
		r.ActorKind, db.Deref(r.ActorID).String(), r.Act, r.TargetKind, db.Deref(r.TargetID).String(),
		db.Deref(r.OrganizationID).String(), r.Result, r.RequestID, r.Details, r.Personal,
	} {
		add(s)
	}
	return h.Sum(nil)
}
