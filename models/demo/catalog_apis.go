package demo

import "github.com/gatehouse-dev/gatehouse/models/catalog"

// product is an API that the demo's company publishes.
type product struct {
	catalog.Input
	made         int // days ago
	terms        string
	versions     []catalog.VersionInput // the first one comes with the API
	environments []catalog.Environment
	scopes       []catalog.ScopeInput
	presets      []suggestion
	rules        []versionRules
	plans        []catalog.PlanInput
	invited      []string // companies, of an API for invited ones
}

type versionRules struct{ version, lines string }

// suggestion is a preset; its scopes are parted by spaces.
type suggestion struct{ name, purpose, scopes string }

var products = []product{ordersAPI, catalogueAPI, customersAPI, payoutsAPI}

const sharedTerms = `1. Use the data for the purpose that you told us, and for no other.
2. Keep keys on servers. A key in an app or a web page can be read by everybody.
3. Delete what you copied within 30 days after your access ends.`

// madeUp ends the description of an API that is only told of.
const madeUp = `
> This is a demo: nothing answers at the addresses of this API. The [Catalogue API](/apis/catalogue) does.
`

var ordersAPI = product{
	made: 190, terms: sharedTerms,
	Input: catalog.Input{
		Slug: "orders", Name: "Orders API", DataDomain: "commerce", Visibility: catalog.Public, RefusesUndeclared: true,
		Summary: "Read, place and cancel orders, and handle returns.",
		Description: `Everything about an order, from the basket to the return.

## First call

` + "`GET /v2/orders?limit=10`" + ` lists the newest orders of your shops. It needs ` + "`orders:read`" + `, which every plan grants at once.

## What to know

- **Idempotency.** Send ` + "`Idempotency-Key`" + ` with each ` + "`POST`" + `: a repeat gives the first answer.
- **Paging.** Lists answer with ` + "`next`" + `; pass it back as ` + "`after`" + `.
- **Version 1** is deprecated. It answers until its end date and gets no new fields.

| state | meaning |
| --- | --- |
| ` + "`placed`" + ` | paid, not yet packed |
| ` + "`shipped`" + ` | with the carrier |
| ` + "`cancelled`" + ` | refunded, final |
` + madeUp,
	},
	versions: []catalog.VersionInput{{Name: "v2", State: catalog.Live}, {Name: "v1", State: catalog.Deprecated}, {Name: "v3", State: catalog.Draft}},
	environments: []catalog.Environment{
		{Environment: "live", BaseURL: "https://orders.northwind.example", ExampleMethod: "GET", ExamplePath: "/v2/orders?limit=10"},
		{Environment: "test", BaseURL: "https://orders.sandbox.northwind.example", ExampleMethod: "POST", ExamplePath: "/v2/orders", ExampleBody: `{"shop": "demo", "lines": [{"sku": "NW-1001", "quantity": 2}]}`},
	},
	scopes: []catalog.ScopeInput{
		{Name: "orders:read", Sentence: "See orders, their lines and their state"},
		{Name: "orders:write", Sentence: "Place orders and change those that are not shipped"},
		{Name: "orders:cancel", Sentence: "Cancel orders and refund their payment", Sensitive: true},
		{Name: "returns:read", Sentence: "See returns and their labels"},
		{Name: "returns:write", Sentence: "Register returns and order labels"},
	},
	presets: []suggestion{
		{"Shop checkout", "Places orders and shows customers where they are.", "orders:read orders:write"},
		{"Order reporting", "Reads orders and returns for reports and changes nothing.", "orders:read returns:read"},
		{"Customer service", "Cancels orders and registers returns for customers who write or call.", "orders:read orders:cancel returns:read returns:write"},
	},
	rules: []versionRules{
		{"v2", `GET /v2/orders orders:read
GET /v2/orders/{id} orders:read
POST /v2/orders orders:write
PATCH /v2/orders/{id} orders:write
POST /v2/orders/{id}/cancel orders:cancel
GET /v2/returns returns:read
POST /v2/returns returns:write`},
		{"v1", `GET /v1/orders orders:read
GET /v1/orders/{id} orders:read`},
	},
	plans: []catalog.PlanInput{
		{Name: "Start", Summary: "To build and try. Granted at once.", RateRequests: 60, RatePeriodSeconds: 60, Burst: 20, QuotaMonth: 50_000},
		{Name: "Growth", Summary: "For shops in production.", RateRequests: 600, RatePeriodSeconds: 60, Burst: 100, QuotaMonth: 1_000_000, NeedsApproval: true},
		{Name: "Scale", Summary: "For platforms with many shops.", RateRequests: 6000, RatePeriodSeconds: 60, Burst: 1000, NeedsApproval: true},
	},
}

