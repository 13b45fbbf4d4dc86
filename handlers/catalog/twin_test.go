package catalog_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
)

// Z2: the Markdown of an API is read by whoever may read its page.
func TestAnAPIHasAMarkdownTwin(t *testing.T) {
	w := newWorld(t)
	w.AddAPI("secret", catalog.Input{Name: "Secret", Summary: "Not for all.", DataDomain: "employee", Visibility: catalog.Invited})
	visitor := w.Visitor()

	page, hidden := visitor.Get("/apis/orders.md"), visitor.Get("/apis/secret.md")
	visitor.Header.Set("Accept", "text/markdown")
	asked := visitor.Get("/apis/orders")

	has(t, page, "# Orders\n\n> Place and follow orders.", w.URL+"/apis/orders", "- `orders:read`: Read orders", "- Open: ")
	if asked.Body != page.Body || page.Header.Get("Content-Type") != "text/markdown; charset=utf-8" || !strings.Contains(asked.Header.Get("Vary"), "Accept") {
		t.Error(asked.Header)
	}
	wantStatus(t, "hidden", hidden.Status, 404)
}
