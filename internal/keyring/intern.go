package keyring

import (
	"hash/maphash"
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
	scopes   map[string][]string
	networks map[string]Networks
	origins  map[string]Origins
	reaches  map[uint64]*Reach // by hash: what differs with the same hash is not shared
	seed     maphash.Seed
}

func newInterner() interner {
	return interner{
		texts: map[string]string{}, orgs: map[ID]*Org{}, apps: map[ID]*App{}, accesses: map[ID]*Access{},
		scopes: map[string][]string{}, networks: map[string]Networks{}, origins: map[string]Origins{}, reaches: map[uint64]*Reach{}, seed: maphash.MakeSeed(),
	}
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
	if f.Extra != nil && len(f.Extra.Networks)+len(f.Extra.Origins) > 0 {
		extra := *f.Extra
		extra.Networks, extra.Origins = p.networkList(extra.Networks), p.originList(extra.Origins)
		kept.Extra = &extra
	}
	return &kept
}

// networkList shares whole lists: the keys of one program are bound alike.
func (p *interner) networkList(list Networks) Networks {
	if len(list) == 0 {
		return nil
	}
	name := make([]byte, 0, 18*len(list))
	for _, n := range list {
		name, _ = n.AppendBinary(name) // never fails
		name = append(name, 0xff)
	}
	if kept, ok := p.networks[string(name)]; ok && slices.Equal(kept, list) {
		return kept
	}
	kept := slices.Clone(list)
	if len(p.networks) < maxTexts {
		p.networks[string(name)] = kept
	}
	return kept
}

func (p *interner) originList(list Origins) Origins {
	if len(list) == 0 {
		return nil
	}
	name := strings.Join(list, "\x00")
	if kept, ok := p.origins[name]; ok && slices.Equal(kept, list) {
		return kept
	}
	kept := make(Origins, len(list))
	for i, origin := range list {
		kept[i] = p.text(origin)
	}
	if len(p.origins) < maxTexts {
		p.origins[name] = kept
	}
	return kept
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
	var hash maphash.Hash
	hash.SetSeed(p.seed)
	want := Reach{Domain: p.text(r.Domain), Grants: make([]Grant, len(r.Grants))}
	for i, g := range r.Grants {
		want.Grants[i] = Grant{Access: p.access(g.Access), Scopes: p.scopeSet(g.Scopes)}
		_, _ = hash.Write(g.Access.ID[:])
		for _, scope := range g.Scopes {
			_, _ = hash.WriteString(scope)
			_ = hash.WriteByte(0)
		}
	}
	sum := hash.Sum64()
	if kept := p.reaches[sum]; kept != nil && kept.equal(&want) {
		return kept
	}
	p.reaches[sum] = &want
	return &want
}

// scopeSet shares whole lists of scopes: there are few.
func (p *interner) scopeSet(scopes []string) []string {
	name := strings.Join(scopes, "\x00")
	if kept, ok := p.scopes[name]; ok && slices.Equal(kept, scopes) {
		return kept
	}
	kept := make([]string, len(scopes))
	for i, scope := range scopes {
		kept[i] = p.text(scope)
	}
	if len(p.scopes) < maxTexts {
		p.scopes[name] = kept
	}
	return kept
}

// equal compares reaches whose accesses are shared already.
func (r *Reach) equal(other *Reach) bool {
	return r.Domain == other.Domain && slices.EqualFunc(r.Grants, other.Grants, func(x, y Grant) bool {
		return x.Access == y.Access && slices.Equal(x.Scopes, y.Scopes)
	})
}
