package leak

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/githubleak"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
)

// reported is the body of POST /v1/leaks. Keys may also stand in Text, within anything.
type reported struct {
	Keys  []string `json:"keys"`
	Text  string   `json:"text"`
	Place string   `json:"place"`
	URL   string   `json:"url"`
}

// taken is the answer, whatever the keys are. Keys counts texts of the form of a key, which anybody can count.
type taken struct {
	Status    string `json:"status"`
	Keys      int    `json:"keys"`
	RequestID string `json:"request_id"`
}

// Report takes a report by a program of anybody: 202, the same for a real, a dead and an invented key.
func (h *Handler) Report(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	var r reported
	if err := strict(body, &r); err != nil {
		return err
	}
	n, err := h.Leaks.HandIn(web.Ctx(c), program(c), leaks.Handed{Source: leaks.API, Texts: append(r.Keys, r.Text), Place: r.Place, URL: r.URL})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusAccepted, taken{"taken", n, web.RequestID(c)})
}

// strict reads one JSON object and refuses what the struct does not name, a name that comes twice, and anything behind it (L1).
func strict(body []byte, into any) error {
	if name, twice := repeated(body); twice {
		return fault.BadField(name, "This member is there twice.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fault.BadField(wrong.Field, "This is not of the type that it should be.")
	}
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, unquoted := strconv.Unquote(name); unquoted == nil && len(name) < 60 {
			return fault.BadField(name, "There is no such member.")
		}
	}
	return fault.Wrap(nil, fault.Invalid, "The body is no JSON object of the form that is documented.")
}

// repeated finds a member of the outermost object that comes twice.
func repeated(body []byte) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	seen, depth, isName := map[string]bool{}, 0, true
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
			} else {
				depth--
			}
			if depth == 1 {
				isName = true
			}
			continue
		case string:
			if depth == 1 && isName {
				if seen[t] {
					return t, true
				}
				seen[t], isName = true, false
				continue
			}
		}
		if depth == 1 {
			isName = true
		}
	}
}

// match is one match in a report by GitHub. What else stands there is passed over: GitHub may add to it.
type match struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

// label is what GitHub is told about one match: its SHA-256, never the text (K1).
type label struct {
	Hash  string `json:"token_hash"`
	Type  string `json:"token_type"`
	Label string `json:"label"`
}

// FromGitHub takes a report that GitHub signed and labels each match. 403 for a key id that GitHub does not publish and for a signature that does not
// fit; 409 for a body that was taken before; 503 while the public keys can't be fetched: GitHub sends it again.
func (h *Handler) FromGitHub(c echo.Context) error {
	r := c.Request()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := h.GitHub.Verify(web.Ctx(c), r.Header.Get(githubleak.HeaderKey), r.Header.Get(githubleak.HeaderSignature), body); err != nil {
		return unbelieved(err)
	}
	var all []match
	if err := json.Unmarshal(body, &all); err != nil {
		return fault.New(fault.Invalid, "The body is no JSON array of matches.")
	}
	matches := make([]leaks.Match, len(all))
	for i, m := range all {
		matches[i] = leaks.Match{Token: m.Token, URL: m.URL, Source: m.Source}
	}
	real, err := h.Leaks.Deliver(web.Ctx(c), body, matches)
	if err != nil {
		return err
	}
	labels := make([]label, len(all))
	for i, m := range all {
		sum := sha256.Sum256([]byte(m.Token))
		labels[i] = label{hex.EncodeToString(sum[:]), m.Type, "false_positive"}
		if real[i] {
			labels[i].Label = "true_positive"
		}
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, labels)
}

func unbelieved(err error) error {
	f := &fault.Error{Kind: fault.Forbidden, Code: "BAD_SIGNATURE", Key: "The signature does not fit the body.", Cause: err}
	switch {
	case errors.Is(err, githubleak.ErrUnavailable):
		f.Kind, f.Code, f.Key, f.RetryAfter = fault.Unavailable, "", "GitHub’s public keys can’t be read at the moment. Send the report again.", time.Minute
	case errors.Is(err, githubleak.ErrUnknownKey):
		f.Code, f.Key = "UNKNOWN_KEY", "GitHub publishes no key of that id."
	}
	return f
}
