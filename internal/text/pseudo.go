package text

import "strings"

var accents = strings.NewReplacer(
	"a", "á", "e", "é", "i", "í", "o", "ó", "u", "ú", "y", "ý", "c", "ç", "n", "ñ",
	"A", "Á", "E", "É", "I", "Í", "O", "Ó", "U", "Ú", "C", "Ç", "N", "Ñ",
)

// accent wraps a sentence in brackets and accents its letters; printf verbs stay as they are.
func accent(s string) string {
	var b strings.Builder
	b.WriteString("⟦")
	for s != "" {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			break
		}
		b.WriteString(accents.Replace(s[:at]))
		end := at + 1 + verbLength(s[at+1:])
		b.WriteString(s[at:end])
		s = s[end:]
	}
	b.WriteString(accents.Replace(s))
	b.WriteString("⟧")
	return b.String()
}

// verbLength counts the bytes of a printf verb after its percent sign: flags, index, width, and the letter.
func verbLength(s string) int {
	for i := range len(s) {
		if !strings.ContainsRune("+-# 0123456789.*[]", rune(s[i])) {
			return i + 1
		}
	}
	return len(s)
}
