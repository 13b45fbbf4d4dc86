package sample

// good is a product that Northwind sells.
type good struct {
	SKU, Name, Text string
	Price           string // net, in EUR
	Stock           map[string]int
}

// goods are in the order of their SKUs.
var goods = []good{
	{"NW-1001", "Harbour lamp", "Brass, for indoors and out. Dims with the daylight.", "49.00", map[string]int{"Oslo": 96, "Hamburg": 32}},
	{"NW-1002", "Harbour lamp, small", "The same light for a shelf or a bedside.", "34.00", map[string]int{"Oslo": 210, "Hamburg": 74}},
	{"NW-1014", "Kelp rug", "Wool, 140 by 200 cm, dyed in one piece.", "129.00", map[string]int{"Oslo": 12}},
	{"NW-1020", "Storm glass", "Shows tomorrow’s weather, or likes to think so.", "24.50", map[string]int{"Hamburg": 340}},
	{"NW-1033", "Deck chair", "Oiled ash and sailcloth. Folds flat.", "89.00", map[string]int{"Oslo": 41, "Hamburg": 58}},
	{"NW-1047", "Rope doormat", "Manila rope, tied by hand.", "39.90", map[string]int{"Oslo": 0, "Hamburg": 19}},
}

func find(sku string) (good, bool) {
	for _, g := range goods {
		if g.SKU == sku {
			return g, true
		}
	}
	return good{}, false
}

func (g good) total() int {
	n := 0
	for _, count := range g.Stock {
		n += count
	}
	return n
}