var catalogueAPI = product{
	made: 188,
	Input: catalog.Input{
		Slug: "catalogue", Name: "Catalogue API", DataDomain: "commerce", Visibility: catalog.Public,
		Summary: "Products, prices and stock of all Northwind warehouses.",
		Description: `What we sell, what it costs, and how many there are.

Prices are net, in the currency of the market. Stock is at most two minutes old.

` + "```json\n{\"sku\": \"NW-1001\", \"name\": \"Harbour lamp\", \"price\": {\"amount\": \"49.00\", \"currency\": \"EUR\"}, \"stock\": 128}\n```" + `

Cache products for a day and prices for an hour: answers carry ` + "`ETag`" + ` and ` + "`Cache-Control`" + `. A product carries its price for keys with ` + "`prices:read`" + `, and its stock for those with ` + "`stock:read`" + `.
`,
	},
	versions: []catalog.VersionInput{{Name: "2026-01", State: catalog.Live}, {Name: "2025-06", State: catalog.Retired}},
	environments: []catalog.Environment{
		{Environment: "live", BaseURL: "https://catalogue.northwind.example", ExampleMethod: "GET", ExamplePath: "/products/NW-1001"},
		{Environment: "test", BaseURL: "https://catalogue.sandbox.northwind.example", ExampleMethod: "GET", ExamplePath: "/products?limit=5"},
	},
	scopes: []catalog.ScopeInput{
		{Name: "products:read", Sentence: "See products and their pictures"},
		{Name: "prices:read", Sentence: "See prices by market and quantity"},
		{Name: "stock:read", Sentence: "See stock by warehouse"},
		{Name: "products:write", Sentence: "Change product texts and pictures", Sensitive: true},
		{Name: "reviews:read", Sentence: "See reviews that customers wrote"},
	},
	presets: []suggestion{
		{"Shop window", "Shows products with their prices and what is in stock.", "products:read prices:read stock:read"},
		{"Product pages", "Shows products with what customers say of them.", "products:read reviews:read"},
	},
	rules: []versionRules{{"2026-01", `GET /products products:read
GET /products/{sku} products:read
PUT /products/{sku}/texts products:write
GET /prices prices:read
GET /stock/{sku} stock:read`}},
	plans: []catalog.PlanInput{
		{Name: "Open", Summary: "For everybody. Granted at once.", RateRequests: 120, RatePeriodSeconds: 60, Burst: 60, QuotaMonth: 20_000, QuotaDay: 1_000},
		{Name: "Partner", Summary: "For shops and marketplaces.", RateRequests: 1200, RatePeriodSeconds: 60, Burst: 300, NeedsApproval: true},
	},
}

var customersAPI = product{
	made: 185, terms: sharedTerms + "\n4. Customer data stays in the European Economic Area unless we agreed otherwise in writing.",
	Input: catalog.Input{
		Slug: "customers", Name: "Customers API", DataDomain: "customer", Visibility: catalog.SignedIn, RefusesUndeclared: true,
		Summary: "Customer profiles, addresses and loyalty points.",
		Description: `Personal data: each scope that reads or writes a profile is **sensitive**, and staff decides on each request.

Say in your request which fields you need, for what, and how long you keep them.

> A key that reaches this API reaches no API of another data domain.
` + madeUp,
	},
	versions: []catalog.VersionInput{{Name: "v1", State: catalog.Live}, {Name: "v2", State: catalog.Draft}},
	environments: []catalog.Environment{
		{Environment: "live", BaseURL: "https://customers.northwind.example", ExampleMethod: "GET", ExamplePath: "/v1/customers/c_1001/points"},
		{Environment: "test", BaseURL: "https://customers.sandbox.northwind.example", ExampleMethod: "GET", ExamplePath: "/v1/customers?limit=5"},
	},
	scopes: []catalog.ScopeInput{
		{Name: "customers:read", Sentence: "See names, mail addresses and delivery addresses", Sensitive: true},
		{Name: "customers:write", Sentence: "Change profiles and addresses", Sensitive: true},
		{Name: "points:read", Sentence: "See loyalty points"},
		{Name: "points:write", Sentence: "Give and redeem loyalty points"},
	},
	rules: []versionRules{{"v1", `GET /v1/customers customers:read
GET /v1/customers/{id} customers:read
PATCH /v1/customers/{id} customers:write
GET /v1/customers/{id}/points points:read
POST /v1/customers/{id}/points points:write`}},
	plans: []catalog.PlanInput{
		{Name: "Partner", Summary: "For partners with a data agreement.", RateRequests: 300, RatePeriodSeconds: 60, Burst: 60, QuotaMonth: 500_000, NeedsApproval: true},
		{Name: "Loyalty", Summary: "For loyalty programmes: points in real time.", RateRequests: 1200, RatePeriodSeconds: 60, Burst: 200, NeedsApproval: true},
	},
}

var payoutsAPI = product{
	made: 60, terms: sharedTerms, invited: []string{"kestrel", "lumen"},
	Input: catalog.Input{
		Slug: "payouts", Name: "Payouts API", DataDomain: "finance", Visibility: catalog.Invited, RefusesUndeclared: true,
		Summary: "What Northwind pays to its partners, and for what.",
		Description: `For partners with a settlement contract, by invitation.

A payout is listed once the bank has confirmed it: on the first working day of the month, by noon UTC.
` + madeUp,
	},
	versions: []catalog.VersionInput{{Name: "v1", State: catalog.Live}},
	environments: []catalog.Environment{
		{Environment: "live", BaseURL: "https://payouts.northwind.example", ExampleMethod: "GET", ExamplePath: "/v1/payouts"},
	},
	scopes: []catalog.ScopeInput{
		{Name: "payouts:read", Sentence: "See payouts and their totals"},
		{Name: "payouts:lines", Sentence: "See the orders and redemptions behind a payout", Sensitive: true},
	},
	rules: []versionRules{{"v1", `GET /v1/payouts payouts:read
GET /v1/payouts/{id} payouts:read
GET /v1/payouts/{id}/lines payouts:lines`}},
	plans: []catalog.PlanInput{
		{Name: "Settlement", Summary: "For bookkeeping.", RateRequests: 30, RatePeriodSeconds: 60, Burst: 10, NeedsApproval: true},
	},
}
