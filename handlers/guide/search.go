package guide

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// SearchHandler serves the one search, and staff's list of what it did not find.
type SearchHandler struct {
	*web.Kit
	Search *guide.Searcher
	Keys   *key.Store

	limiter ratelimit.Limiter
}

// Searches by network, for visitors, and by user (L7). They are counted in this process: they save its time, and guard nothing.
var (
	searchesOfNetwork = ratelimit.Limit{Requests: 60, Period: time.Minute, Burst: 40}
	searchesOfUser    = ratelimit.Limit{Requests: 120, Period: time.Minute, Burst: 60}
)

const (
	networkSearches = 1
	userSearches    = 2
	searchers       = 1 << 13 // networks and users counted at once
	longestQuery    = 300     // characters shown again
)

// NewSearch makes the handler.
func NewSearch(kit *web.Kit, s *guide.Searcher, keys *key.Store) *SearchHandler {
	return &SearchHandler{Kit: kit, Search: s, Keys: keys, limiter: ratelimit.NewLocal(searchers)}
}

// Routes lists the routes of search.
func (h *SearchHandler) Routes(r *web.Registrar) {
	r.Get("/search", web.Public(), h.Find)
	r.Get("/support/searches", web.Staff(permission.StaffQuestionsRead), h.Misses)
	r.Get("/support/searches.csv", web.Staff(permission.StaffQuestionsRead), h.MissesCSV)
}

// Find searches. A key in the address is refused before anything is done with it (K1).
func (h *SearchHandler) Find(c echo.Context) error {
	raw := c.Request().URL.RawQuery
	if refused := c.QueryParam("refused"); raw != "" || refused != "" {
		if err := h.allow(c); err != nil {
			return err
		}
	}
	if keys := keysIn(c); len(keys) > 0 {
		return h.refuse(c, keys[0])
	}
	query := strings.TrimSpace(clip(c.QueryParam("q"), longestQuery))
	if who := web.Actor(c); who.SignedIn() && refusal.IsRequestID(query) { // it names one refused call, and nothing else
		return h.See(c, refusalsOf(who)+query)
	}
	kind := c.QueryParam("kind")
	if !slices.Contains(kinds, kind) {
		kind = ""
	}
	p := views.Search{Frame: h.Frame(c, web.T(c, "Search")), Query: query, Kind: kind, Refused: h.refused(c)}
	p.Frame.NoIndex = true
	if p.Short = utf8.RuneCountInString(query) == 1 && query[0] < utf8.RuneSelf; query == "" || p.Short {
		h.begin(c, &p)
		return h.Render(c, views.SearchPage(p))
	}
	page := max(1, number(c.QueryParam("page")))
	results, err := h.Search.Find(web.Ctx(c), web.Actor(c), guide.Search{Text: query, Kind: kind, Page: page, Language: text.Of(web.Ctx(c)).Language})
	if err != nil {
		return err
	}
	h.fill(c, &p, results, page)
	if len(results.Shown) == 0 && kind == "" && page == 1 && c.Request().Method == http.MethodGet {
		if err := h.Search.RecordMiss(web.Ctx(c), query); err != nil {
			return err
		}
	}
	return h.Render(c, views.SearchPage(p))
}

// refusalsOf is where a reader opens refused calls.
func refusalsOf(who actor.Actor) string {
	if permission.Staff(who.StaffRole, permission.StaffUsageRead) {
		return "/admin/refusals/"
	}
	return "/console/refusals/"
}

// begun are the guides that a search without words leads to.
var begun = []string{"quick-start", "errors", "limits", "rotating-keys"}

