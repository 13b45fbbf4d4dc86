package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// ScimRoot is under what directories are answered, in the form of RFC 7644 also when something goes wrong.
const ScimRoot = "/scim/v2/"

// ScimError is the body of an answer that is no success (RFC 7644, section 3.12).
type ScimError struct {
	Schemas []string `json:"schemas"`
	Status  string   `json:"status"`
	Type    string   `json:"scimType,omitempty"`
	Detail  string   `json:"detail,omitempty"`
}

// WriteScim answers a directory's call that is no success. The text is English: programs go by status and scimType. Of an API key only the hint is in it: directories
// keep what they are answered (K1).
func WriteScim(w http.ResponseWriter, status int, scimType, detail string) error {
	w.Header().Set("Content-Type", "application/scim+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(ScimError{[]string{"urn:ietf:params:scim:api:messages:2.0:Error"}, strconv.Itoa(status), scimType, apikey.Mask(detail)})
}

// ScimDetail is what a fault tells a directory: of one that is ours alone, nothing.
func ScimDetail(f *fault.Error) string {
	if f.Kind == fault.Internal {
		return ""
	}
	var parts []string
	if f.Key != "" {
		parts = append(parts, text.Message{Key: f.Key, Args: f.Args}.String())
	}
	for _, p := range f.Problems {
		parts = append(parts, p.Field+": "+text.Message{Key: p.Key, Args: p.Args}.String())
	}
	return strings.Join(parts, " ")
}
