package key

import (
	"time"

	"github.com/labstack/echo/v4"

	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// What the pages of a key's further acts, in packages of their own, share with this one's.

// Managed reads the key of the path if the reader may manage it. Faults: NotFound, Forbidden.
func (h *Handler) Managed(c echo.Context) (keys.Detail, error) { return h.managed(c) }

// ConfirmPage begins a page on which somebody decides about a key; it posts to act under the key's own page.
func (h *Handler) ConfirmPage(c echo.Context, d keys.Detail, act, title string) views.ConfirmPage {
	return h.confirm(c, d, act, title)
}

// Again shows the page of a refused form with its problems, or returns the error when it is none that the person can mend there.
func (h *Handler) Again(c echo.Context, err error, page func(status int, failed error) error) error {
	return h.again(c, err, page)
}

// ProblemsOf puts a refusal into words for the form: of fields beside them, of the whole above it.
func ProblemsOf(c echo.Context, err error) ([]components.Problem, map[string]string) {
	return problemsOf(c, err)
}

// StopsOf says what stops working with the key, from how it was used.
func (h *Handler) StopsOf(c echo.Context, d keys.Detail) []string { return h.stops(c, d) }

// ExpiryFields are the fields for when a new key expires, and ExpiryOf reads them.
func (h *Handler) ExpiryFields(c echo.Context, e policy.Effective, choice, day string, verifier bool, wrong map[string]string) (expires, on components.Field) {
	return h.expiryFields(c, e, choice, day, verifier, wrong)
}

// ExpiryOf reads what was chosen in ExpiryFields.
func ExpiryOf(choice, day string, zone *time.Location) keys.Expiry {
	return expiryOf(choice, day, zone)
}

// Presets are the lifetimes that forms offer, in days.
func Presets() []int { return presets }

// Never is the choice of no end.
const Never = never

// ShowOnce is the one answer that holds a key's text (K2). note is told after a rotation.
func (h *Handler) ShowOnce(c echo.Context, made keys.Made, note string) error {
	return h.showOnce(c, made, note)
}

// PairRows shows old and new key side by side; this is the one whose page it is, or the zero id.
func (h *Handler) PairRows(c echo.Context, d keys.Detail) []views.PairRow { return h.pair(c, d) }

// MomentOf is a time for a page; nil is never.
func (h *Handler) MomentOf(c echo.Context, p *time.Time) components.Moment { return h.moment(c, p) }

// KeyPath is a key's own page in the console.
func KeyPath(r keys.Row) string { return keyPath(r) }

// Days is the number of days in a field; -1 for what is no number, which is out of every range.
func Days(s string) int { return days(s) }
