package demo

// credential is a key of the demo. A rotation makes a second one.
type credential struct {
	app, env, by string // by empty: who made the app
	name         string
	scopes       string
	made, life   int // days ago; days, never below 0
	calls        int // a day, all told
	shape        shape
	fate         fate
}

const (
	live  = "live"
	test  = "test"
	never = -1
)

var credentials = append(append(append([]credential{}, shopKeys...), partnerKeys...), otherKeys...)

// shopKeys are those of Kestrel, whose console is on the screenshots.
var shopKeys = []credential{
	{"storefront", live, "dev", "Checkout worker", "orders:read orders:write", 66, 180, 900, shopping, fate{}},
	{"storefront", live, "dev", "Order history", "orders:read returns:read", 64, 180, 620, shopping, fate{}},
	{"storefront", live, "owen", "Cancel and return", "orders:cancel returns:read returns:write", 50, 90, 70, shopping, fate{"leaked", 1, 0, "https://github.com/kestrel-commerce/storefront/blob/main/.env.example", ""}},
	{"storefront", live, "owen", "Product pages", "products:read prices:read stock:read", 82, 365, 1100, shopping, fate{}},
	{"storefront", live, "marta", "Reviews widget", "products:read reviews:read", 88, 180, 90, shopping, fate{}},
	{"storefront", live, "marta", "Search indexer", "products:read prices:read", 70, 90, 260, nightly, fate{"rotated", 4, 14, "", ""}},
	{"storefront", live, "dev", "Payment worker", "orders:read orders:write", 150, 90, 0, shopping, fate{}},
	{"storefront", live, "dev", "Old mobile app", "orders:read products:read", 170, 365, 120, shopping, fate{"revoked", 20, 0, "The old app is switched off.", "dev"}},
	{"storefront", test, "owen", "Staging", "orders:read orders:write returns:read returns:write", 61, 180, 90, office, fate{}},
	{"storefront", test, "marta", "CI", "orders:read orders:write products:read", 79, 90, 140, office, fate{}},
	{"storefront", test, "owen", "Owen’s laptop", "orders:read", 45, 90, 6, office, fate{"paused", 8, 0, "", "owen"}},
	{"backoffice", live, "dev", "Agent desktop", "orders:read orders:cancel", 55, 180, 210, office, fate{}},
	{"backoffice", live, "dev", "Caller lookup", "customers:read points:read", 54, 180, 160, office, fate{}},
	{"backoffice", live, "marta", "Refund robot", "orders:read orders:cancel", 30, 90, 45, office, fate{"suspended", 3, 14, "It cancelled 400 orders in ten minutes. Write to us when you know why.", "jonas"}},
	{"backoffice", test, "marta", "Training room", "orders:read", 84, 90, 12, office, fate{}},
	{"backoffice", test, "dev", "Caller lookup test", "customers:read points:read", 140, 120, 0, office, fate{}},
	{"pricewatch", live, "dev", "Hourly run", "products:read prices:read", 81, 90, 130, steady, fate{}},
	{"pricewatch", live, "marta", "Backfill", "prices:read", 33, 60, 0, nightly, fate{"paused", 21, 0, "", "marta"}},
	{"backoffice", live, "dev", "Shift planner", "orders:read", 75, 90, 20, office, fate{}},
	{"insights", live, "helen", "Board figures", "orders:read", 40, 90, 24, nightly, fate{}},
	{"insights", test, "owen", "Notebook", "orders:read", 38, 30, 8, office, fate{}},
}

