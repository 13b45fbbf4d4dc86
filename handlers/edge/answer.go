package edge

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// appendText appends text as a JSON string.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil { // strings always marshal
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, text)
	}
	return append(b, ']')
}

func appendID(b []byte, prefix string, id keyring.ID) []byte {
	b = append(b, '"')
	b = db.ID(id).AppendShow(b, prefix)
	return append(b, '"')
}

func appendTime(b []byte, ns int64) []byte {
	if ns == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = time.Unix(0, ns).UTC().AppendFormat(b, time.RFC3339)
	return append(b, '"')
}

// answer writes the answer to a question into the buffer. A key that is none of the caller's business is told apart from an unknown one by
// nothing at all (D3).
func (x *exchange) answer(f *keyring.Facts, api *keyring.API, d *keyring.Decision) []byte {
	b := append(x.body[:0], `{"valid":`...)
	b = strconv.AppendBool(b, d.Allowed())
	b = append(b, `,"code":"`...)
	b = append(b, d.Code.String()...)
	b = append(b, `","request_id":"`...)
	b = append(b, x.request[:]...)
	b = append(b, '"')
	if f == nil || d.Code == keyring.NotFound {
		return append(b, "}\n"...)
	}
	b = append(b, ',')
	b = appendWho(b, f, scopesAt(f, api))
	if d.Missing != "" {
		b = append(b, `,"missing_scope":`...)
		b = appendText(b, d.Missing)
	}
	if d.RetryAfter > 0 {
		b = append(b, `,"retry_after_ms":`...)
		b = strconv.AppendInt(b, millis(d.RetryAfter), 10)
	}
	if d.Rate.Limit > 0 {
		b = append(b, `,"ratelimit":{"limit":`...)
		b = strconv.AppendInt(b, int64(d.Rate.Limit), 10)
		b = append(b, `,"remaining":`...)
		b = strconv.AppendInt(b, int64(max(d.Rate.Remaining, 0)), 10)
		b = append(b, `,"reset_ms":`...)
		b = strconv.AppendInt(b, millis(d.Rate.ResetAfter), 10)
		b = append(b, '}')
	}
	if d.Quota.Limit > 0 {
		b = appendQuota(append(b, `,"quota":`...), d.Quota)
	}
	if d.Quotas.Day.Limit > 0 {
		b = append(b, `,"quotas":{`...)
		if d.Quotas.Month.Limit > 0 {
			b = append(appendQuota(append(b, `"month":`...), d.Quotas.Month), ',')
		}
		b = append(appendQuota(append(b, `"day":`...), d.Quotas.Day), '}')
	}
	if d.Cost != 1 && (d.Rate.Limit > 0 || d.Quota.Limit > 0) {
		b = append(b, `,"cost":`...)
		b = strconv.AppendInt(b, int64(d.Cost), 10)
	}
	if d.TooCostly {
		b = append(b, `,"too_costly":true`...)
	}
	return append(b, "}\n"...)
}

// appendQuota appends a quota, with the mark that it has reached where it warns.
func appendQuota(b []byte, q keyring.Quota) []byte {
	b = append(b, `{"limit":`...)
	b = strconv.AppendInt(b, q.Limit, 10)
	b = append(b, `,"remaining":`...)
	b = strconv.AppendInt(b, max(q.Remaining, 0), 10)
	b = append(b, `,"resets_at":`...)
	b = appendTime(b, q.ResetsAt)
	if mark := q.Mark(); mark > 0 {
		b = append(b, `,"warning":`...)
		b = strconv.AppendInt(b, int64(mark), 10)
	}
	return append(b, '}')
}

// millis rounds up, as seconds does.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// scopesAt are the scopes of a key at one API; those at others are none of the caller's business.
func scopesAt(f *keyring.Facts, api *keyring.API) []string {
	for i := range f.Reach.Grants {
		if g := &f.Reach.Grants[i]; g.Access.API == api.ID && g.Access.State == keyring.AccessActive {
			return g.Scopes
		}
	}
	return nil
}

// appendWho appends the members key, app and organization.
func appendWho(b []byte, f *keyring.Facts, scopes []string) []byte {
	b = append(b, `"key":{"id":`...)
	b = appendID(b, "key", f.ID)
	b = append(b, `,"name":`...)
	b = appendText(b, f.Name)
	b = append(b, `,"environment":"`...)
	b = append(b, f.Environment.String()...)
	b = append(b, `","scopes":`...)
	b = appendTexts(b, scopes)
	b = append(b, `,"expires_at":`...)
	b = appendTime(b, f.End())
	b = append(b, `,"metadata":`...)
	if f.Extra != nil && len(f.Extra.Metadata) > 0 && json.Valid(f.Extra.Metadata) {
		b = append(b, f.Extra.Metadata...)
	} else {
		b = append(b, "{}"...)
	}
	b = append(b, `},"app":{"id":`...)
	b = appendID(b, "app", f.App.ID)
	b = append(b, `,"name":`...)
	b = appendText(b, f.App.Name)
	b = append(b, `},"organization":{"id":`...)
	b = appendID(b, "org", f.App.Org.ID)
	b = append(b, `,"name":`...)
	b = appendText(b, f.App.Org.Name)
	return append(b, '}')
}

// appendGrants appends what the key may do, API by API, and before it all its scopes together.
func appendGrants(b []byte, f *keyring.Facts, c *keyring.Catalogue) []byte {
	b = append(b, `,"grants":[`...)
	first := true
	for _, api := range grantedAPIs(f, c) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"api":`...)
		b = appendText(b, api.Slug)
		b = append(b, `,"scopes":`...)
		b = appendTexts(b, scopesAt(f, api))
		b = append(b, '}')
	}
	return append(b, ']')
}

func grantedAPIs(f *keyring.Facts, c *keyring.Catalogue) []*keyring.API {
	var apis []*keyring.API
	if f.Reach == nil {
		return nil
	}
	for i := range f.Reach.Grants {
		if api := c.ByID(f.Reach.Grants[i].Access.API); api != nil && f.Reach.Grants[i].Access.State == keyring.AccessActive {
			apis = append(apis, api)
		}
	}
	return apis
}

func allScopes(f *keyring.Facts, c *keyring.Catalogue) []string {
	var all []string
	for _, api := range grantedAPIs(f, c) {
		all = append(all, scopesAt(f, api)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
