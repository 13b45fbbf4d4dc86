package apikey

// Found is one key in a text: the bytes [Start, End) hold all of it, with
// whatever was put between its characters.
type Found struct {
	Start, End int
	Key        Secret
}

// Find returns the keys in text, of whatever brand, in order and not
// overlapping.
func Find(text string) []Found {
	return nil
}

// Mask returns text with every key that Find sees replaced by its hint.
func Mask(text string) string { return Redact(text) }
