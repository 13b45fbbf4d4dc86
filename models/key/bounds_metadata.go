package key

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// readMetadata reads a JSON object, or lines name=value whose values are strings. The result is compact JSON with sorted names; "" for nothing.
// No API key is in it, also not in another coding (K1).
func readMetadata(typed string, bad *fault.Problems) string {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return ""
	}
	before := len(*bad)
	audit.NoKey(bad, "metadata", typed)
	if len(*bad) > before {
		return ""
	}
	if len(typed) > 2*MaxMetadata || !utf8.ValidString(typed) {
		bad.Add("metadata", "Metadata is at most %d bytes of text.", MaxMetadata)
		return ""
	}
	var entries map[string]any
	if strings.HasPrefix(typed, "{") {
		entries = readObject(typed, bad)
	} else {
		entries = readLines(typed, bad)
	}
	return compactMetadata(entries, bad)
}

func compactMetadata(entries map[string]any, bad *fault.Problems) string {
	if len(entries) == 0 {
		return ""
	}
	bad.Check(len(entries) <= MaxEntries, "metadata", "Metadata has at most %[1]d entries; these are %[2]d.", MaxEntries, len(entries))
	for name := range entries {
		if name == "" || utf8.RuneCountInString(name) > maxEntryName || strings.ContainsFunc(name, unicode.IsControl) {
			bad.Add("metadata", "A name in metadata has 1 to %d characters, and no line breaks.", maxEntryName)
			break
		}
	}
	text, err := json.Marshal(entries) // sorts the names
	switch {
	case err != nil || bytes.Contains(text, []byte(`\u0000`)): // PostgreSQL keeps no NUL
		bad.Add("metadata", "This holds a character that can’t be kept.")
	case len(text) > MaxMetadata:
		bad.Add("metadata", "Metadata is at most %d bytes of text.", MaxMetadata)
	default:
		audit.NoKey(bad, "metadata", string(text))
	}
	return string(text)
}

// readObject reads one JSON object whose names are there once each.
func readObject(typed string, bad *fault.Problems) map[string]any {
	d := json.NewDecoder(strings.NewReader(typed))
	d.UseNumber()
	wrong := func() map[string]any {
		bad.Add("metadata", "This is no JSON object. Write {\"team\": \"checkout\"}, or a line like team=checkout for each entry.")
		return nil
	}
	if _, err := d.Token(); err != nil {
		return wrong()
	}
	out := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		var value any
		if err != nil || !ok || d.Decode(&value) != nil {
			return wrong()
		}
		if _, twice := out[name]; twice {
			bad.Add("metadata", "%s is there twice.", shortened(name))
			return nil
		}
		out[name] = value
	}
	if _, err := d.Token(); err != nil || strings.TrimSpace(typed[d.InputOffset():]) != "" {
		return wrong()
	}
	return out
}

func readLines(typed string, bad *fault.Problems) map[string]any {
	out := map[string]any{}
	n := 0
	for line := range strings.Lines(typed) {
		n++
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			bad.Add("metadata", "Line %s is not name=value.", strconv.Itoa(n))
			return nil
		}
		if _, twice := out[name]; twice {
			bad.Add("metadata", "%s is there twice.", shortened(name))
			return nil
		}
		out[name] = value
	}
	return out
}

// metadataLines is what to type for the metadata: lines where all values are single lines of text, else JSON set out for reading.
func metadataLines(metadata string) string {
	if metadata == "" {
		return ""
	}
	var plain map[string]any
	names := metadataNames(metadata)
	if json.Unmarshal([]byte(metadata), &plain) == nil {
		var b strings.Builder
		for _, name := range names {
			value, ok := plain[name].(string)
			if !ok || strings.ContainsAny(value, "\r\n") || value != strings.TrimSpace(value) || name != strings.TrimSpace(name) || strings.ContainsAny(name, "={") {
				b.Reset()
				break
			}
			b.WriteString(name + "=" + value + "\n")
		}
		if b.Len() > 0 {
			return strings.TrimSuffix(b.String(), "\n")
		}
	}
	var out bytes.Buffer
	if json.Indent(&out, []byte(metadata), "", "  ") != nil {
		return metadata
	}
	return out.String()
}

// metadataNames are the names in the metadata, sorted.
func metadataNames(metadata string) []string {
	var all map[string]json.RawMessage
	_ = json.Unmarshal([]byte(metadata), &all) // nothing for what is none
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