// begin fills in what there is before a search: what can be looked for, and where to begin.
func (h *SearchHandler) begin(c echo.Context, p *views.Search) {
	p.Try = []views.Example{
		{Label: web.T(c, "A word, or several"), Query: web.T(c, "rotate a key")},
		{Label: web.T(c, "A code of an error"), Query: "RATE_LIMITED"},
		{Label: web.T(c, "A path"), Query: "/v1/whoami"},
		{Label: web.T(c, "A scope"), Query: "keys:verify"},
	}
	for _, slug := range begun {
		if g := h.Search.Page(index.Guide, slug, text.Of(web.Ctx(c)).Language); g != nil {
			p.Read = append(p.Read, layout.Link{Label: g.Title, Href: g.Path()})
		}
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return n
}

func clip(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), n)])
}

// allow counts a search. Faults: RateLimited.
func (h *SearchHandler) allow(c echo.Context) error {
	who := web.Actor(c)
	ask := ratelimit.Ask{Key: ratelimit.KeyOf(userSearches, who.UserID.String()), Limit: searchesOfUser}
	if !who.SignedIn() {
		ask = ratelimit.Ask{Key: ratelimit.KeyOf(networkSearches, network(who.Address)), Limit: searchesOfNetwork}
	}
	if r := h.limiter.Take(web.Ctx(c), h.Now(), 1, ask, ratelimit.Ask{}); !r.Allowed {
		return &fault.Error{Kind: fault.RateLimited, RetryAfter: r.RetryAfter}
	}
	return nil
}

// network is one IPv4 address, or an IPv6 /64, which is what one customer gets.
func network(a netip.Addr) string {
	a, bits := a.Unmap().WithZone(""), 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero network for no address
	return p.String()
}

// keysIn finds keys in the address, as it was sent and as it is read.
func keysIn(c echo.Context) []apikey.Found {
	u := c.Request().URL
	found := apikey.Find(u.RawQuery)
	for name, values := range u.Query() {
		found = append(found, apikey.Find(name)...)
		for _, v := range values {
			found = append(found, apikey.Find(v)...)
		}
	}
	return found
}

// refuse leads to an address without the key, so that it stays neither in the bar of the browser nor in a link of the page.
func (h *SearchHandler) refuse(c echo.Context, found apikey.Found) error {
	web.NoReferrer(c)
	words := "1"
	if who := web.Actor(c); who.SignedIn() {
		row, ok, err := h.Keys.Pasted(web.Ctx(c), who, found.Key)
		if err != nil {
			return err
		}
		if ok {
			words = row.ID.Show(key.IDPrefix)
		}
	}
	return h.See(c, "/search?refused="+words)
}

// refused is the note after refuse, with the key that the reader may rotate.
func (h *SearchHandler) refused(c echo.Context) *views.Refused {
	words := c.QueryParam("refused")
	if words == "" {
		return nil
	}
	web.NoReferrer(c)
	id, err := db.ParseID(key.IDPrefix, words)
	if err != nil || !web.Actor(c).SignedIn() {
		return &views.Refused{}
	}
	k, err := h.Keys.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return &views.Refused{}
	}
	return &views.Refused{Name: k.Name, Href: "/console/keys/" + words + "/rotate"}
}

var kinds = []string{index.Guide, index.Tutorial, index.API, index.Question}

// fill puts results into the page.
func (h *SearchHandler) fill(c echo.Context, p *views.Search, results guide.Results, page int) {
	href := func(query, kind string, page int) string {
		q := url.Values{"q": {query}}
		if kind != "" {
			q.Set("kind", kind)
		}
		if page > 1 {
			q.Set("page", strconv.Itoa(page))
		}
		return "/search?" + q.Encode()
	}
	labels := []string{web.T(c, "Everything"), web.T(c, "Guides"), web.T(c, "Tutorials"), web.T(c, "APIs"), web.T(c, "Questions")}
	for i, kind := range append([]string{""}, kinds...) {
		p.Tabs = append(p.Tabs, components.Tab{Label: labels[i], Href: href(p.Query, kind, 1), Current: kind == p.Kind})
	}
	for _, r := range results.Shown {
		p.Found = append(p.Found, h.shown(c, r))
	}
	if results.Suggestion != "" {
		p.Suggest = &layout.Link{Label: results.Suggestion, Href: href(results.Suggestion, p.Kind, 1)}
	}
	p.AskHref = "/forum/ask?" + url.Values{"title": {clip(p.Query, forum.MaxTitle)}}.Encode()
	if page > 1 {
		p.Pager.PrevHref = href(p.Query, p.Kind, page-1)
	}
	if results.More {
		p.Pager.NextHref = href(p.Query, p.Kind, page+1)
	}
}

