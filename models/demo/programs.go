package demo

// program is an app. Its organization is a company's handle, or that of a person for their personal one.
type program struct {
	handle, org, by   string
	name, description string
	homepage          string
	made              int // days ago
}

var programs = []program{
	{"storefront", "kestrel", "helen", "Storefront", "Web shop of all Kestrel brands: places orders and shows prices.", "https://shop.kestrel.example", 178},
	{"backoffice", "kestrel", "dev", "Back office", "Customer service looks orders up and cancels them.", "", 170},
	{"pricewatch", "kestrel", "dev", "Price watch", "Compares our prices each hour.", "", 130},
	{"insights", "kestrel", "helen", "Insights", "Weekly figures for the board.", "", 58},
	{"tracker", "fjordline", "lars", "Parcel tracker", "Tells recipients where their parcel is.", "https://track.fjordline.example", 172},
	{"labels", "fjordline", "silje", "Label printer", "Prints return labels at the counters.", "", 100},
	{"filialen", "morgenrot", "katrin", "Filialbestellung", "Die Filialen bestellen Verpackung und Kaffee.", "", 160},
	{"kasse", "morgenrot", "uwe", "Kassenabgleich", "Gleicht Bestellungen jede Nacht mit der Kasse ab.", "", 120},
	{"warehouse", "tindra", "astrid", "Data warehouse", "Copies orders and prices for reports of our clients.", "https://tindra.example", 150},
	{"forecast", "tindra", "astrid", "Demand forecast", "Predicts demand by product and region.", "", 70},
	{"shelf", "oakfield", "grace", "Shelf scanner", "Handhelds that show price and stock at the shelf.", "", 145},
	{"pickup", "oakfield", "marcus", "Curbside pickup", "Hands orders out at the car park.", "https://pickup.oakfield.example", 140},
	{"rewards", "oakfield", "grace", "Oak Rewards", "Points for regular customers.", "", 90},
	{"pos", "sakura", "haruka", "POS bridge", "Connects tills to Northwind orders.", "", 126},
	{"stockboard", "sakura", "haruka", "Stock board", "Screens with stock in each store.", "", 100},
	{"points", "lumen", "aoife", "Points engine", "Gives and redeems points in real time.", "https://lumen.example/engine", 122},
	{"mailer", "lumen", "sean", "Campaign mailer", "Writes to members about their points.", "", 50},
	{"export", "pampa", "lucia", "Export desk", "Price lists for buyers abroad.", "", 105},
	{"versand", "alpenblick", "elisabeth", "Versandportal", "Kunden verfolgen Bestellungen und melden Rücksendungen an.", "https://versand.alpenblick.example", 92},
	{"kartei", "alpenblick", "matthias", "Kundenkartei", "Adressen für Nachfragen am Telefon.", "", 80},
	{"freight", "harbourview", "noah", "Freight desk", "Books freight for large orders.", "", 82},
	{"plugin", "quillworks", "emily", "Shop plugin", "A plugin for small shops, in beta.", "https://plugin.quillworks.example", 18},
	{"alerts", "mateo", "mateo", "Price alerts", "Tells friends when a lamp gets cheaper.", "", 66},
	{"stamps", "yuki", "yuki", "Stamp card", "A stamp card for one café.", "", 36},
	{"finder", "anna", "anna", "Ladenfinder", "Zeigt, welcher Laden was vorrätig hat.", "", 13},
	{"status", "northwind", "priya", "Status page", "Asks each API once a minute whether it answers.", "https://status.northwind.example", 180},
}

// request is what an app asked for, and what became of it. Scopes of several APIs are several requests.
type request struct {
	app, api, plan string
	scopes         string
	purpose        string
	asked          int    // days ago
	fate           string // granted (at once), approved, refused, withdrawn, waiting
	by             string // who decided
	later          fate   // what became of access that was given
	reason         string // of a refusal
}

// fate is what happened to something some days ago.
type fate struct {
	what   string // suspended, ended, paused, resumed, revoked, rotated, silent, or nothing
	ago    int    // days; of silent: hours
	days   int    // of a rotation: the overlap; of a suspension: how long, 0 for until a person ends it
	reason string
	by     string // who did it; empty: who made it
}

