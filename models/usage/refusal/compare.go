package refusal

import (
	"bytes"
	"cmp"
)

func (m missed) compare(o missed) int {
	return cmp.Or(cmp.Compare(m.minute, o.minute), bytes.Compare(m.App[:], o.App[:]), bytes.Compare(m.API[:], o.API[:]), cmp.Compare(m.Code, o.Code),
		bytes.Compare(m.Org[:], o.Org[:]), bytes.Compare(m.Publisher[:], o.Publisher[:]))
}
