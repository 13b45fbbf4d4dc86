package guide

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
)

// sheet is a page as everybody who is not signed in gets it: rendered and compressed once, until something on it changes.
type sheet struct {
	tag           string
	plain, packed []byte
}

// maxSheets bounds what is kept: more than pages × languages × spellings of the address there hardly are. Beyond it all is made anew.
const maxSheets = 1000

// public answers who is not signed in. What a cookie makes different (language, the sentence of the last act) is in the key, or not kept at all.
func (h *Handler) public(c echo.Context, p *content.Page) error {
	header := c.Response().Header()
	header.Add(echo.HeaderVary, echo.HeaderCookie)
	header.Add(echo.HeaderVary, "Accept-Language")
	solved, err := h.Forum.SolvedAbout(web.Ctx(c), web.Actor(c), p.Path(), solvedShown)
	if err != nil {
		return err
	}
	if h.HasFlash(c) || c.Request().URL.RawQuery != "" {
		r := h.bare(c, p, solved)
		r.Lang = foreign(p, text.Of(web.Ctx(c)).Language)
		if r.Rating.Yes, r.Rating.No, err = h.Guides.Rated(web.Ctx(c), web.Actor(c), p.Path(), h.knownVisitor(c)); err != nil {
			return err
		}
		return h.Render(c, views.ReadingPage(r))
	}
	var key strings.Builder
	fmt.Fprint(&key, p.Path(), "\n", p.Language, "\n", text.Of(web.Ctx(c)).Language, "\n", p.Digest, h.Guides.Pages().Digest, "\n", web.Portal(c).Name, "\n", web.Portal(c).Hue, "\n", web.Portal(c).Footer)
	for _, q := range solved {
		key.WriteString("\n" + q.ID.String() + q.Title)
	}
	s, err := h.sheet(c, key.String(), func() views.Reading {
		r := h.bare(c, p, solved)
		r.Lang = foreign(p, text.Of(web.Ctx(c)).Language)
		return r
	})
	if err != nil {
		return err
	}
	return s.send(c)
}

func (h *Handler) sheet(c echo.Context, key string, make func() views.Reading) (*sheet, error) {
	h.mu.Lock()
	s := h.sheets[key]
	h.mu.Unlock()
	if s != nil {
		return s, nil
	}
	r := make()
	r.Frame.Nonce = ""
	var plain bytes.Buffer
	if err := views.ReadingPage(r).Render(web.Ctx(c), &plain); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain.Bytes())
	s = &sheet{tag: `W/"` + hex.EncodeToString(sum[:12]) + `"`, plain: plain.Bytes()}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(s.plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	s.packed = packed.Bytes()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sheets == nil || len(h.sheets) >= maxSheets {
		h.sheets = map[string]*sheet{}
	}
	h.sheets[key] = s
	return s, nil
}

// send answers with the sheet. It is the same for many readers, so its policy does without a nonce: scripts of ours by address, and the one style by digest.
func (s *sheet) send(c echo.Context) error {
	header := c.Response().Header()
	web.PolicyWithoutNonce(c)
	header.Set("Cache-Control", "public, max-age=60")
	header.Set("ETag", s.tag)
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), s.tag) {
		return c.NoContent(http.StatusNotModified)
	}
	if web.PacksItself(c) && strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
		header.Set(echo.HeaderContentEncoding, "gzip")
		return c.HTMLBlob(http.StatusOK, s.packed)
	}
	return c.HTMLBlob(http.StatusOK, s.plain)
}
