package db

import (
	"database/sql/driver"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// ID is a UUIDv7: it sorts by creation time and is never a secret (it shows that time). It is stored as uuid (PostgreSQL) or
// canonical text (SQLite) and shown to people as prefix_ and 26 base32 characters. The zero ID means none.
type ID [16]byte

// crockford has no i, l, o, u, so that an id read aloud stays what it was.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an ID of now. It fails only when the system has no randomness, which is fatal for all else too.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) }

// IsZero reports whether id means none.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical text of a UUID: for logs and the database.
func (id ID) String() string { return uuid.UUID(id).String() }

// Show is the form that people and API callers see, such as key_01f… for prefix "key". The zero ID shows as "".
func (id ID) Show(prefix string) string {
	if id.IsZero() {
		return ""
	}
	return prefix + "_" + crockford.EncodeToString(id[:])
}

// AppendShow appends what Show returns to b, for paths on which an allocation counts.
func (id ID) AppendShow(b []byte, prefix string) []byte {
	if id.IsZero() {
		return b
	}
	b = append(append(b, prefix...), '_')
	return crockford.AppendEncode(b, id[:])
}

// ParseID reads what Show wrote. Any other text, also another prefix, is an error; its result is then the zero ID, which no row has.
func ParseID(prefix, text string) (ID, error) {
	body, ok := strings.CutPrefix(text, prefix+"_")
	if !ok || len(body) != 26 {
		return ID{}, fmt.Errorf("not an id of the form %s_…", prefix)
	}
	raw, err := crockford.DecodeString(body)
	if err != nil || len(raw) != 16 {
		return ID{}, fmt.Errorf("not an id of the form %s_…", prefix)
	}
	id := ID(raw)
	if id.Show(prefix) != text { // the last character has spare bits: one text an id
		return ID{}, fmt.Errorf("not an id of the form %s_…", prefix)
	}
	return id, nil
}

// Value implements driver.Valuer.
func (id ID) Value() (driver.Value, error) { return id.String(), nil }

// Scan implements sql.Scanner for both dialects; NULL scans as the zero ID.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case string:
		u, err := uuid.Parse(v)
		*id = ID(u)
		return err
	case []byte:
		u, err := uuid.ParseBytes(v)
		*id = ID(u)
		return err
	case [16]byte:
		*id = v
		return nil
	}
	return fmt.Errorf("db: can't read an id from %T", src)
}

// GormDataType names the column type for gorm; the schema itself is SQL.
func (ID) GormDataType() string { return "uuid" }

// Ref is a pointer to a copy of id, for nullable columns; the zero ID gives nil.
func (id ID) Ref() *ID {
	if id.IsZero() {
		return nil
	}
	return &id
}

// Deref is the ID that p points to, or the zero ID.
func Deref(p *ID) ID {
	if p == nil {
		return ID{}
	}
	return *p
}
