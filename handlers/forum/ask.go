package forum

import (
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

type askForm struct {
	Kind       string `form:"kind"`
	Title      string `form:"title"`
	Body       string `form:"body"`
	Tags       string `form:"tags"`
	API        string `form:"api"`
	Visibility string `form:"visibility"`
	App        string `form:"app"`
	Source     string `form:"source"`
	Website    string `form:"website"`
	Act        string `form:"act"`
}

// draft is what the form asks. Who reads it is "public" or the id of an organization.
func (f askForm) draft() forum.Draft {
	d := forum.Draft{Title: f.Title, Body: f.Body, Tags: strings.Split(f.Tags, ","), Kind: f.Kind, API: f.API, Visibility: f.Visibility, Source: f.Source, Honey: f.Website}
	if id, err := db.ParseID(orgPrefix, f.Visibility); err == nil {
		d.Visibility, d.OrganizationID = forum.Organization, id
	}
	if id, err := db.ParseID(org.AppPrefix, f.App); err == nil {
		d.AppID = id
	}
	return d
}

// masked is the form without keys: what is shown again holds their hints.
func (f askForm) masked() askForm {
	f.Title, f.Body, f.Tags = apikey.Mask(f.Title), apikey.Mask(f.Body), apikey.Mask(f.Tags)
	return f
}

const orgPrefix = org.Prefix

// NewQuestion shows the form. ?about= says from which page one comes, ?api= what it is about; ?title=, ?tags= and ?kind= fill it in.
func (h *Handler) NewQuestion(c echo.Context) error {
	f := askForm{Kind: forum.KindQuestion, Visibility: forum.Public, Title: firstRunes(c.QueryParam("title"), forum.MaxTitle), Tags: c.QueryParam("tags"), API: c.QueryParam("api")}
	if k := c.QueryParam("kind"); k == forum.KindIdea || k == forum.KindBug {
		f.Kind = k
	}
	f.Source = forum.CleanSource(c.QueryParam("about"))
	if slug, ok := strings.CutPrefix(f.Source, "/apis/"); ok && f.API == "" {
		f.API, _, _ = strings.Cut(slug, "/")
	}
	p, err := h.askPage(c, f.masked(), nil)
	if err != nil {
		return err
	}
	if p.Kept, err = h.kept(c); err != nil {
		return err
	}
	return h.Render(c, views.AskPage(p))
}

// kept says why the reader may not post at all, and until when; nil when they may.
func (h *Handler) kept(c echo.Context) (*views.Note, error) {
	err := h.Store.MayPost(web.Ctx(c), web.Actor(c))
	f := fault.As(err)
	if !fault.Is(err, fault.Forbidden) || f.Key == "" {
		return nil, err
	}
	return &views.Note{Tone: components.Warn, Text: web.T(c, f.Key, f.Args...)}, nil
}

func firstRunes(s string, most int) string {
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most])
	}
	return s
}

// Ask takes the form: first it shows the preview and what was asked before, then it posts.
func (h *Handler) Ask(c echo.Context) error {
	var f askForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if f.Act != "post" {
		if err := h.Paced(c); err != nil {
			return err
		}
	}
	if f.Act == "similar" {
		return h.similar(c, f.Title)
	}
	if err := h.Store.MayPost(web.Ctx(c), web.Actor(c)); err != nil {
		return h.askAgain(c, f, err)
	}
	if f.Act != "post" {
		return h.lookAgain(c, f)
	}
	q, err := h.Store.Ask(web.Ctx(c), web.Actor(c), f.draft())
	if err != nil {
		return h.askAgain(c, f, err)
	}
	if q.State == forum.Pending {
		return h.Warn(c, q.Path(), "Your question waits for approval. You get a mail when somebody answers it.")
	}
	return h.Done(c, q.Path(), "Your question is asked. You get a mail when somebody answers it.")
}

// lookAgain shows the form with the preview and similar questions.
func (h *Handler) lookAgain(c echo.Context, f askForm) error {
	d := f.draft()
	html, err := d.Check()
	if err != nil {
		return h.askAgain(c, f, err)
	}
	p, err := h.askPage(c, f, nil)
	if err != nil {
		return err
	}
	similar, err := h.Store.Similar(web.Ctx(c), web.Actor(c), d.Title, d.Body)
	if err != nil {
		return err
	}
	p.Frame.Title = web.T(c, "Preview of your question")
	p.Looked, p.Preview, p.Similar = true, views.Body(html), h.items(c, similar)
	return h.Render(c, views.AskPage(p))
}

// askAgain shows the form with what was wrong, the input kept.
func (h *Handler) askAgain(c echo.Context, f askForm, err error) error {
	problems, fields, status, ok := keep(c, err)
	if !ok {
		return err
	}
	found, keyErr := h.keyFound(c, f.Title, f.Body, f.Tags)
	if keyErr != nil {
		return keyErr
	}
	problems = onlyOnce(c, found, problems, fields)
	p, pageErr := h.askPage(c, f.masked(), fields)
	if pageErr != nil {
		return pageErr
	}
	p.Problems, p.Key, p.Looked = problems, found, f.Act == "post"
	return h.RenderStatus(c, status, views.AskPage(p))
}

// keep puts a fault into words for a form that keeps what was entered: wrong input, too many posts, and what changed meanwhile. ok is false for any
// other error, which the handler returns as it is.
func keep(c echo.Context, err error) (problems []components.Problem, fields map[string]string, status int, ok bool) {
	f := fault.As(err)
	switch {
	case fault.Is(err, fault.Invalid):
		problems, fields, ok = web.Problems(c, err)
		return problems, fields, web.Status(err), ok
	case fault.Is(err, fault.RateLimited), fault.Is(err, fault.Conflict), fault.Is(err, fault.Forbidden) && f.Code == trust.PostingBlocked:
		return []components.Problem{{Message: web.T(c, f.Key, f.Args...)}}, nil, web.Status(err), true
	}
	return nil, nil, 0, false
}

