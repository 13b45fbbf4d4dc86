package guide

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
)

type ratingForm struct {
	Helpful string `form:"helpful"`
	Words   string `form:"words"`
}

// RateGuide keeps what a reader says of a guide.
func (h *Handler) RateGuide(c echo.Context) error { return h.rate(c, content.Guide) }

// RateTutorial keeps what a reader says of a tutorial.
func (h *Handler) RateTutorial(c echo.Context) error { return h.rate(c, content.Tutorial) }

func (h *Handler) rate(c echo.Context, kind string) error {
	p, err := h.page(c, kind)
	if err != nil {
		return err
	}
	var f ratingForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if f.Helpful != "yes" && f.Helpful != "no" {
		err = fault.BadField("words", "Choose whether the page helped.")
	} else {
		in := guide.RatingInput{Path: p.Path(), Helpful: f.Helpful == "yes", Words: f.Words, Language: string(p.Language)}
		if !web.Actor(c).SignedIn() {
			in.Visitor = h.visitor(c)
		}
		err = h.Guides.Rate(web.Ctx(c), web.Actor(c), in)
	}
	if err == nil {
		return h.Done(c, p.Path()+"#helpful", "Noted. Thank you.")
	}
	err = h.Unkeyed(c, err, &f.Words)
	list, fields, ok := web.Problems(c, err)
	if !ok {
		return err
	}
	reading, err := h.reading(c, p, &views.Rating{Action: p.Path() + "/helpful", Words: ratingField(c, f.Words, fields["words"]), Problems: list})
	if err != nil {
		return err
	}
	return h.RenderProblems(c, views.ReadingPage(reading))
}

const (
	visitorCookie = "gatehouse-visitor"
	visitorAge    = 180 * 24 * time.Hour
)

// visitor names the browser of somebody who is not signed in, by a random number in a signed cookie that is set with the first vote. What is kept is a digest.
func (h *Handler) visitor(c echo.Context) string {
	value, mac, _ := strings.Cut(h.Cookie(c, visitorCookie), ".")
	sent, err := hex.DecodeString(mac)
	if err != nil || len(value) != 22 || !h.Signer.Verify([]byte(visitorCookie+value), sent) {
		random := make([]byte, 16)
		_, _ = rand.Read(random) // never fails, says crypto/rand
		value = base64.RawURLEncoding.EncodeToString(random)
		sum := h.Signer.Sign([]byte(visitorCookie + value))
		h.SetCookie(c, visitorCookie, value+"."+hex.EncodeToString(sum[:]), visitorAge)
	}
	digest := sha256.Sum256([]byte(value))
	return hex.EncodeToString(digest[:])
}

// Complaints lists for staff the pages that did not help, and files that are left out.
func (h *Handler) Complaints(c echo.Context) error {
	path := c.QueryParam("path")
	rows, err := h.Guides.NotHelpful(web.Ctx(c), web.Actor(c), path, web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.Complaints{Frame: h.Frame(c, web.T(c, "Pages that did not help")), Path: path, Pager: web.Pager(c, rows.Previous, rows.Next), CSVHref: "/support/pages.csv"}
	for _, r := range rows.Rows {
		p.Rows = append(p.Rows, views.Complaint{
			Href: r.Path, Title: h.titleOf(c, r.Path), Language: languageOf(r.Language), OnlyHref: "/support/pages?path=" + r.Path, Words: r.Words,
			Votes: web.T(c, "%[1]d yes, %[2]d no", r.Yes, r.No), At: components.MomentAt(web.Ctx(c), h.Now(), r.CreatedAt),
		})
	}
	for _, problem := range h.Guides.Pages().Problems {
		p.Problems = append(p.Problems, views.FileProblem{Place: problem.Place(), Text: problem.Message.In(web.Ctx(c))})
	}
	return h.Render(c, views.ComplaintsPage(p))
}

// titleOf is the title of a page in the reader's language, else in English, or its path when there is none any more.
func (h *Handler) titleOf(c echo.Context, path string) string {
	for _, kind := range []string{content.Guide, content.Tutorial} {
		if slug, ok := strings.CutPrefix(path, content.PathOf(kind, "")); ok {
			if p := h.Guides.Find(kind, slug, text.Of(web.Ctx(c)).Language); p != nil {
				return p.Title
			}
		}
	}
	return path
}

// languageOf names the language in which a page was read, by itself.
func languageOf(code string) string {
	for _, l := range text.Languages() {
		if string(l.Language) == code {
			return l.Name
		}
	}
	return code
}

// ComplaintsCSV is all of it as a table.
func (h *Handler) ComplaintsCSV(c echo.Context) error {
	ctx, who, request := web.Ctx(c), web.Actor(c), web.PageOf(c)
	request.Size, request.Before = 100, ""
	rows, err := h.Guides.NotHelpful(ctx, who, "", request)
	if err != nil {
		return err
	}
	out := web.NewCSV(c, "pages", "at", "page", "language", "words", "yes", "no")
	for n := 0; ; n++ {
		for _, r := range rows.Rows {
			out.Row(r.CreatedAt.UTC().Format(time.RFC3339), r.Path, r.Language, r.Words, strconv.FormatInt(r.Yes, 10), strconv.FormatInt(r.No, 10))
		}
		if rows.Next == "" || n == csvPages {
			return out.Close()
		}
		request.After = rows.Next
		if rows, err = h.Guides.NotHelpful(ctx, who, "", request); err != nil {
			return err
		}
	}
}

// csvPages bounds a download: a hundred rows each.
const csvPages = 1000
