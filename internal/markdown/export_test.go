package markdown

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// ParseAlone is what the parser makes of src before links, images and sanitizing: as CommonMark's examples are written; extended with what
// the parser of users' text knows besides.
func ParseAlone(src string, extended bool) string {
	parser := bare.Parser()
	if extended {
		parser = users.Parser()
	}
	var out bytes.Buffer
	_ = bare.Renderer().Render(&out, []byte(src), parser.Parse(text.NewReader([]byte(src))))
	return out.String()
}

var bare = goldmark.New(goldmark.WithRendererOptions(html.WithUnsafe(), html.WithXHTML()))