var requests = []request{
	{"storefront", "orders", "Scale", "orders:read orders:write orders:cancel returns:read returns:write", "Our web shops place orders, and customers cancel and return in their account.", 177, "approved", "jonas", fate{}, ""},
	{"storefront", "catalogue", "Partner", "products:read prices:read stock:read reviews:read", "Product pages with price, stock and reviews.", 177, "approved", "jonas", fate{}, ""},
	{"backoffice", "orders", "Growth", "orders:read orders:write orders:cancel", "Customer service answers the phone and cancels on request.", 168, "approved", "mira", fate{}, ""},
	{"backoffice", "customers", "Partner", "customers:read points:read", "Agents see the delivery address and points of the caller. Kept: nothing.", 167, "approved", "mira", fate{}, ""},
	{"pricewatch", "catalogue", "Open", "products:read prices:read", "An hourly comparison of prices.", 130, "granted", "", fate{}, ""},
	{"insights", "orders", "Start", "orders:read", "Orders by week and brand, as totals.", 57, "granted", "", fate{}, ""},
	{"insights", "customers", "Partner", "customers:read", "Customers by age and region.", 56, "refused", "mira", fate{}, "Totals need no names or addresses. Ask us for the monthly statistics instead."},
	{"tracker", "orders", "Growth", "orders:read returns:read", "Recipients follow their parcel by order number.", 171, "approved", "jonas", fate{}, ""},
	{"labels", "orders", "Growth", "returns:read returns:write", "Return labels at our counters.", 99, "approved", "mira", fate{}, ""},
	{"filialen", "orders", "Growth", "orders:read orders:write", "120 Filialen bestellen täglich vor fünf Uhr.", 159, "approved", "jonas", fate{}, ""},
	{"filialen", "catalogue", "Open", "products:read prices:read stock:read", "Bestand und Preise beim Bestellen.", 158, "granted", "", fate{}, ""},
	{"kasse", "orders", "Start", "orders:read", "Nächtlicher Abgleich, ein Lauf am Tag.", 119, "granted", "", fate{}, ""},
	{"warehouse", "orders", "Scale", "orders:read returns:read", "Reports for retailers who are clients of ours and yours.", 148, "approved", "mira", fate{}, ""},
	{"warehouse", "catalogue", "Partner", "products:read prices:read stock:read reviews:read", "Prices and stock over time.", 148, "approved", "jonas", fate{}, ""},
	{"warehouse", "customers", "Partner", "customers:read", "Matching customers across shops.", 140, "approved", "jonas", fate{"ended", 24, 0, "The data agreement ran out and was not renewed.", "mira"}, ""},
	{"forecast", "orders", "Start", "orders:read", "Demand by product and region.", 69, "granted", "", fate{}, ""},
	{"forecast", "catalogue", "Open", "products:read stock:read", "Stock as an input of the forecast.", 69, "granted", "", fate{}, ""},
	{"forecast", "orders", "Scale", "orders:read returns:read", "Start is too small by now: we read 300,000 orders a night.", 2, "waiting", "", fate{}, ""},
	{"shelf", "catalogue", "Partner", "products:read prices:read stock:read", "4,000 handhelds in 310 stores.", 144, "approved", "jonas", fate{}, ""},
	{"pickup", "orders", "Growth", "orders:read orders:write", "Staff hands orders out and marks them as collected.", 138, "approved", "mira", fate{}, ""},
	{"rewards", "customers", "Loyalty", "points:read points:write", "Points at the till and in the app.", 88, "approved", "mira", fate{}, ""},
	{"pos", "orders", "Growth", "orders:read orders:write", "Orders from the till, for delivery.", 124, "approved", "jonas", fate{"suspended", 6, 30, "The till software places each order twice. We lift this when version 4.2 is rolled out.", "jonas"}, ""},
	{"pos", "catalogue", "Partner", "products:read prices:read", "Prices at the till.", 124, "approved", "jonas", fate{}, ""},
	{"stockboard", "catalogue", "Open", "products:read stock:read", "Screens with stock, each five minutes.", 99, "granted", "", fate{}, ""},
	{"points", "customers", "Loyalty", "points:read points:write", "The engine behind four loyalty programmes.", 120, "approved", "mira", fate{}, ""},
	{"mailer", "customers", "Partner", "customers:read points:read", "Letters with the balance of points.", 48, "refused", "jonas", fate{}, "Say which fields you need, for how long you keep them, and who sends the mail."},
	{"mailer", "customers", "Partner", "customers:read points:read", "First name and mail address, deleted after each mailing; sent by our own servers in Dublin.", 3, "waiting", "", fate{}, ""},
	{"export", "catalogue", "Open", "products:read prices:read", "Price lists in three currencies.", 104, "granted", "", fate{}, ""},
	{"export", "orders", "Growth", "orders:read orders:write", "Buyers abroad order through us.", 40, "withdrawn", "", fate{}, ""},
	{"versand", "orders", "Growth", "orders:read returns:read returns:write", "Sendungsverfolgung und Rücksendungen im Kundenkonto.", 91, "approved", "jonas", fate{}, ""},
	{"kartei", "customers", "Partner", "customers:read", "Rückfragen am Telefon, nur Ansicht.", 78, "approved", "mira", fate{"ended", 12, 0, "Vertrag gekündigt zum Monatsende.", "mira"}, ""},
	{"freight", "orders", "Growth", "orders:read orders:write", "Freight for orders above a pallet.", 80, "approved", "jonas", fate{}, ""},
	{"plugin", "orders", "Start", "orders:read orders:write", "A beta with five shops.", 17, "granted", "", fate{}, ""},
	{"plugin", "catalogue", "Open", "products:read prices:read stock:read", "Product search in the plugin.", 17, "granted", "", fate{}, ""},
	{"plugin", "orders", "Growth", "orders:read orders:write returns:read returns:write", "The beta ends: 200 shops wait for the plugin.", 1, "waiting", "", fate{}, ""},
	{"alerts", "catalogue", "Open", "products:read prices:read", "Alerts for twelve friends.", 65, "granted", "", fate{}, ""},
	{"stamps", "customers", "Loyalty", "points:read points:write", "Stamps for coffee.", 35, "approved", "jonas", fate{}, ""},
	{"finder", "catalogue", "Open", "products:read stock:read", "Bestand je Laden auf einer Karte.", 12, "granted", "", fate{}, ""},
	{"finder", "customers", "Partner", "customers:read", "Adresse des Kunden, um den nächsten Laden zu zeigen.", 4, "waiting", "", fate{}, ""},
	{"rewards", "customers", "Loyalty", "customers:read points:read", "The app greets members by name.", 5, "waiting", "", fate{}, ""},
	{"backoffice", "payouts", "Settlement", "payouts:read", "Bookkeeping reads the settlement of the month.", 58, "approved", "mira", fate{}, ""},
	{"points", "payouts", "Settlement", "payouts:read", "Agreeing redemptions with our partners.", 52, "approved", "mira", fate{}, ""},
	{"status", "catalogue", "Open", "products:read", "Availability, once a minute.", 179, "granted", "", fate{}, ""},
	{"status", "orders", "Start", "orders:read", "Availability, once a minute.", 179, "granted", "", fate{}, ""},
}
