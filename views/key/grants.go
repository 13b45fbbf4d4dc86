package key

import "github.com/gatehouse-dev/gatehouse/views/components"

// ScopeGroup is the scopes of one API: resources that are read and written in a table, all others as single boxes.
type ScopeGroup struct {
	API     string
	Slug    string
	Domain  string
	Presets []Preset
	Sets    []PresetRow // those of its publisher
	Rows    []ResourceRow
	Singles []ScopeCell
	Hidden  bool // by the search, and nothing of it is ticked
}

// ResourceRow is one resource. Read or Write is nil when the access carries no such scope.
type ResourceRow struct {
	Name        string
	Read, Write *ScopeCell
	Hidden      bool
}

// words are what a search looks through.
func (r ResourceRow) words() string {
	all := r.Name
	for _, c := range []*ScopeCell{r.Read, r.Write} {
		if c != nil {
			all += " " + c.Scope + " " + c.Sentence
		}
	}
	return all
}

// ScopeCell is one box.
type ScopeCell struct {
	components.ScopeChoice
	Hidden bool
}

// Preset ticks a set of boxes at once. Grants are their values; a script ticks them without asking the server.
type Preset struct {
	Label  string
	Own    bool // Label holds what somebody typed
	Value  string
	Grants string // parted by spaces
	Slug   string // the API that it is about; empty for all
}

// PresetRow is a preset of an API's publisher. With no Grants it ticks nothing, and is only shown.
type PresetRow struct {
	Preset
	Purpose string
	Left    []string // what it leaves out, and why
}

// BoundsFields are the fields by which a key is bound.
type BoundsFields struct {
	Networks, Origins, Requests, Period, Metadata components.Field
}

// Ability says what a key can do.
type Ability struct {
	Title    string
	Problems []string // what stands in the way of making it
	Brief    string   // how many scopes are ticked
	Clash    string   // what is wrong with these together
	APIs     []AbilityAPI
	Lines    []string
	Refused  string // the sentence before Call
	Call     string
	Because  string
	Code     string
}

// AbilityAPI is what it may do at one API.
type AbilityAPI struct {
	Words  string // At Orders it may:
	Scopes []components.ScopeChoice
}

// BoundsPage is where a key is bound anew.
type BoundsPage struct {
	ConfirmPage
	Bounds BoundsFields
	Kept   bool // the fields hold what was sent before the password was asked for
}

// TakenRow is a scope that was taken away.
type TakenRow struct {
	API, Scope, Sentence string
	Taken                components.Moment
	Grant                string // to give it back; empty when that can't be
}
