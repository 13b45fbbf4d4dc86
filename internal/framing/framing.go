// Package framing lets only those HTTP/1 requests of a connection through that can be read in one way.
//
// A server that forgives what its neighbour reads otherwise can be made to see two requests where the neighbour sent one (RFC 9112
// section 11.2). So a Listener stands below the server, whichever it is, and reads along: lines end in CR LF, fields are a token, a colon and
// a value without controls, none is folded, Host is there once, and a body has exactly one Content-Length and no Transfer-Encoding. What
// comes after a request that is refused is never read as another: the refusal is the last thing that the connection says.
//
// Model: Reader is a pure state machine over the bytes as they come, in whatever pieces; Conn is its thin shell. Units are bytes. Cost: one pass
// over each head, about 200 ns for a head of 400 bytes, no allocation unless a line comes in two pieces; bodies are only counted.
package framing

// Limits bound a request. All fields are required.
type Limits struct {
	Head   int   // bytes of request line and fields together
	Fields int   // how many
	Body   int64 // bytes
}

// Refusal says why a request is not passed on.
type Refusal struct {
	Status int // 400, 411, 413, 414, 417, 431 or 505
	Reason string
}

// The refusals. 400 where two programs could read the request in two ways.
var (
	badLine        = &Refusal{400, "A line of the request does not end in CR LF."}
	badRequestLine = &Refusal{400, "The request line is not a method, a target and a version, parted by one space each."}
	badTarget      = &Refusal{400, "The target of the request is of a form that is not served here."}
	badField       = &Refusal{400, "A header field is no name, colon and value, or is folded."}
	badValue       = &Refusal{400, "There is a control character in a header field."}
	badLength      = &Refusal{400, "Content-Length is not a number, or is there twice."}
	badHost        = &Refusal{400, "Host is missing, there twice, or not the one of the target."}
	badCoding      = &Refusal{400, "Transfer-Encoding is there twice, beside Content-Length or in HTTP/1.0."}
	needsLength    = &Refusal{411, "A body needs a Content-Length."}
	tooLarge       = &Refusal{413, "The body is too large."}
	badExpectation = &Refusal{417, "Only 100-continue can be expected."}
	headTooLarge   = &Refusal{431, "The header fields are too many or too large."}
	badVersion     = &Refusal{505, "Only versions 1.1 and 1.0 of HTTP are spoken here."}
)

// Reader follows the requests of one connection. The zero Reader, with Limits, is at the start of the first.
type Reader struct {
	Limits Limits

	body int64  // what is still to come of the body
	part []byte // of a line that came in pieces
	head head
}

// head is what is known of a request whose fields are being read.
type head struct {
	size, fields int
	inside       bool // the request line was read
	modern       bool // HTTP/1.1
	hosts        int
	authority    string // of a target in absolute form
	lengths      int
	length       int64
	codings      int
}

// Between reports whether what was read so far ends with a whole request.
func (r *Reader) Between() bool { return r.body == 0 && r.head.size == 0 }

// Feed reads on. It returns how many bytes of b may be passed on: all of them, or, with a refusal, those before the request that is refused; none
// when that began before b. After a refusal the Reader must not be fed again.
func (r *Reader) Feed(b []byte) (good int, refused *Refusal) {
	for i := 0; i < len(b); {
		if r.body > 0 {
			n := min(r.body, int64(len(b)-i))
			r.body -= n
			i += int(n)
			good = i
			continue
		}
		n, refused := r.line(b[i:])
		if refused != nil {
			return good, refused
		}
		i += n
		if r.head.size == 0 { // the head is complete
			good = i
		}
	}
	return len(b), nil
}
