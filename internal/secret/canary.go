package secret

import "encoding/hex"

// CanaryState says how a stored canary relates to the root secret.
type CanaryState int

// What CheckCanary answers.
const (
	CanaryForeign  CanaryState = iota // made by a root that we do not have: the start must be refused
	CanaryCurrent                     // made by the current root
	CanaryPrevious                    // made by a previous root: store the new Canary
)

// Canary returns the text that is stored in the database so that a later start
// with another secret is noticed before it does harm.
func (r *Root) Canary() string { return canary(r.Version(), r.Key(labelCanary)) }

// CheckCanary compares a stored canary with the roots that we have.
func (r *Root) CheckCanary(stored string) CanaryState {
	for i, key := range r.Keys(labelCanary) {
		if !Equal(stored, canary(r.Versions()[i], key)) {
			continue
		}
		if i == 0 {
			return CanaryCurrent
		}
		return CanaryPrevious
	}
	return CanaryForeign
}

func canary(version string, key []byte) string {
	mac := sign(key, []byte("gatehouse canary"))
	return version + "." + hex.EncodeToString(mac[:])
}
