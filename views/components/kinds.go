package components

// Kind is how a button looks: one Primary a page; Danger only at the moment of decision.
type Kind string

// The kinds of button.
const (
	Plain   Kind = ""
	Primary Kind = "primary"
	Danger  Kind = "danger"
	Quiet   Kind = "quiet"
)

// Tone colours a status or a note; the words beside it say the same.
type Tone string

// The tones. Info is for notes, Off for a status that is over.
const (
	Info Tone = ""
	OK   Tone = "ok"
	Warn Tone = "warn"
	Bad  Tone = "bad"
	Off  Tone = "off"
)

func classes(first, more string) string {
	if more == "" {
		return first
	}
	return first + " " + more
}
