package apikey

// shortestHex is how many digits the shortest key has in hexadecimal.
const shortestHex = (minBrand + 1 + envLen + 1 + tailLen) * 2

// inHex finds keys whose characters are written as hexadecimal, as in a dump: two digits each, together or with spaces, line ends, colons,
// commas, hyphens, or 0x between them. A run is read from each of its first two digits: it may be glued to something.
func inHex(text string) []Found {
	var all []Found
	eachHex(text, shortestHex, func(i, end int) {
		for skip := range 2 {
			all = append(all, decodedHex(text, i, end, skip, keyChar).keys()...)
		}
	})
	return all
}

// eachHex calls fn with each run of hexadecimal in text that has so many digits.
func eachHex(text string, shortest int, fn func(i, end int)) {
	for i := 0; i < len(text); {
		if fourBits(text[i]) == notHex {
			i++
			continue
		}
		end, digits := i, 0
		for ; end < len(text); end++ {
			if fourBits(text[end]) != notHex {
				digits++
			} else if !betweenHex(text, end) {
				break
			}
		}
		if digits >= shortest {
			fn(i, end)
		}
		i = end
	}
}

// decodedHex reads text[i:end], without its first skip digits, as hexadecimal. The 0 of a 0x is no digit. keep says what each byte counts as, 0 for nothing.
func decodedHex(text string, i, end, skip int, keep func(byte) byte) *stream {
	s := &stream{}
	high, from, have := byte(0), 0, false
	for ; i < end; i++ {
		v := fourBits(text[i])
		switch {
		case v == notHex:
			if isX(text[i]) {
				have = false
			}
		case skip > 0:
			skip--
		case !have:
			high, from, have = v<<4, i, true
		default:
			have = false
			if c := keep(high | v); c != 0 {
				s.add(c, from, i+1)
			}
		}
	}
	return s
}

const notHex = 255

func fourBits(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return notHex
}

func isX(c byte) bool { return c == 'x' || c == 'X' }

// betweenHex reports whether text[i] can stand between the digits of a dump.
func betweenHex(text string, i int) bool {
	switch text[i] {
	case ' ', '\t', '\n', '\r', ':', ',', '-', ';', '.', '|', '_', '\'', '"':
		return true
	}
	return isX(text[i]) && i > 0 && text[i-1] == '0'
}
