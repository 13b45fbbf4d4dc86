package rig

import (
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// Demo is a running gatehouse that serves the demo company.
type Demo struct{ *Process }

// Who is somebody of the demo. A visitor has no address: they don't sign in.
type Who struct{ Role, Email, Password string }

// demoPeople stand for the roles. The auditor reads German.
var demoPeople = []Who{
	{Role: "visitor"},
	{Role: "developer", Email: "dev@kestrel.example"},
	{Role: "owner", Email: "helen@kestrel.example"},
	{Role: "viewer", Email: "claire@kestrel.example"},
	{Role: "support", Email: "sofia@northwind.example"},
	{Role: "auditor", Email: "ingrid@northwind.example"},
	{Role: "admin", Email: "mira@northwind.example"},
}

// StartDemo fills a fresh database in dir, which takes a while, and serves it.
func StartDemo(dir string) (*Demo, error) {
	p, err := Start(Options{Arguments: []string{"demo"}, Env: map[string]string{"GATEHOUSE_DATA_DIR": dir}, Patience: 5 * time.Minute})
	return &Demo{p}, err
}

// DemoRoles are a visitor and who stands for the named roles; all there are when none is named.
func DemoRoles(names ...string) []Who {
	var all []Who
	for _, who := range demoPeople {
		if who.Email != "" {
			who.Password = demo.Password
		}
		if len(names) == 0 || who.Role == "visitor" || slices.Contains(names, who.Role) {
			all = append(all, who)
		}
	}
	return all
}
