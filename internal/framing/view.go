package framing

import "unsafe"

// Text is b as a string without a copy: b must not change while the string is in use.
func Text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bytes is text as bytes without a copy, to be read alone.
func Bytes(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
