package demo

// Password is that of everybody in the demo. It is no secret: it stands in this file, so a demo answers on the loopback address only.
const Password = "harbour lights at seven"

// person is somebody of the demo. The handle is the address before the @, and how the other tables name them.
type person struct {
	handle, name, domain string
	language, zone       string
	staff                string // staff role
	joined               int    // days ago
	idle                 int    // days since the last sign-in
}

const (
	northwind = "northwind.example"
	kestrel   = "kestrel.example"
	fjordline = "fjordline.example"
	morgenrot = "morgenrot.example"
	tindra    = "tindra.example"
	oakfield  = "oakfield.example"
	sakura    = "sakura.example"
	lumen     = "lumen.example"
	pampa     = "pampa.example"
	alpen     = "alpenblick.example"
	harbour   = "harbourview.example"
	quill     = "quillworks.example"
	alone     = "mail.example" // freelancers, who have nothing but their personal organization
)

// people are everybody, in the order in which they came. The first one sets the portal up.
var people = []person{
	{"mira", "Mira Halvorsen", northwind, "en", "Europe/Oslo", "admin", 200, 0},
	{"jonas", "Jonas Weber", northwind, "de", "Europe/Berlin", "admin", 199, 2},
	{"sofia", "Sofia Lindqvist", northwind, "en", "Europe/Stockholm", "support", 198, 0},
	{"tomas", "Tomás Herrera", northwind, "en", "Europe/Madrid", "support", 150, 1},
	{"ingrid", "Ingrid Bauer", northwind, "de", "Europe/Vienna", "auditor", 197, 4},
	{"priya", "Priya Raman", northwind, "en", "Asia/Kolkata", "", 196, 1},

	{"helen", "Helen Ashworth", kestrel, "en", "Europe/London", "", 180, 0},
	{"dev", "Dev Patel", kestrel, "en", "Europe/London", "", 179, 0},
	{"marta", "Marta Nowak", kestrel, "en", "Europe/Warsaw", "", 140, 3},
	{"owen", "Owen Price", kestrel, "en", "Europe/London", "", 90, 1},
	{"claire", "Claire Dubois", kestrel, "en", "Europe/Paris", "", 60, 9},

	{"lars", "Lars Eide", fjordline, "en", "Europe/Oslo", "", 175, 1},
	{"silje", "Silje Aas", fjordline, "en", "Europe/Oslo", "", 170, 2},
	{"henrik", "Henrik Moe", fjordline, "en", "Europe/Oslo", "", 75, 5},

	{"katrin", "Katrin Voss", morgenrot, "de", "Europe/Berlin", "", 165, 1},
	{"uwe", "Uwe Jansen", morgenrot, "de", "Europe/Berlin", "", 160, 12},
	{"lena", "Lena Hoffmann", morgenrot, "de", "Europe/Berlin", "", 44, 3},

	{"astrid", "Astrid Nyberg", tindra, "en", "Europe/Stockholm", "", 155, 0},
	{"nils", "Nils Ek", tindra, "en", "Europe/Stockholm", "", 120, 2},
	{"fatima", "Fatima Zahra", tindra, "en", "Africa/Casablanca", "", 58, 6},

	{"grace", "Grace Miller", oakfield, "en", "America/Chicago", "", 150, 1},
	{"marcus", "Marcus Reed", oakfield, "en", "America/Chicago", "", 149, 1},
	{"tanya", "Tanya Brooks", oakfield, "en", "America/Denver", "", 30, 4},

	{"haruka", "Haruka Sato", sakura, "en", "Asia/Tokyo", "", 130, 1},
	{"kenji", "Kenji Mori", sakura, "en", "Asia/Tokyo", "", 128, 2},

	{"aoife", "Aoife Byrne", lumen, "en", "Europe/Dublin", "", 125, 0},
	{"sean", "Seán Kelly", lumen, "en", "Europe/Dublin", "", 124, 7},
	{"ruth", "Ruth Okafor", lumen, "en", "Africa/Lagos", "", 25, 2},

	{"lucia", "Lucía Fernández", pampa, "en", "America/Argentina/Buenos_Aires", "", 110, 3},
	{"bruno", "Bruno Costa", pampa, "en", "America/Sao_Paulo", "", 80, 2},

	{"elisabeth", "Elisabeth Gruber", alpen, "de", "Europe/Vienna", "", 95, 1},
	{"matthias", "Matthias Pichler", alpen, "de", "Europe/Vienna", "", 93, 2},

	{"noah", "Noah Campbell", harbour, "en", "Australia/Sydney", "", 85, 16},
	{"isla", "Isla Thompson", harbour, "en", "Australia/Sydney", "", 84, 15},

	{"emily", "Emily Tremblay", quill, "en", "America/Toronto", "", 20, 0},
	{"raj", "Raj Singh", quill, "en", "America/Toronto", "", 19, 1},

	{"mateo", "Mateo Silva", alone, "en", "Europe/Lisbon", "", 70, 3},
	{"yuki", "Yuki Tanaka", alone, "en", "Asia/Tokyo", "", 40, 11},
	{"anna", "Anna Schulz", alone, "de", "Europe/Zurich", "", 15, 2},
	{"vera", "Vera Petrova", alone, "en", "Europe/Sofia", "", 3, 3},
}

