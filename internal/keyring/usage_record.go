package keyring

import (
	"encoding/binary"
	"net/netip"

	"github.com/gatehouse-dev/gatehouse/internal/spool"
)

// Kinds of records in a segment, and what their data is.
const (
	recordCount   = 1 // four ids, environment, code, minute (four bytes), template: its counters are those of the series
	recordOfScope = 2 // place of the count (four bytes), scope
	recordOfNet   = 3 // place of the count, prefix length (one byte), address
)

const (
	countData = 4*len(ID{}) + 6
	mostText  = 1 << 12 // of a template or a scope as it is recorded
)

// record names the cell in the segment, where it counts from now on; false when there is no room.
func (c *cell) record(seg *spool.Segment) bool {
	var room [countData + 256]byte
	row := c.key.row()
	data := append(room[:0], row.Key[:]...)
	data = append(data, row.App[:]...)
	data = append(data, row.Org[:]...)
	data = append(data, row.API[:]...)
	data = append(data, byte(row.Environment), byte(row.Code))
	data = binary.BigEndian.AppendUint32(data, c.key.minute)
	data = append(data, row.Template[:min(len(row.Template), mostText)]...)
	slot, place := seg.Add(recordCount, data)
	if slot == nil {
		return false
	}
	c.slot, c.place = slot, place
	return true
}

// recordScope and recordNetwork note beside a count. Without room the note is lost and nothing else.
func recordScope(seg *spool.Segment, place uint32, scope string) {
	var room [64]byte
	data := binary.BigEndian.AppendUint32(room[:0], place)
	seg.Add(recordOfScope, append(data, scope[:min(len(scope), mostText)]...))
}

func recordNetwork(seg *spool.Segment, place uint32, network netip.Prefix) {
	var room [32]byte
	data := binary.BigEndian.AppendUint32(room[:0], place)
	data = append(data, byte(network.Bits())) //nolint:gosec // at most 128
	seg.Add(recordOfNet, append(data, network.Addr().AsSlice()...))
}

// Reader puts a Batch together again from the records of a segment, as a process that was killed left them. The zero Reader is ready.
type Reader struct {
	rows  map[uint32]*recorded
	order []*recorded
}

type recorded struct {
	row      Series
	slot     spool.Slot
	scopes   []string
	networks []netip.Prefix
}

// Take takes in the next record; those of which it makes no sense are passed over.
func (r *Reader) Take(rec spool.Record) {
	if r.rows == nil {
		r.rows = map[uint32]*recorded{}
	}
	d := rec.Data
	switch {
	case rec.Kind == recordCount && len(d) >= countData:
		n := &recorded{slot: rec.Slot}
		for _, id := range []*ID{&n.row.Key, &n.row.App, &n.row.Org, &n.row.API} {
			d = d[copy(id[:], d):]
		}
		n.row.Environment, n.row.Code, n.row.Minute = Environment(d[0]), Code(d[1]), minuteOf(binary.BigEndian.Uint32(d[2:]))
		n.row.Template = string(d[6:])
		r.rows[rec.Place] = n
		r.order = append(r.order, n)
	case rec.Kind == recordOfScope && len(d) >= 4:
		if n := r.rows[binary.BigEndian.Uint32(d)]; n != nil {
			n.scopes = append(n.scopes, string(d[4:]))
		}
	case rec.Kind == recordOfNet && len(d) >= 5:
		n := r.rows[binary.BigEndian.Uint32(d)]
		if ip, ok := netip.AddrFromSlice(d[5:]); ok && n != nil {
			n.networks = append(n.networks, netip.PrefixFrom(ip, int(d[4])))
		}
	}
}

// Batch is what the records tell.
func (r *Reader) Batch() Batch {
	b := newBatch()
	for _, n := range r.order {
		b.add(n.row, n.slot, n.scopes, n.networks)
	}
	return b
}
