package key

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Most of each that a key can be bound to.
const (
	MaxAllowed       = 50      // networks, and origins
	MaxMetadata      = 4 << 10 // bytes
	MaxEntries       = 20      // of metadata
	MaxRateRequests  = 10_000_000
	maxEntryName     = 64
	mostOfListLength = 16 << 10 // of what is typed for a list
)

// Periods are the periods of a key's own rate, in seconds.
var Periods = []int{1, 60, 3600, 86400}

// Bounds is what a key is held to beyond its scopes, and what its maker noted of it. The zero Bounds hold it to nothing.
type Bounds struct {
	Networks []netip.Prefix // when any, calls must come from one of them
	Origins  []string       // when any, calls must name one of them; see keyring.Origins
	Rate     Rate
	Metadata string // a JSON object; "" is {}
}

// Rate is a key's own rate, beside those of its app's plans. The zero Rate is none.
type Rate struct{ Requests, Period int } // Period in seconds

// None reports whether there is no rate.
func (r Rate) None() bool { return r.Requests == 0 }

// looser reports whether r lets more through than other in the long run.
func (r Rate) looser(other Rate) bool {
	return int64(r.Requests)*int64(other.Period) > int64(other.Requests)*int64(r.Period)
}

func (r Rate) text() string {
	if r.None() {
		return "none"
	}
	return strconv.Itoa(r.Requests) + " in " + strconv.Itoa(r.Period) + " s"
}

// BoundsForm is Bounds as people type them: lists parted by spaces, commas or lines; metadata as a JSON object or as lines name=value.
type BoundsForm struct {
	Networks, Origins        string
	RateRequests, RatePeriod string // a whole number; seconds
	Metadata                 string
}

// Form is what to type for these bounds.
func (b Bounds) Form() BoundsForm {
	f := BoundsForm{Networks: strings.Join(networkTexts(b.Networks), "\n"), Origins: strings.Join(b.Origins, "\n"), Metadata: metadataLines(b.Metadata)}
	if !b.Rate.None() {
		f.RateRequests, f.RatePeriod = strconv.Itoa(b.Rate.Requests), strconv.Itoa(b.Rate.Period)
	}
	return f
}

// Flat is the same on one line each, so that it can stand in an address; metadata that can't be read stays as it is.
func (f BoundsForm) Flat() BoundsForm {
	f.Networks, f.Origins = strings.Join(strings.Fields(f.Networks), " "), strings.Join(strings.Fields(f.Origins), " ")
	var bad fault.Problems
	if metadata := readMetadata(f.Metadata, &bad); len(bad) == 0 {
		f.Metadata = metadata
	}
	return f
}

// Read is what was typed, whoever's key it is for: the plans are not asked. Faults: Invalid (networks, origins, rate_requests, rate_period,
// metadata).
func (f BoundsForm) Read() (Bounds, error) {
	var bad fault.Problems
	b := f.read(&bad)
	return b, bad.Err()
}

// read checks what was typed: problems of networks, origins, rate_requests, rate_period and metadata.
func (f BoundsForm) read(bad *fault.Problems) Bounds {
	b := Bounds{Networks: readNetworks(f.Networks, bad), Origins: readOrigins(f.Origins, bad), Metadata: readMetadata(f.Metadata, bad)}
	requests := strings.TrimSpace(f.RateRequests)
	if requests == "" {
		return b
	}
	n, err := strconv.Atoi(requests)
	if err != nil || n < 1 || n > MaxRateRequests {
		bad.Add("rate_requests", "A rate is a whole number of calls from 1 to %d. Leave it empty for none.", MaxRateRequests)
		return b
	}
	for _, p := range Periods {
		if f.RatePeriod == strconv.Itoa(p) {
			b.Rate = Rate{n, p}
		}
	}
	bad.Check(!b.Rate.None(), "rate_period", "Choose for how long the calls are counted.")
	return b
}

// planRate is the rate of the plan on which a key reaches an API.
type planRate struct {
	APIName                         string
	IsPortal                        bool
	RateRequests, RatePeriodSeconds int
}