func (h *Handler) askPage(c echo.Context, f askForm, errs map[string]string) (views.Ask, error) {
	p := views.Ask{
		Frame: h.Frame(c, web.T(c, "Ask a question")), Hidden: []components.Hidden{{Name: "source", Value: f.Source}},
		Kind: components.Field{Name: "kind", Label: web.T(c, "What is it"), Value: f.Kind, Error: errs["kind"], Options: []components.Option{
			{Value: forum.KindQuestion, Label: web.T(c, "Question")},
			{Value: forum.KindIdea, Label: web.T(c, "Idea"), Hint: web.T(c, "something that you miss")},
			{Value: forum.KindBug, Label: web.T(c, "Bug"), Hint: web.T(c, "something that does not do what it says")},
		}},
		Title: components.Field{Name: "title", Label: web.T(c, "Title"), Value: f.Title, Error: errs["title"], MaxLength: forum.MaxTitle, Required: true, Hint: web.T(c, "One sentence that says what it is about."), Autocomplete: "off"},
		Body:  bodyField(c, web.T(c, "Body"), f.Body, errs["body"]),
		Tags: components.Field{
			Name: "tags", Label: web.T(c, "Tags"), Value: f.Tags, Error: errs["tags"], Optional: true, Autocomplete: "off", Hint: web.T(c, "At most %d, separated by commas.", forum.MaxTags),
			Attrs: map[string]any{"list": "known-tags", "translate": "no"},
		},
	}
	p.Frame.NoIndex = true
	if f.Source != "" {
		p.Source = &views.Link{Label: h.pageTitle(c, f.Source), Href: f.Source}
	}
	tags, err := h.Store.Tags(web.Ctx(c), "", db.PageRequest{Size: 20})
	if err != nil {
		return p, err
	}
	for _, t := range tags.Rows {
		p.KnownTags = append(p.KnownTags, t.Name)
	}
	if len(p.KnownTags) > 0 {
		p.Tags.Hint += " " + web.T(c, "Used most: %s.", strings.Join(p.KnownTags[:min(len(p.KnownTags), 6)], ", "))
	}
	return p, h.askChoices(c, &p, f, errs)
}

// bodyField is where a post is written.
func bodyField(c echo.Context, label, value, problem string) components.Field {
	return components.Field{Name: "body", Label: label, Value: value, Error: problem, Rows: 10, Required: true, Hint: web.T(c, "Markdown works: `code`, **bold**, lists, links."), Attrs: map[string]any{"translate": "no"}}
}

// askChoices fills in what there is to choose from: APIs, who reads it, and the app to share.
func (h *Handler) askChoices(c echo.Context, p *views.Ask, f askForm, errs map[string]string) error {
	ctx, a := web.Ctx(c), web.Actor(c)
	apis, err := h.Catalog.Visible(ctx, a, "")
	if err != nil {
		return err
	}
	p.API = components.Field{
		Name: "api", Label: web.T(c, "About an API"), Value: f.API, Error: errs["api"], Optional: true, Hint: web.T(c, "Who may not see the API does not see the question."),
		Options: []components.Option{{Value: "", Label: web.T(c, "None")}},
	}
	for _, x := range apis {
		p.API.Options = append(p.API.Options, components.Option{Value: x.Slug, Label: x.Name, Data: true})
	}
	orgs, err := h.Orgs.Mine(ctx, a)
	if err != nil {
		return err
	}
	p.Visibility = components.Field{Name: "visibility", Label: web.T(c, "Who reads it"), Value: f.Visibility, Error: errs["visibility"], Options: []components.Option{{Value: forum.Public, Label: web.T(c, "Everybody"), Hint: web.T(c, "so that the next person finds the answer")}}}
	for _, o := range orgs {
		option := components.Option{Value: o.ID.Show(orgPrefix), Label: web.T(c, "Members of %s, and staff", o.Name)}
		if o.Kind == org.Personal {
			option.Label = web.T(c, "You and staff alone")
		}
		p.Visibility.Options = append(p.Visibility.Options, option)
	}
	apps, err := h.Orgs.Apps(ctx, a, org.AppFilter{}, db.PageRequest{Size: db.MaxPage, Sort: "name"})
	if err != nil {
		return err
	}
	p.App = components.Field{
		Name: "app", Label: web.T(c, "Share an app with staff"), Value: f.App, Error: errs["app"], Optional: true,
		Hint: web.T(c, "Support then sees its plan, the hints of its keys and what was refused lately. Nobody else does."), Options: []components.Option{{Value: "", Label: web.T(c, "None")}},
	}
	for _, x := range apps.Rows {
		p.App.Options = append(p.App.Options, components.Option{Value: x.ID.Show(org.AppPrefix), Label: x.Name + " · " + x.OrganizationName, Data: true})
	}
	return nil
}

// similar is the list of questions like a title, as a part of the page: for the script of the form. The title comes in a body, not in an address that would
// be logged, because somebody may paste a key there.
func (h *Handler) similar(c echo.Context, title string) error {
	title = firstRunes(strings.TrimSpace(title), forum.MaxTitle)
	if utf8.RuneCountInString(title) < forum.MinTitle || len(apikey.Find(title)) > 0 {
		return h.Render(c, views.SimilarLinks(nil))
	}
	rows, err := h.Store.Similar(web.Ctx(c), web.Actor(c), title, "")
	if err != nil {
		return err
	}
	return h.Render(c, views.SimilarLinks(h.items(c, rows)))
}
