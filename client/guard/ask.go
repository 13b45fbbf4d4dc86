package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
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

var unavailable = &refusal{status: http.StatusServiceUnavailable, code: "UNAVAILABLE", wait: time.Second}

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
			return v, unavailable
		}
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return v, &refusal{status: http.StatusBadRequest, code: "BAD_REQUEST"}
	case http.StatusUnauthorized, http.StatusForbidden:
		return v, &refusal{status: http.StatusServiceUnavailable, code: "GATEWAY_UNAUTHENTICATED"}
	default:
		return v, unavailable
	}
	if !v.Valid {
		return v, &refusal{status: statusOf(v.Code), code: v.Code, wait: time.Duration(v.RetryAfterMS) * time.Millisecond}
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