// withinPlans refuses a rate that is looser than a plan's: it would be a promise that does not hold. The portal's own API counts only where the
// key reaches no other, since its plan is about managing keys.
func (r Rate) withinPlans(g *gorm.DB, app db.ID, apis []db.ID, bad *fault.Problems) error {
	if r.None() || len(apis) == 0 {
		return nil
	}
	var plans []planRate
	err := g.Raw(`SELECT p.name AS api_name, p.is_portal, l.rate_requests, l.rate_period_seconds FROM access x JOIN apis p ON p.id = x.api_id JOIN plans l ON l.id = x.plan_id
		WHERE x.app_id = ? AND x.state IN ('approved', 'suspended') AND x.api_id IN ? ORDER BY p.is_portal, p.name`, app, apis).Scan(&plans).Error
	if err != nil {
		return err
	}
	for _, p := range plans {
		if p.IsPortal && len(plans) > 1 {
			continue
		}
		if r.looser(Rate{p.RateRequests, p.RatePeriodSeconds}) {
			p.refuse(bad)
			return nil
		}
	}
	return nil
}

// refuse tells the plan's own figure.
func (p planRate) refuse(bad *fault.Problems) {
	const field = "rate_requests"
	switch p.RatePeriodSeconds {
	case 1:
		bad.Add(field, "The plan of %[1]s lets through %[2]d calls a second. A key’s own rate can’t be looser.", p.APIName, p.RateRequests)
	case 60:
		bad.Add(field, "The plan of %[1]s lets through %[2]d calls a minute. A key’s own rate can’t be looser.", p.APIName, p.RateRequests)
	case 3600:
		bad.Add(field, "The plan of %[1]s lets through %[2]d calls an hour. A key’s own rate can’t be looser.", p.APIName, p.RateRequests)
	case 86400:
		bad.Add(field, "The plan of %[1]s lets through %[2]d calls a day. A key’s own rate can’t be looser.", p.APIName, p.RateRequests)
	default:
		bad.Add(field, "The plan of %[1]s lets through %[2]d calls in %[3]d seconds. A key’s own rate can’t be looser.", p.APIName, p.RateRequests, p.RatePeriodSeconds)
	}
}

// boundsRow is how bounds are kept with their key.
type boundsRow struct {
	Networks, Origins, Metadata                string
	RateRequests, RatePeriodSeconds, RateBurst *int
}

const boundsColumns = "k.networks, k.origins, k.metadata, k.rate_requests, k.rate_period_seconds, k.rate_burst"

// bounds reads what was kept; a network that is none is an error, since leaving it out could open the key.
func (r boundsRow) bounds() (Bounds, error) {
	b := Bounds{Origins: strings.Fields(r.Origins)}
	for _, text := range strings.Fields(r.Networks) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return Bounds{}, err
		}
		b.Networks = append(b.Networks, p)
	}
	if r.RateRequests != nil && r.RatePeriodSeconds != nil {
		b.Rate = Rate{*r.RateRequests, *r.RatePeriodSeconds}
	}
	if r.Metadata != "{}" && json.Valid([]byte(r.Metadata)) {
		b.Metadata = r.Metadata
	}
	return b, nil
}

func boundsOf(g *gorm.DB, id db.ID) (Bounds, error) {
	var row boundsRow
	if err := g.Raw("SELECT "+boundsColumns+" FROM keys k WHERE k.id = ?", id).Scan(&row).Error; err != nil {
		return Bounds{}, err
	}
	return row.bounds()
}

// row is what is kept of the bounds.
func (b Bounds) row() boundsRow {
	r := boundsRow{Networks: strings.Join(networkTexts(b.Networks), " "), Origins: strings.Join(b.Origins, " "), Metadata: b.Metadata}
	if r.Metadata == "" {
		r.Metadata = "{}"
	}
	if !b.Rate.None() {
		r.RateRequests, r.RatePeriodSeconds = &b.Rate.Requests, &b.Rate.Period
	}
	return r
}

// details are the bounds for the audit log. Of metadata, which may be anything, only the names are told.
func (b Bounds) details(into map[string]string) {
	if len(b.Networks) > 0 {
		into["networks"] = strings.Join(networkTexts(b.Networks), " ")
	}
	if len(b.Origins) > 0 {
		into["origins"] = strings.Join(b.Origins, " ")
	}
	if !b.Rate.None() {
		into["rate"] = b.Rate.text()
	}
	if b.Metadata != "" {
		into["metadata"] = strings.Join(metadataNames(b.Metadata), " ")
	}
}
