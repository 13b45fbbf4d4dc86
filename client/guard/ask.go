package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"
)

// question is the body of POST /v1/keys/verify.
type question struct {
	Key         string `json:"key"`
	API         string `json:"api"`
	Environment string `json:"environment,omitempty"`
	Method      string `json:"method"`
	Path        string `json:"path"`
	IP          string `json:"ip,omitempty"`
	Origin      string `json:"origin,omitempty"`
}

// verdict is the portal's answer, as far as it is read.
type verdict struct {
	Valid        bool   `json:"valid"`
	Code         string `json:"code"`
	RetryAfterMS int64  `json:"retry_after_ms"`
	Key          struct {
		ID          string     `json:"id"`
		Name        string     `json:"name"`
		Environment string     `json:"environment"`
		Scopes      []string   `json:"scopes"`
		ExpiresAt   *time.Time `json:"expires_at"`
	} `json:"key"`
	App          named `json:"app"`
	Organization named `json:"organization"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (v *verdict) caller() Caller {
	return Caller{
		KeyID: v.Key.ID, KeyName: v.Key.Name, Environment: v.Key.Environment, Scopes: v.Key.Scopes,
		AppID: v.App.ID, AppName: v.App.Name, OrganizationID: v.Organization.ID, OrganizationName: v.Organization.Name,
	}
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

var unavailable = &refusal{status: http.StatusServiceUnavailable, code: "UNAVAILABLE", wait: time.Second, detail: "It can't be told now whether the key may do this. Try again."}

// named is no, with the request's id as the answer has it: by that id the portal tells why. What has not its form is not passed on.
func (no *refusal) named(answer http.Header) *refusal {
	with := *no
	if id := answer.Get("X-Request-Id"); requestID.MatchString(id) {
		with.request = id
	}
	return &with
}

var requestID = regexp.MustCompile(`^req_[0-9a-z]{8,32}$`)

// unsound is the refusal of a question that can't be judged, in the portal's words.
func unsound(text []byte) *refusal {
	var problem struct {
		Detail string `json:"detail"`
	}
	no := &refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: sayBadRequest}
	if json.Unmarshal(text, &problem) == nil && problem.Detail != "" {
		no.detail = problem.Detail
	}
	return no
}

// ask asks the portal. Without a refusal the verdict is a yes.
func (g *Guard) ask(ctx context.Context, q *question) (verdict, *refusal) {
	var v verdict
	body, err := json.Marshal(q)
	if err != nil {
		return v, unavailable
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return v, unavailable
	}
	r.Header.Set("Authorization", "Bearer "+g.o.Key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := g.o.Client.Do(r)
	if err != nil {
		return v, unavailable
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	switch answer.StatusCode {
	case http.StatusOK:
		if err != nil || json.Unmarshal(text, &v) != nil || v.Code == "" || v.Valid != (v.Code == "VALID") || v.Valid && v.Key.ID == "" {
			return v, unavailable.named(answer.Header)
		}
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return v, unsound(text).named(answer.Header)
	case http.StatusUnauthorized, http.StatusForbidden:
		no := refusal{status: http.StatusServiceUnavailable, code: "GATEWAY_UNAUTHENTICATED", detail: "The service could not identify itself to Gatehouse."}
		return v, no.named(answer.Header)
	default:
		return v, unavailable.named(answer.Header)
	}
	if !v.Valid {
		no := refusal{status: statusOf(v.Code), code: v.Code, wait: time.Duration(v.RetryAfterMS) * time.Millisecond, detail: details[v.Code]}
		return v, no.named(answer.Header)
	}
	return v, nil
}

func statusOf(code string) int {
	switch code {
	case "NOT_FOUND", "REVOKED", "EXPIRED", "PAUSED":
		return http.StatusUnauthorized
	case "RATE_LIMITED", "QUOTA_EXCEEDED":
		return http.StatusTooManyRequests
	}
	return http.StatusForbidden
}

const (
	sayNoKey      = "Send a key, as Authorization: Bearer or as X-API-Key."
	sayBadRequest = "The request can be read in two ways: it has two keys or origins, or headers that name another method or address."
)

// details say in words what a code says, as the portal does to gateways.
var details = map[string]string{
	"NOT_FOUND": "This key is not known here.", "REVOKED": "This key was revoked.", "EXPIRED": "This key has expired.", "PAUSED": "This key is paused.",
	"SUSPENDED": "This key, its app, its organization or its access is suspended.", "FORBIDDEN_IP": "This key may not be used from this network.",
	"FORBIDDEN_ORIGIN": "This key may not be used from this origin.", "WRONG_ENVIRONMENT": "This key is for another environment.",
	"WRONG_API": "This key has no access to this API.", "INSUFFICIENT_SCOPE": "This key lacks a scope that the request needs, or the route is not declared.",
	"QUOTA_EXCEEDED": "The calls of this month or day are used up.", "RATE_LIMITED": "Too many calls. Slow down.",
}
