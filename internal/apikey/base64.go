package apikey

// shortestRun is the length of the shortest text in base64 that holds a key: of
// brand, environment, body and check.
const shortestRun = (minBrand + 1 + envLen + 1 + tailLen) * 4 / 3

// inBase64 finds keys in the runs of text that are base64, of whatever alphabet
// and broken over lines or not, as in what a client prints of Basic
// authentication. A run is read from each of its first four characters: it may
// be glued to something.
func inBase64(text string) []Found {
	var all []Found
	eachBase64(text, shortestRun, func(i, end int) {
		for skip := range 4 {
			all = append(all, decodedRun(text, i, end, skip, keyChar).keys()...)
		}
	})
	return all
}

// eachBase64 calls fn with each run of base64 in text that has so many bytes.
func eachBase64(text string, shortest int, fn func(i, end int)) {
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && (sixBits[text[end]] != notBase64 || text[end] == '\n' || text[end] == '\r') {
			end++
		}
		if end-i >= shortest {
			fn(i, end)
		}
		i = end + 1
	}
}

// decodedRun reads text[i:end], without its first skip characters, as base64. keep says what each byte counts as, 0 for nothing.
func decodedRun(text string, i, end, skip int, keep func(byte) byte) *stream {
	s := &stream{}
	bits, have, from := uint32(0), 0, 0
	for ; i < end; i++ {
		v := sixBits[text[i]]
		if v == notBase64 {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if have == 0 {
			from = i
		}
		bits, have = bits<<6|uint32(v), have+6
		if have >= 8 {
			have -= 8
			if c := keep(byte(bits >> have)); c != 0 {
				s.add(c, from, i+1)
			}
			from = i
		}
	}
	return s
}

const notBase64 = 255

// sixBits is what a character of base64 stands for, in either alphabet.
var sixBits = func() (table [256]byte) {
	for i := range table {
		table[i] = notBase64
	}
	for i := range 26 {
		table['A'+i], table['a'+i] = byte(i), byte(26+i) //nolint:gosec // below 64
	}
	for i := range 10 {
		table['0'+i] = byte(52 + i) //nolint:gosec // below 64
	}
	table['+'], table['-'], table['/'], table['_'] = 62, 62, 63, 63
	return table
}()
