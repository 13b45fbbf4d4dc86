package privacy

import (
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Person is whose rows are meant.
type Person struct {
	ID     db.ID
	Email  string
	Former []string // addresses that were theirs, and are nobody's by now
	Org    db.ID    // their personal organization; zero: none
}

// query fills in what conditions of the table of tables leave open, and returns the named arguments that the text takes then.
func (p Person) query(text string) (string, map[string]any) {
	a := actor.Actor{Kind: actor.User, UserID: p.ID}
	args := map[string]any{"user": p.ID, "email": p.Email, "emails": append([]string{p.Email}, p.Former...), "org": p.Org, "zero": db.ID{}}
	members, arg := a.Members()
	hidden, rest := a.Hidden()
	text = strings.ReplaceAll(text, "{members}", name(args, "members", members, []any{arg}))
	text = strings.ReplaceAll(text, "{hidden}", name(args, "hidden", hidden, rest))
	return text, args
}

// name makes arguments by place to ones by name, and puts their values into args.
func name(args map[string]any, prefix, text string, values []any) string {
	for i, v := range values {
		n := prefix + strconv.Itoa(i)
		args[n] = v
		text = strings.Replace(text, "?", "@"+n, 1)
	}
	return text
}
