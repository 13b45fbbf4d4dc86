package importing

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// record is one key as a file tells of it. Line is where it stands: of CSV the line, of JSON the number of the object.
type record struct {
	Line                                                                int
	Digest, Name, App, Environment, Grants, Expires, Metadata, LastFour string
	Off                                                                 bool // switched off or deleted at its maker's
	Unsettled                                                           bool // its maker keeps it under the digest of a maker before
}

// set notes what one column or member says. Nothing is what databases write for it, too.
func (r *record) set(name, value string) {
	if slices.Contains(nothings, value) {
		return
	}
	switch name {
	case "enabled":
		r.Off = r.Off || value == "false" || value == "0"
	case "deleted_at", "deleted_at_m":
		r.Off = r.Off || value != "0"
	case "pending_migration_id":
		r.Unsettled = true
	default:
		if at := names[name]; at != nil {
			*at(r) = strings.TrimSpace(strings.Clone(value))
		}
	}
}

var nothings = []string{"", "null", "NULL", `\N`}

// names are what a column or member may be called: ours first, then Unkey's.
var names = map[string]func(*record) *string{
	"digest": func(r *record) *string { return &r.Digest }, "hash": func(r *record) *string { return &r.Digest },
	"name": func(r *record) *string { return &r.Name }, "app": func(r *record) *string { return &r.App }, "environment": func(r *record) *string { return &r.Environment },
	"grants": func(r *record) *string { return &r.Grants }, "expires": func(r *record) *string { return &r.Expires },
	"metadata": func(r *record) *string { return &r.Metadata }, "meta": func(r *record) *string { return &r.Metadata }, "last_four": func(r *record) *string { return &r.LastFour },
}

// errFile says that a file can't be read further.
var errFile = errors.New("importing: no such file")

// errKeys says that a file holds keys, which nobody should hand over.
var errKeys = errors.New("importing: the file holds keys themselves")

// each reads CSV with a header, or JSON (an array of objects, or an object with such an array as keys or data), and calls fn with each record. Columns and members that it does
// not know are passed over. It reads as it goes and fails with errFile, wrapped, with errKeys, or with what fn failed with.
func each(in io.Reader, fn func(record) error) error {
	b := bufio.NewReader(in)
	for {
		c, _, err := b.ReadRune()
		if err != nil {
			return fmt.Errorf("%w: it is empty", errFile)
		}
		if c == '\ufeff' || unicode.IsSpace(c) {
			continue
		}
		if err := b.UnreadRune(); err != nil {
			return err
		}
		if c == '[' || c == '{' {
			return eachObject(b, fn)
		}
		return eachRow(b, fn)
	}
}

func eachRow(in io.Reader, fn func(record) error) error {
	r := csv.NewReader(in)
	r.ReuseRecord, r.FieldsPerRecord = true, 0
	header, err := r.Read()
	if err != nil {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	columns := make([]string, len(header))
	for i, h := range header {
		columns[i] = strings.ToLower(strings.TrimSpace(h))
	}
	if slices.Contains(columns, "key") && !slices.Contains(columns, "digest") && !slices.Contains(columns, "hash") {
		return errKeys
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errFile, err)
		}
		line, _ := r.FieldPos(0)
		rec := record{Line: line}
		for i, value := range row {
			rec.set(columns[i], value)
		}
		if err := fn(rec); err != nil {
			return err
		}
	}
}

func eachObject(in io.Reader, fn func(record) error) error {
	d := json.NewDecoder(in)
	d.UseNumber()
	if err := toArray(d); err != nil {
		return err
	}
	for n := 1; d.More(); n++ {
		var object map[string]any
		if err := d.Decode(&object); err != nil {
			return fmt.Errorf("%w: object %d: %w", errFile, n, err)
		}
		if object["key"] != nil && object["digest"] == nil && object["hash"] == nil {
			return errKeys
		}
		rec := record{Line: n}
		for name, value := range object {
			rec.set(name, plain(value))
		}
		if err := fn(rec); err != nil {
			return err
		}
	}
	return nil
}

// toArray goes to the array of keys.
func toArray(d *json.Decoder) error {
	for {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: no array of keys: %w", errFile, err)
		}
		switch {
		case t == json.Delim('['):
			return nil
		case t == json.Delim('{') || t == "keys" || t == "data":
		default:
			var skipped any
			if err := d.Decode(&skipped); err != nil {
				return fmt.Errorf("%w: no array of keys: %w", errFile, err)
			}
		}
	}
}

// plain is a JSON value as a column would hold it: lists by spaces.
func plain(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case []any:
		var all []string
		for _, one := range x {
			all = append(all, plain(one))
		}
		return strings.Join(all, " ")
	}
	b, err := json.Marshal(v)
	if err != nil { // can't be: it came from JSON
		return ""
	}
	return string(b)
}

// digest reads 32 bytes in hex or base64, of either alphabet, padded or not.
func digest(text string) (apikey.Digest, bool) {
	if b, err := hex.DecodeString(text); err == nil && len(b) == 32 {
		return apikey.Digest(b), true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 32 {
		return apikey.Digest{}, false
	}
	return apikey.Digest(b), true
}

// expiry reads a moment: RFC 3339, a date and time in UTC, a day (to its end in UTC), or milliseconds since 1970; empty is nil.
func expiry(text string) (*time.Time, bool) {
	if text == "" {
		return nil, true
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 1<<48 {
		t := time.UnixMilli(ms).UTC()
		return &t, true
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		t = t.UTC()
		return &t, true
	}
	if t, err := time.ParseInLocation(time.DateTime, text, time.UTC); err == nil { // as MySQL writes it
		return &t, true
	}
	day, err := time.Parse("2006-01-02", text)
	day = day.AddDate(0, 0, 1)
	return &day, err == nil
}
