package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A segment is a header and records, each beginning at a multiple of eight bytes:
//
//	header  magic, bytes in use, number, when opened, checksum, boot, replica      256 bytes
//	record  size, checksum, counters (three of eight bytes), kind and length, data
//
// Numbers are of the machine's own byte order: a segment is read where it was written.
const (
	headerSize   = 256
	recordHead   = 40
	mostReplica  = 175
	mostBoot     = 39
	magic        = 0x3145474153554847 // "GHUSAGE1"
	atUsed       = 8
	atSeq        = 16
	atOpened     = 24
	atSum        = 32
	atBoot       = 40
	atReplica    = 80
	slotAt       = 8
	kindAt       = 32
	mostData     = 1<<24 - 1
	soundCounter = int64(1) << 40 // more than one segment can have counted
)

var table = crc32.MakeTable(crc32.Castagnoli)

// Slot is where something is counted. Whoever got it from Add writes to it without a lock of the segment.
type Slot struct{ Calls, Last, Cost int64 }

// Name is what a segment's contents are known by for ever: who counted them, in which life, and the how-manieth it was.
type Name struct {
	Replica, Boot string
	Seq           int64
}

// Segment is a piece of memory with counters in it. Add is safe for concurrent use.
type Segment struct {
	mem []byte
	mu  sync.Mutex
	sum uint32 // of the header; seeds those of records, so that none of an earlier use passes for one of this
}

func (s *Segment) word(at int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&s.mem[at])) //nolint:gosec // at is a multiple of eight within mem
}

// Used is how many bytes hold something; 0 of a segment that was never opened.
func (s *Segment) Used() int {
	n := s.word(atUsed).Load()
	if n < headerSize || n > uint64(len(s.mem)) {
		return 0
	}
	return int(n)
}

// Size is how many bytes there are.
func (s *Segment) Size() int { return len(s.mem) }

// Empty reports whether nothing was added.
func (s *Segment) Empty() bool { return s.Used() <= headerSize }

// begin makes it an empty segment of that name.
func (s *Segment) begin(name Name, opened time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.word(atUsed).Store(0) // whoever is killed from here on leaves nothing
	clear(s.mem[atSeq:headerSize])
	binary.NativeEndian.PutUint64(s.mem, magic)
	binary.NativeEndian.PutUint64(s.mem[atSeq:], uint64(name.Seq))
	binary.NativeEndian.PutUint64(s.mem[atOpened:], uint64(opened.UnixNano()))
	putText(s.mem[atBoot:atReplica], name.Boot, mostBoot)
	putText(s.mem[atReplica:headerSize], name.Replica, mostReplica)
	s.sum = headerSum(s.mem)
	binary.NativeEndian.PutUint32(s.mem[atSum:], s.sum)
	s.word(atUsed).Store(headerSize)
}

func putText(to []byte, text string, most int) {
	text = text[:min(len(text), most)]
	to[0] = byte(len(text))
	copy(to[1:], text)
}

func headerSum(mem []byte) uint32 {
	return crc32.Update(crc32.Checksum(mem[atSeq:atSum], table), table, mem[atBoot:headerSize])
}

// free marks the segment as one that holds nothing.
func (s *Segment) free() { s.word(atUsed).Store(0) }

// Add appends a record and returns its counters, all zero, and its place, by which other records can refer to it. The slot is nil when
// there is no room. A process that is killed within Add leaves the segment as it was before.
func (s *Segment) Add(kind uint8, data []byte) (slot *Slot, place uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.Used()
	size := (recordHead + len(data) + 7) &^ 7
	if at == 0 || len(data) > mostData || size > len(s.mem)-at {
		return nil, 0
	}
	record := s.mem[at : at+size]
	clear(record)
	binary.NativeEndian.PutUint32(record, uint32(size))
	binary.NativeEndian.PutUint64(record[kindAt:], uint64(kind)<<24|uint64(len(data)))
	copy(record[recordHead:], data)
	binary.NativeEndian.PutUint32(record[4:], crc32.Update(s.sum, table, record[kindAt:]))
	s.word(atUsed).Store(uint64(at + size))
	return (*Slot)(unsafe.Pointer(&record[slotAt])), uint32(at) //nolint:gosec // a multiple of eight within mem
}

// errForeign says that a file is no segment.
var errForeign = errors.New("spool: this is no segment of usage")

// opened tells when the segment was begun, and its name, which is empty of one that was freed.
func (s *Segment) opened() (Name, time.Time, error) {
	if len(s.mem) < headerSize || binary.NativeEndian.Uint64(s.mem) != magic {
		return Name{}, time.Time{}, errForeign
	}
	if s.word(atUsed).Load() == 0 {
		return Name{}, time.Time{}, nil
	}
	if s.sum = headerSum(s.mem); s.sum != binary.NativeEndian.Uint32(s.mem[atSum:]) {
		return Name{}, time.Time{}, errForeign
	}
	name := Name{Boot: text(s.mem[atBoot:atReplica]), Replica: text(s.mem[atReplica:headerSize]), Seq: int64(binary.NativeEndian.Uint64(s.mem[atSeq:]))}
	return name, time.Unix(0, int64(binary.NativeEndian.Uint64(s.mem[atOpened:]))).UTC(), nil
}

func text(field []byte) string { return string(field[1 : 1+min(int(field[0]), len(field)-1)]) }

// Record is what Add appended, and what was counted in it since.
type Record struct {
	Place uint32
	Kind  uint8
	Slot
	Data []byte // of the segment: not to be kept
}

// Each calls fn with each record, in the order in which they were added, until one is found torn: after a power cut the last ones may be.
// It reports how many bytes of records it could not read. Counters that can't be are zero.
func (s *Segment) Each(fn func(Record)) (torn int) {
	end := s.Used()
	for at := headerSize; at < end; {
		rest := s.mem[at:end]
		size := 0
		if len(rest) >= recordHead {
			size = int(binary.NativeEndian.Uint32(rest))
		}
		if size < recordHead || size > len(rest) || size%8 != 0 || crc32.Update(s.sum, table, rest[kindAt:size]) != binary.NativeEndian.Uint32(rest[4:]) {
			return end - at
		}
		head := binary.NativeEndian.Uint64(rest[kindAt:])
		r := Record{Place: uint32(at), Kind: uint8(head >> 24), Slot: *(*Slot)(unsafe.Pointer(&rest[slotAt])), Data: rest[recordHead : recordHead+int(head&mostData)]} //nolint:gosec // as in Add
		if r.Calls < 0 || r.Calls > soundCounter || r.Cost < 0 || r.Cost > soundCounter*1000 {
			r.Slot = Slot{}
		}
		fn(r)
		at += size
	}
	return 0
}
