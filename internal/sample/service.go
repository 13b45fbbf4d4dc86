package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// newService are the routes. Which of them a key may call was decided before.
func newService() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /products", products)
	routes.HandleFunc("GET /products/{sku}", product)
	routes.HandleFunc("GET /prices", prices)
	routes.HandleFunc("GET /stock/{sku}", stock)
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "This sample has GET /products, /products/{sku}, /prices and /stock/{sku}, and keeps nothing that is sent to it.")
	})
	return routes
}

type money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// item is a product as a key sees it: its price and stock are there when the key holds the scope for them.
type item struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Text  string `json:"text"`
	Price *money `json:"price,omitempty"`
	Stock *int   `json:"stock,omitempty"`
}

func itemFor(r *http.Request, g good) item {
	i := item{SKU: g.SKU, Name: g.Name, Text: g.Text}
	if holds(r, "prices:read") {
		i.Price = &money{g.Price, "EUR"}
	}
	if holds(r, "stock:read") {
		n := g.total()
		i.Stock = &n
	}
	return i
}

func holds(r *http.Request, scope string) bool {
	scopes, _ := r.Context().Value(scopesKey{}).([]string)
	return slices.Contains(scopes, scope)
}

const mostItems = 100

func products(w http.ResponseWriter, r *http.Request) {
	limit := mostItems
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostItems {
			problem(w, http.StatusUnprocessableEntity, "limit is a number from 1 to 100.")
			return
		}
		limit = n
	}
	items := []item{}
	for _, g := range goods[:min(limit, len(goods))] {
		items = append(items, itemFor(r, g))
	}
	answer(w, r, 24*time.Hour, map[string]any{"items": items})
}

func product(w http.ResponseWriter, r *http.Request) {
	if g, ok := named(w, r); ok {
		answer(w, r, 24*time.Hour, itemFor(r, g))
	}
}

func prices(w http.ResponseWriter, r *http.Request) {
	type price struct {
		SKU   string `json:"sku"`
		Price money  `json:"price"`
	}
	items := []price{}
	for _, g := range goods {
		items = append(items, price{g.SKU, money{g.Price, "EUR"}})
	}
	answer(w, r, time.Hour, map[string]any{"items": items})
}

func stock(w http.ResponseWriter, r *http.Request) {
	if g, ok := named(w, r); ok {
		answer(w, r, 2*time.Minute, map[string]any{"sku": g.SKU, "stock": g.Stock})
	}
}

// named is the product of the path; without one the answer is given.
func named(w http.ResponseWriter, r *http.Request) (good, bool) {
	g, ok := find(r.PathValue("sku"))
	if !ok {
		problem(w, http.StatusNotFound, "There is no product of this SKU. NW-1001 is one.")
	}
	return g, ok
}

// answer answers with JSON that the caller, and nobody between, may keep for some time.
func answer(w http.ResponseWriter, r *http.Request, age time.Duration, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		problem(w, http.StatusInternalServerError, "The answer can’t be written.")
		return
	}
	digest := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(age.Seconds())))
	h.Set("Vary", "Authorization, X-API-Key")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(digest[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(append(body, '\n')))
}

// problem answers with a problem document (RFC 9457).
func problem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail})
	if err != nil { // strings and a number always marshal
		body = nil
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // whoever asked has gone away
}
