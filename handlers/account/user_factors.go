package account

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// FactorKinds are the kinds of second factors in words.
var FactorKinds = map[string]string{factor.TOTP: text.N("Authenticator app"), factor.Passkey: text.N("Passkey")}

// factorFacts tell staff which kinds of second factors a user has, when one was last used, and who requires one.
func (h *Handler) factorFacts(c echo.Context, d account.Dossier) []components.Fact {
	if d.DeletedAt != nil {
		return nil
	}
	var kinds []string
	for _, f := range d.Factors {
		kinds = append(kinds, web.T(c, FactorKinds[f.Kind])+": "+strconv.Itoa(f.Count))
	}
	has, required := web.T(c, "None"), web.T(c, "Not required")
	if len(kinds) > 0 {
		has = strings.Join(kinds, " · ")
	}
	if by := h.requiredBy(c, d); len(by) > 0 {
		required = strings.Join(by, " · ")
	}
	facts := []components.Fact{{Term: web.T(c, "Second factors"), Value: has}}
	if len(kinds) > 0 {
		facts = append(facts, components.Fact{Term: web.T(c, "Second factor last used"), Body: components.Time(h.at(c, d.FactorLastUsedAt()))})
	}
	return append(facts, components.Fact{Term: web.T(c, "Second factor required"), Value: required})
}

// requiredBy is who requires a second factor of a user, now or from a day on.
func (h *Handler) requiredBy(c echo.Context, d account.Dossier) (by []string) {
	if h.StaffFactor && d.StaffRole != "" {
		by = append(by, web.T(c, "by this portal, of its staff"))
	}
	for _, m := range d.Memberships {
		switch {
		case m.FactorFrom == nil:
		case m.FactorFrom.After(h.Now()):
			by = append(by, web.T(c, "by %s from %s on", m.Name, text.DateTime(web.Ctx(c), *m.FactorFrom)))
		default:
			by = append(by, web.T(c, "by %s", m.Name))
		}
	}
	for _, l := range d.Lenders {
		if l.FactorFrom.After(h.Now()) {
			by = append(by, web.T(c, "for what %s shares, from %s on", l.Name, text.DateTime(web.Ctx(c), *l.FactorFrom)))
		} else {
			by = append(by, web.T(c, "for what %s shares", l.Name))
		}
	}
	return by
}

// shutOut tells what is shut to a user before they have a second factor.
func (h *Handler) shutOut(c echo.Context, d account.Dossier) (says []string) {
	if d.DeletedAt != nil || !d.Bare() {
		return nil
	}
	if h.StaffFactor && d.StaffRole != "" {
		says = append(says, web.T(c, "They reach nothing but the page on which they add one: this portal requires it of its staff."))
	}
	for _, m := range d.Memberships {
		if m.FactorFrom != nil && !m.FactorFrom.After(h.Now()) {
			says = append(says, web.T(c, "They reach nothing of %s, which requires it of its members.", m.Name))
		}
	}
	for _, l := range d.Lenders {
		if !l.FactorFrom.After(h.Now()) {
			says = append(says, web.T(c, "What %s shares with their organization is shut to them: it requires one there, too.", l.Name))
		}
	}
	return says
}
