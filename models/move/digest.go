package move

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// value brings what either driver read to the one Go type of the kind: nil, [16]byte, int64, bool, time.Time in UTC, string or []byte.
func (k kind) value(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case [16]byte:
		if k == kindID {
			return v, nil
		}
	case int64:
		switch k {
		case kindInteger:
			return v, nil
		case kindBoolean:
			return v != 0, nil
		case kindTime:
			return time.UnixMicro(v).UTC(), nil
		}
	case int32:
		if k == kindInteger {
			return int64(v), nil
		}
	case int16:
		if k == kindInteger {
			return int64(v), nil
		}
	case bool:
		if k == kindBoolean {
			return v, nil
		}
	case time.Time:
		if k == kindTime {
			return v.UTC(), nil
		}
	case string:
		return k.ofText(v)
	case []byte:
		if k == kindBytes {
			return v, nil
		}
		return k.ofText(string(v))
	}
	return nil, fmt.Errorf("%T is no %s", v, k)
}

func (k kind) ofText(v string) (any, error) {
	switch k {
	case kindText:
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("text that is not UTF-8: %s", strconv.QuoteToASCII(v[:min(len(v), 40)]))
		}
		return v, nil
	case kindID:
		id, err := uuid.Parse(v)
		return [16]byte(id), err
	case kindBytes:
		return []byte(v), nil
	}
	return nil, fmt.Errorf("text is no %s", k)
}

// Digest is of a table's rows, whatever their order: their number, and the sum of the SHA-256 of each.
type Digest struct {
	Rows int64
	sum  [4]uint64
	hash hash.Hash
	buf  []byte
}

// add takes in a row: a letter and the length of each value, and the value.
func (d *Digest) add(values []any) {
	b := d.buf[:0]
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case [16]byte:
			b = append(append(b, 'u'), v[:]...)
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v)) //nolint:gosec // only told apart
		case bool:
			b = strconv.AppendBool(append(b, 'b'), v)
		case time.Time:
			b = binary.BigEndian.AppendUint64(append(b, 't'), uint64(v.UnixMicro())) //nolint:gosec // only told apart
		case string:
			b = append(binary.BigEndian.AppendUint64(append(b, 's'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.BigEndian.AppendUint64(append(b, 'x'), uint64(len(v))), v...)
		}
	}
	d.buf = b
	if d.hash == nil {
		d.hash = sha256.New()
	}
	d.hash.Reset()
	_, _ = d.hash.Write(b) // never fails, says hash.Hash
	var sum [sha256.Size]byte
	d.hash.Sum(sum[:0])
	for i := range d.sum {
		d.sum[i] += binary.BigEndian.Uint64(sum[i*8:])
	}
	d.Rows++
}

// Equal reports whether both are of the same rows.
func (d *Digest) Equal(o *Digest) bool { return d.Rows == o.Rows && d.sum == o.sum }

// String is the sum, in hex.
func (d *Digest) String() string {
	var b []byte
	for _, n := range d.sum {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return hex.EncodeToString(b)
}
