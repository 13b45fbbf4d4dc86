package components

import (
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// FormTokenField is the name of the hidden field that carries a form's single-use token.
const FormTokenField = "form_token"

// Field is one question of a form. Label is required; the rest says what kind of answer is wanted.
// An Error stands beside the field and is read out with it; the input is kept in Value.
type Field struct {
	Name         string
	ID           string // default: FieldID(Name); set it when two forms of a page share a name
	Label        string
	Type         string // of Input: text (default), email, password, date, number, search, url, tel
	Value        string
	Hint         string
	Error        string
	Autocomplete string // WHATWG token: "email", "current-password", "new-password", "one-time-code", "name", "off"
	InputMode    string // "numeric" for codes
	Placeholder  string
	Required     bool
	Optional     bool // says "(optional)" beside the label
	ReadOnly     bool
	Disabled     bool
	Autofocus    bool
	Checked      bool // of Checkbox
	Code         bool // monospace, no spell check: keys, JSON, addresses of networks
	Min          string
	Max          string
	Step         string
	MaxLength    int
	Rows         int // of TextArea, default 5
	Options      []Option
	Attrs        templ.Attributes
}

// Option is one answer of a Select, of Radios or of Checkboxes.
type Option struct {
	Value    string
	Label    string
	Hint     string // of Radios and Checkboxes
	Group    string // of Select: options with the same Group that follow each other are grouped
	Selected bool
	Disabled bool
	Data     bool   // Label is what somebody typed, or a technical word: not for translating
	HintData bool   // as Data, of Hint
	Note     string // of Radios and Checkboxes: more in words, below Hint
}

// Problem is one line of an ErrorSummary; Field is the field's name (or an id beginning with "#", or the path of a page).
type Problem struct {
	Field   string
	Message string
}

// Beside leaves out those problems that stand beside one of the fields and nothing else: of a form with one question, a summary would say the same twice.
func Beside(problems []Problem, fields ...string) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return slices.Contains(fields, p.Field) })
}

// FormSpec is a form. Token, when set, goes along as FormTokenField. A GET form has no token.
type FormSpec struct {
	Action string
	Method string // default post
	ID     string
	Token  string
	Hidden []Hidden
	Class  string // "inline" sets a single button; default stacks the fields
	Label  string // aria-label, for forms with no heading
}

// Hidden is a value that goes along unseen.
type Hidden struct{ Name, Value string }

// FieldID is the id of the input of a field with this name.
func FieldID(name string) string {
	return "f-" + strings.NewReplacer("[", "-", "]", "", ".", "-", ":", "-", "/", "-").Replace(name)
}

func (f Field) id() string {
	if f.ID != "" {
		return f.ID
	}
	return FieldID(f.Name)
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) rows() int {
	if f.Rows == 0 {
		return 5
	}
	return f.Rows
}

func (f Field) class() string {
	if f.Code {
		return "input mono"
	}
	return "input"
}

// described lists the ids of the hint and the error, for aria-describedby.
func (f Field) described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.id()+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.id()+"-error")
	}
	return strings.Join(ids, " ")
}

func (f Field) attributes() templ.Attributes {
	all := templ.Attributes{}
	set := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	flag := func(name string, on bool) {
		if on {
			all[name] = true
		}
	}
	set("aria-describedby", f.described())
	set("autocomplete", f.Autocomplete)
	set("inputmode", f.InputMode)
	set("placeholder", f.Placeholder)
	set("min", f.Min)
	set("max", f.Max)
	set("step", f.Step)
	if f.MaxLength > 0 {
		all["maxlength"] = itoa(f.MaxLength)
	}
	if f.Error != "" {
		all["aria-invalid"] = "true"
	}
	if f.Code {
		all["spellcheck"] = "false"
		all["autocapitalize"] = "off"
	}
	flag("required", f.Required)
	flag("readonly", f.ReadOnly)
	flag("disabled", f.Disabled)
	flag("autofocus", f.Autofocus)
	for name, value := range f.Attrs {
		all[name] = value
	}
	return all
}

// optionGroups cuts options into runs of the same Group.
func optionGroups(options []Option) [][]Option {
	var groups [][]Option
	for i, o := range options {
		if i == 0 || o.Group != options[i-1].Group {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], o)
	}
	return groups
}

func problemHref(field string) string {
	if strings.HasPrefix(field, "#") || strings.HasPrefix(field, "/") {
		return field
	}
	return "#" + FieldID(field)
}
