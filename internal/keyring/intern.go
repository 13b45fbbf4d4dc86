package keyring

import (
	"encoding/binary"
	"slices"
	"strings"
)

// interner lets keys share what is equal: apps, organizations, accesses, reaches
// and names. It compares whole values, so sharing never mixes what differs: after
// a change, keys loaded before and after it just don't share.
type interner struct {
	texts    map[string]string
	orgs     map[ID]*Org
	apps     map[ID]*App
	accesses map[ID]*Access
	reaches  map[string]*Reach
	buffer   []byte
}

func newInterner() interner {
	return interner{texts: map[string]string{}, orgs: map[ID]*Org{}, apps: map[ID]*App{}, accesses: map[ID]*Access{}, reaches: map[string]*Reach{}}
}

// maxTexts bounds the names that are shared; most names are rare.
const maxTexts = 4096

// trim forgets what is shared once it may hold more than live keys need. Keys
// hold on to what they use; later loads find new company.
func (p *interner) trim(live int) {
	if most := 2*live + 1024; len(p.apps) > most || len(p.orgs) > most || len(p.accesses) > 4*most || len(p.reaches) > most {
		*p = newInterner()
	}
}

func (p *interner) text(s string) string {
	if kept, ok := p.texts[s]; ok {
		return kept
	}
	s = strings.Clone(s) // it may be a part of something larger
	if len(p.texts) < maxTexts {
		p.texts[s] = s
	}
	return s
}

// intern returns facts equal to f whose parts are shared. F is not kept.
func (p *interner) intern(f *Facts) *Facts {
	kept := *f
	kept.Name = p.text(f.Name)
	kept.App = p.app(f.App)
	if f.Reach != nil {
		kept.Reach = p.reach(f.Reach)
	}
	return &kept
}

func (p *interner) app(a *App) *App {
	want := *a
	want.Org = p.org(a.Org)
	if kept := p.apps[a.ID]; kept != nil && *kept == want {
		return kept
	}
	want.Name = p.text(a.Name)
	p.apps[a.ID] = &want
	return &want
}

func (p *interner) org(o *Org) *Org {
	if kept := p.orgs[o.ID]; kept != nil && *kept == *o {
		return kept
	}
	want := *o
	want.Name = p.text(o.Name)
	p.orgs[o.ID] = &want
	return &want
}

func (p *interner) access(a *Access) *Access {
	if kept := p.accesses[a.ID]; kept != nil && *kept == *a {
		return kept
	}
	want := *a
	p.accesses[a.ID] = &want
	return &want
}

func (p *interner) reach(r *Reach) *Reach {
	grants := make([]Grant, len(r.Grants))
	p.buffer = appendText(p.buffer[:0], r.Domain)
	for i, g := range r.Grants {
		grants[i].Access = p.access(g.Access)
		p.buffer = append(p.buffer, g.Access.ID[:]...)
		p.buffer = binary.AppendUvarint(p.buffer, uint64(len(g.Scopes)))
		for _, scope := range g.Scopes {
			p.buffer = appendText(p.buffer, scope)
		}
	}
	if kept := p.reaches[string(p.buffer)]; kept != nil && sameAccesses(kept.Grants, grants) {
		return kept
	}
	for i, g := range r.Grants {
		grants[i].Scopes = make([]string, len(g.Scopes))
		for j, scope := range g.Scopes {
			grants[i].Scopes[j] = p.text(scope)
		}
	}
	kept := &Reach{Domain: p.text(r.Domain), Grants: grants}
	p.reaches[string(p.buffer)] = kept
	return kept
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

func sameAccesses(a, b []Grant) bool {
	return slices.EqualFunc(a, b, func(x, y Grant) bool { return x.Access == y.Access })
}
