package domain

import (
	"context"
	"errors"
	"net"
	"time"
)

// Finding is what a look into DNS brought.
type Finding string

// The findings.
const (
	Found       Finding = "found"
	Missing     Finding = "missing"     // DNS says that there is no such record
	Another     Finding = "other"       // there are records, and none holds the token
	Unreachable Finding = "unreachable" // DNS gave no answer
)

// DNS asks for TXT records. The zero DNS asks the servers that the machine is set up with.
type DNS struct {
	Server string // host and port of the one server to ask; "": the machine's
}

const (
	patience = 5 * time.Second // for one question with all its tries
	maxTexts = 64              // records of an answer that are read
)

func (d DNS) resolver() *net.Resolver {
	if d.Server == "" {
		return &net.Resolver{PreferGo: true}
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, d.Server)
	}}
}

// look asks for the claim's record. It takes at most patience, and holds no transaction.
func (d DNS) look(ctx context.Context, claim Domain) Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name, value := claim.Record()
	texts, err := d.resolver().LookupTXT(ctx, name+".") // the dot: no search domain of the machine's is tried
	var answer *net.DNSError
	switch {
	case errors.As(err, &answer) && answer.IsNotFound:
		return Missing
	case err != nil:
		return Unreachable
	}
	for _, text := range texts[:min(len(texts), maxTexts)] {
		if text == value {
			return Found
		}
	}
	if len(texts) == 0 {
		return Missing
	}
	return Another
}