// partnerKeys are those of the larger partners.
var partnerKeys = []credential{
	{"tracker", live, "lars", "Tracking page", "orders:read returns:read", 72, 180, 520, shopping, fate{}},
	{"tracker", live, "henrik", "Push notifications", "orders:read", 44, 180, 240, shopping, fate{}},
	{"tracker", live, "silje", "Call centre", "orders:read", 80, 90, 60, office, fate{}},
	{"tracker", live, "lars", "Tracking page, first", "orders:read", 150, 365, 0, shopping, fate{"rotated", 72, 7, "", ""}},
	{"tracker", test, "henrik", "Henrik’s sandbox", "orders:read returns:read", 43, 90, 10, office, fate{}},
	{"tracker", test, "silje", "Load test", "orders:read", 60, 30, 0, office, fate{"revoked", 31, 0, "Load test is over.", "silje"}},
	{"tracker", live, "henrik", "Widget for shops", "orders:read", 40, 180, 150, shopping, fate{}},
	{"labels", live, "silje", "Counter Oslo", "returns:read returns:write", 60, 180, 55, office, fate{}},
	{"labels", live, "silje", "Counter Bergen", "returns:read returns:write", 60, 180, 40, office, fate{}},
	{"labels", test, "silje", "Counter test", "returns:read returns:write", 59, 90, 4, office, fate{}},
	{"filialen", live, "katrin", "Filialen Nord", "orders:read orders:write", 75, 180, 190, morning, fate{}},
	{"filialen", live, "uwe", "Filialen Süd", "orders:read orders:write", 75, 180, 170, morning, fate{}},
	{"filialen", live, "uwe", "Bestand und Preise", "products:read prices:read stock:read", 78, 90, 90, morning, fate{}},
	{"filialen", test, "lena", "Lena lokal", "orders:read products:read", 28, 90, 9, office, fate{}},
	{"filialen", live, "uwe", "Filialen alt", "orders:read orders:write", 155, 120, 30, morning, fate{}},
	{"kasse", live, "uwe", "Nachtlauf", "orders:read", 40, 90, 48, nightly, fate{}},
	{"kasse", test, "lena", "Nachtlauf Test", "orders:read", 22, 30, 5, nightly, fate{}},
	{"warehouse", live, "astrid", "Order copy", "orders:read returns:read", 65, 365, 700, nightly, fate{}},
	{"warehouse", live, "nils", "Price history", "products:read prices:read stock:read", 65, 365, 380, steady, fate{}},
	{"warehouse", live, "astrid", "Nightly export", "orders:read", 58, 180, 150, nightly, fate{"silent", 34, 0, "", ""}},
	{"warehouse", live, "astrid", "Customer match", "customers:read", 120, 180, 80, nightly, fate{}},
	{"warehouse", live, "nils", "Review mining", "reviews:read", 64, 180, 40, nightly, fate{}},
	{"warehouse", test, "nils", "Pipeline test", "orders:read products:read", 77, 90, 30, office, fate{}},
	{"warehouse", live, "nils", "Consultant", "orders:read", 100, 60, 20, office, fate{"revoked", 62, 0, "The consultant left.", "astrid"}},
	{"forecast", live, "astrid", "Model input", "orders:read", 60, 90, 160, nightly, fate{}},
	{"forecast", live, "nils", "Stock feed", "products:read stock:read", 55, 90, 110, steady, fate{"rotated", 2, 7, "", ""}},
	{"forecast", test, "nils", "Training", "products:read stock:read", 66, 180, 14, office, fate{}},
	{"shelf", live, "grace", "Handhelds Midwest", "products:read prices:read stock:read", 74, 365, 480, shopping, fate{}},
	{"shelf", live, "marcus", "Handhelds South", "products:read prices:read stock:read", 73, 365, 430, shopping, fate{}},
	{"shelf", live, "marcus", "Store 14 terminal", "prices:read stock:read", 69, 180, 75, shopping, fate{"silent", 43, 0, "", ""}},
	{"shelf", live, "tanya", "Price tags", "prices:read", 29, 90, 95, nightly, fate{}},
	{"shelf", test, "tanya", "Emulator", "products:read prices:read stock:read", 27, 30, 18, office, fate{}},
	{"shelf", live, "grace", "Handhelds pilot", "products:read", 143, 120, 0, shopping, fate{"revoked", 95, 0, "Found in a public repository.", "mira"}},
	{"pickup", live, "marcus", "Pickup tablets", "orders:read orders:write", 71, 180, 260, shopping, fate{}},
	{"pickup", live, "marcus", "Arrival sensor", "orders:read", 68, 180, 85, shopping, fate{}},
	{"pickup", live, "tanya", "Drive-through test lane", "orders:read orders:write", 26, 30, 35, shopping, fate{}},
	{"pickup", test, "marcus", "QA", "orders:read orders:write", 67, 90, 22, office, fate{"rotated", 6, 10, "", ""}},
	{"rewards", live, "grace", "Till points", "points:read points:write", 62, 180, 210, shopping, fate{}},
	{"rewards", live, "marcus", "App backend", "points:read", 61, 90, 180, shopping, fate{}},
	{"rewards", live, "grace", "Kiosk", "points:read", 58, 180, 52, shopping, fate{}},
	{"rewards", test, "tanya", "Points sandbox", "points:read points:write", 24, 90, 11, office, fate{}},
}

