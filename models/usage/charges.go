package usage

import (
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// chargesOf are what a batch charged to quotas: of the same calls that it counts, so that the one is stored if and only if the other is.
func chargesOf(b keyring.Batch) []keyring.Charge {
	charges := make([]keyring.Charge, 0, len(b.Costs))
	for of, cost := range b.Costs {
		charges = append(charges, keyring.Charge{Key: of.Key, Day: of.Day, Cost: cost})
	}
	return charges
}