func (h *SearchHandler) shown(c echo.Context, r guide.Result) views.Found {
	f := views.Found{Href: r.Path, Title: pieces(r.Marked), Excerpt: pieces(r.Excerpt), Solved: r.Solved, Closed: r.Closed, Lang: r.Lang}
	switch {
	case r.Kind == index.Guide:
		f.Kind = web.T(c, "Guide")
	case r.Kind == index.Tutorial:
		f.Kind = web.T(c, "Tutorial")
	case r.Kind == index.API:
		f.Kind = web.T(c, "API")
	case r.Topic == forum.KindIdea:
		f.Kind = web.T(c, "Idea")
	case r.Topic == forum.KindBug:
		f.Kind = web.T(c, "Bug")
	default:
		f.Kind = web.T(c, "Question")
	}
	if r.Kind == index.Question && r.Answers > 0 {
		f.Facts = web.T(c, "%d answers", int(r.Answers))
	}
	if r.Kind == index.Question {
		f.Asked = components.MomentAt(web.Ctx(c), h.Now(), r.AskedAt)
	}
	for _, t := range r.Tags {
		f.Tags = append(f.Tags, layout.Link{Label: t, Href: "/forum?" + url.Values{"tag": {t}}.Encode()})
	}
	return f
}

func pieces(all []index.Piece) []views.Piece {
	out := make([]views.Piece, len(all))
	for i, p := range all {
		out[i] = views.Piece(p)
	}
	return out
}

// Misses lists searches that found nothing.
func (h *SearchHandler) Misses(c echo.Context) error {
	rows, err := h.Search.Misses(web.Ctx(c), web.Actor(c), web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.Misses{Frame: h.Frame(c, web.T(c, "Searches that found nothing")), Pager: web.Pager(c, rows.Previous, rows.Next), CSVHref: "/support/searches.csv"}
	times, timesSorted := web.SortHref(c, "times", rows.Sort)
	last, lastSorted := web.SortHref(c, "last", rows.Sort)
	p.Columns = []components.Column{
		{Label: web.T(c, "Looked for")}, {Label: web.T(c, "Times"), Num: true, SortHref: times, Sorted: timesSorted}, {Label: web.T(c, "Last"), SortHref: last, Sorted: lastSorted},
	}
	for _, r := range rows.Rows {
		p.Rows = append(p.Rows, views.Miss{
			Text: r.Text, Href: "/search?" + url.Values{"q": {r.Text}}.Encode(), Times: text.Number(web.Ctx(c), r.Times), Last: components.MomentAt(web.Ctx(c), h.Now(), r.LastAt),
		})
	}
	return h.Render(c, views.MissesPage(p))
}

// MissesCSV is the whole list as a table.
func (h *SearchHandler) MissesCSV(c echo.Context) error {
	request := web.PageOf(c)
	request.Size, request.After, request.Before = 100, "", ""
	rows, err := h.Search.Misses(web.Ctx(c), web.Actor(c), request)
	if err != nil {
		return err
	}
	out := web.NewCSV(c, "searches", "text", "times", "first_at", "last_at")
	for n := 0; ; n++ {
		for _, r := range rows.Rows {
			out.Row(r.Text, strconv.FormatInt(r.Times, 10), r.FirstAt.UTC().Format(time.RFC3339), r.LastAt.UTC().Format(time.RFC3339))
		}
		if rows.Next == "" || n == csvPages {
			return out.Close()
		}
		request.After = rows.Next
		if rows, err = h.Search.Misses(web.Ctx(c), web.Actor(c), request); err != nil {
			return err
		}
	}
}