// company is an organization of the demo. Its owner makes it; the others are its members with the role before the colon.
type company struct {
	handle, name, technical, owner string
	made                           int // days ago
	members                        []member
}

type member struct{ handle, role string }

// companies are all but Northwind, which set-up makes.
var companies = []company{
	{"kestrel", "Kestrel Commerce", "helen@kestrel.example", "helen", 180, []member{{"dev", "admin"}, {"marta", "developer"}, {"owen", "developer"}, {"claire", "viewer"}}},
	{"fjordline", "Fjordline Shipping", "", "lars", 175, []member{{"silje", "admin"}, {"henrik", "developer"}}},
	{"morgenrot", "Bäckerei Morgenrot", "katrin@morgenrot.example", "katrin", 165, []member{{"uwe", "admin"}, {"lena", "developer"}}},
	{"tindra", "Tindra Analytics", "", "astrid", 155, []member{{"nils", "developer"}, {"fatima", "viewer"}}},
	{"oakfield", "Oakfield Grocers", "grace@oakfield.example", "grace", 150, []member{{"marcus", "admin"}, {"tanya", "developer"}}},
	{"sakura", "Sakura Retail Systems", "", "haruka", 130, []member{{"kenji", "developer"}}},
	{"lumen", "Lumen Loyalty", "aoife@lumen.example", "aoife", 125, []member{{"sean", "admin"}, {"ruth", "developer"}}},
	{"pampa", "Pampa Foods", "", "lucia", 110, []member{{"bruno", "developer"}}},
	{"alpenblick", "Alpenblick Versand", "", "elisabeth", 95, []member{{"matthias", "admin"}}},
	{"harbourview", "Harbourview Logistics", "", "noah", 85, []member{{"isla", "admin"}}},
	{"quillworks", "Quillworks", "", "emily", 20, []member{{"raj", "developer"}}},
}

// SignIn is somebody whom to try the demo as.
type SignIn struct{ Email, Name, Role string }

// SignIns are one of each role; all have Password.
var SignIns = []SignIn{
	{"mira@northwind.example", "Mira Halvorsen", "staff: admin"},
	{"sofia@northwind.example", "Sofia Lindqvist", "staff: support"},
	{"ingrid@northwind.example", "Ingrid Bauer", "staff: auditor, in German"},
	{"helen@kestrel.example", "Helen Ashworth", "owner of Kestrel Commerce"},
	{"owen@kestrel.example", "Owen Price", "developer at Kestrel Commerce"},
	{"claire@kestrel.example", "Claire Dubois", "viewer at Kestrel Commerce"},
}