// otherKeys are those of smaller partners, of people by themselves, and of Northwind.
var otherKeys = []credential{
	{"pos", live, "haruka", "Till orders", "orders:read orders:write", 60, 180, 120, shopping, fate{}},
	{"pos", live, "kenji", "Till orders, store 2", "orders:read orders:write", 57, 180, 65, shopping, fate{}},
	{"pos", live, "kenji", "Till prices", "products:read prices:read", 60, 180, 150, shopping, fate{}},
	{"pos", test, "kenji", "Till emulator", "orders:read products:read", 56, 90, 12, office, fate{}},
	{"pos", live, "haruka", "Till, first model", "prices:read", 122, 100, 10, shopping, fate{}},
	{"stockboard", live, "haruka", "Screens Tokyo", "products:read stock:read", 95, 365, 288, steady, fate{}},
	{"stockboard", live, "kenji", "Screens Osaka", "products:read stock:read", 80, 90, 144, steady, fate{}},
	{"stockboard", test, "kenji", "Screen in the office", "stock:read", 50, 60, 20, office, fate{}},
	{"stockboard", live, "haruka", "Screens Nagoya", "stock:read", 61, 180, 96, steady, fate{}},
	{"points", live, "aoife", "Engine A", "points:read points:write", 65, 180, 640, shopping, fate{}},
	{"points", live, "aoife", "Engine B", "points:read points:write", 65, 180, 590, shopping, fate{}},
	{"points", live, "sean", "Reconciliation", "points:read", 48, 90, 96, nightly, fate{}},
	{"points", live, "ruth", "Partner bakery", "points:read", 20, 90, 44, morning, fate{}},
	{"points", live, "sean", "Partner cinema", "points:read points:write", 64, 180, 66, shopping, fate{"suspended", 2, 0, "Points were redeemed that nobody has. We look into it with you.", "mira"}},
	{"points", live, "sean", "Engine, 2025", "points:read points:write", 118, 365, 200, shopping, fate{"revoked", 30, 0, "Replaced by engines A and B.", "sean"}},
	{"points", test, "ruth", "Ruth’s tests", "points:read points:write", 18, 30, 15, office, fate{}},
	{"points", test, "sean", "Old tests", "points:read", 110, 90, 0, office, fate{}},
	{"export", live, "lucia", "Price lists", "products:read prices:read", 70, 90, 60, nightly, fate{"rotated", 9, 21, "", ""}},
	{"export", live, "bruno", "Buyer portal", "products:read prices:read", 68, 180, 75, office, fate{}},
	{"export", test, "bruno", "Trial", "products:read", 75, 30, 0, office, fate{}},
	{"export", live, "bruno", "Fair in São Paulo", "prices:read", 60, 14, 12, office, fate{}},
	{"export", live, "lucia", "Price lists, Chile", "products:read prices:read", 31, 90, 26, nightly, fate{}},
	{"versand", live, "elisabeth", "Kundenkonto", "orders:read returns:read returns:write", 85, 180, 180, shopping, fate{}},
	{"versand", live, "matthias", "Rücksendungen", "returns:read returns:write", 80, 90, 50, office, fate{"silent", 52, 0, "", ""}},
	{"versand", live, "matthias", "Lagerterminal", "orders:read", 62, 90, 36, office, fate{"paused", 15, 0, "", "matthias"}},
	{"versand", test, "matthias", "Entwicklung", "orders:read returns:read", 35, 90, 13, office, fate{}},
	{"versand", live, "elisabeth", "Telefonzentrale", "orders:read", 90, 80, 25, office, fate{}},
	{"kartei", live, "matthias", "Telefonplätze", "customers:read", 70, 180, 34, office, fate{}},
	{"kartei", live, "matthias", "Kartei mobil", "customers:read", 60, 120, 16, office, fate{}},
	{"kartei", test, "matthias", "Kartei Test", "customers:read", 58, 90, 3, office, fate{}},
	{"freight", live, "noah", "Booking desk", "orders:read orders:write", 70, 180, 58, office, fate{}},
	{"freight", live, "isla", "Pallet planner", "orders:read", 66, 180, 47, nightly, fate{}},
	{"freight", live, "isla", "Customs papers", "orders:read", 64, 180, 21, office, fate{}},
	{"freight", test, "isla", "Sandbox", "orders:read orders:write", 63, 90, 6, office, fate{}},
	{"plugin", live, "emily", "Beta shops", "orders:read orders:write", 16, 90, 130, shopping, fate{}},
	{"plugin", live, "raj", "Product search", "products:read prices:read stock:read", 15, 90, 90, shopping, fate{}},
	{"plugin", test, "raj", "Raj’s laptop", "orders:read products:read", 14, 20, 17, office, fate{}},
	{"plugin", test, "emily", "Demo for investors", "products:read", 11, 14, 8, office, fate{}},
	{"plugin", live, "raj", "Pasted into a chat", "orders:read orders:write", 10, 90, 20, shopping, fate{"revoked", 7, 0, "Posted in our chat by mistake.", "emily"}},
	{"alerts", live, "mateo", "Alert bot", "products:read prices:read", 64, 180, 48, steady, fate{}},
	{"alerts", live, "mateo", "Alert bot, second", "prices:read", 50, 90, 0, steady, fate{"paused", 30, 0, "", "mateo"}},
	{"alerts", live, "mateo", "Weekend deals", "products:read prices:read", 25, 90, 14, steady, fate{}},
	{"alerts", test, "mateo", "Playground", "products:read", 62, 60, 2, office, fate{}},
	{"stamps", live, "yuki", "Café till", "points:read points:write", 33, 90, 28, shopping, fate{}},
	{"stamps", test, "yuki", "Trial till", "points:read", 34, 90, 3, shopping, fate{}},
	{"finder", live, "anna", "Karte", "products:read stock:read", 11, 90, 40, shopping, fate{}},
	{"finder", test, "anna", "Karte lokal", "products:read", 11, 90, 7, office, fate{"suspended", 5, 60, "Test keys must not be used in a published page.", "jonas"}},
	{"status", live, "priya", "Probe Orders", "orders:read", 85, never, 288, steady, fate{}},
	{"status", live, "priya", "Probe Catalogue", "products:read", 85, never, 288, steady, fate{}},
	{"status", live, "priya", "Probe, first", "products:read", 170, never, 60, steady, fate{"revoked", 86, 0, "Replaced by one key for each API.", "priya"}},
}
