// Package outbox keeps mail until it is sent. A letter is queued in the transaction that causes it, so a mail tells only of what was
// committed; it survives restarts and is retried. Without an SMTP server it waits for an admin to hand it out. The body is sealed while it
// waits, because it may hold a one-time link, and is deleted when it is sent.
package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Line is one sentence of the message catalogue with its arguments.
type Line struct {
	Key  string   `json:"key"`
	Args []string `json:"args,omitempty"`
}

// L makes a Line. CR, LF and other control characters in arguments become spaces (F4).
func L(key string, args ...string) Line {
	for i := range args {
		args[i] = audit.Clean(args[i])
	}
	return Line{key, args}
}

// Letter is a mail before it is put into words: it is translated and laid out when it is read or sent.
type Letter struct {
	Kind      string    `json:"kind"` // verify_address, reset_password, key_expires…: for the admin's list
	To        string    `json:"to"`
	UserID    db.ID     `json:"-"`
	Language  string    `json:"language"`
	TimeZone  string    `json:"time_zone"`
	Subject   Line      `json:"subject"`
	Lines     []Line    `json:"lines"`
	Code      string    `json:"code,omitempty"` // a six-digit code, set apart
	Button    *Line     `json:"button,omitempty"`
	URL       string    `json:"url,omitempty"`   // where the button leads: always under the configured base URL (W6)
	Quote     string    `json:"quote,omitempty"` // words of a post, as plain text, set apart
	Links     []Link    `json:"links,omitempty"` // less weighty ones, below the button
	After     []Line    `json:"after,omitempty"`
	Thread    *Thread   `json:"thread,omitempty"` // of mails that belong together and can be unsubscribed
	ExpiresAt time.Time `json:"-"`                // after which it is useless, not sent any more, and deleted; zero: never
	Urgency   Urgency   `json:"-"`
}

// Last is the kind of the letter that tells somebody that their account is gone. It leaves nothing behind, no address either, once it was sent, was given up or
// expired (U8).
const Last = "account_deleted"

// LastAge is after how long a Last letter expires. The sweep comes each hour, so that it is gone within a day.
const LastAge = 23 * time.Hour

// Urgency is which letters go first. Those of one urgency go in turn; so that nobody can hold up what others wait for, what is Awaited is counted by the person or network
// that causes it, before it is queued (L7).
type Urgency int

// The urgencies.
const (
	Ordinary Urgency = iota
	Guarding         // tells people what happened to their own account
	Awaited          // somebody sits before a page and waits for the code or the link
)

// Link is a link in a letter: an address under the base URL, with its words.
type Link struct {
	Label Line   `json:"label"`
	URL   string `json:"url"`
}

// Thread makes mail programs show mails together, and lets people end them with one click. IDs are of letters, digits, hyphens,
// underscores and dots; the sender's domain is added.
type Thread struct {
	ID          string `json:"id"`             // of this mail: sent again, it is the same mail
	Root        string `json:"root,omitempty"` // of the mail that began the thread, also when the reader never had it; empty in that mail itself
	List        string `json:"list"`           // names the kind of mail, for filters
	Unsubscribe string `json:"unsubscribe"`    // address that ends such mail by a POST (RFC 8058)
}

// Sealer encrypts bodies; record, the id of the row, is bound to them.
type Sealer interface {
	Seal(plain []byte, record string) string
	Open(sealed, record string) ([]byte, error)
}

// Outbox queues letters. Safe for concurrent use.
type Outbox struct{ sealer Sealer }

// New makes an outbox.
func New(s Sealer) *Outbox { return &Outbox{s} }

// Queue adds a letter to the transaction.
func (o *Outbox) Queue(tx *db.Tx, l Letter) error {
	id := db.NewID()
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	var expires *time.Time
	if !l.ExpiresAt.IsZero() {
		expires = &l.ExpiresAt
	}
	_, err = tx.Run("INSERT INTO mails (id, user_id, kind, recipient, subject, body_sealed, state, urgency, next_attempt_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)",
		id, l.UserID.Ref(), l.Kind, l.To, l.Subject.Key, o.sealer.Seal(b, id.String()), l.Urgency, tx.Now, expires, tx.Now)
	return err
}

func (o *Outbox) open(id db.ID, sealed string) (Letter, error) {
	var l Letter
	b, err := o.sealer.Open(sealed, id.String())
	if err != nil {
		return l, fmt.Errorf("outbox: open %s: %w", id, err)
	}
	return l, json.Unmarshal(b, &l)
}
