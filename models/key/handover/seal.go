package handover

import (
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A link's token is 256 random bits and is kept nowhere. From it come, by HKDF-SHA-256 under labels of their own, the digest by which the link is
// found and the key under which the text is sealed (XChaCha20-Poly1305, bound to the row): the database alone opens nothing (K1), nor does it with the
// installation's root secret.
const (
	tokenBytes  = 32
	tokenLength = 43 // of its base64url
	labelDigest = "hand-over link"
	labelSeal   = "hand-over sealing"
)

// newToken makes a token and what is derived from it.
func newToken() (string, *secret.Root) {
	for {
		token := secret.Token(tokenBytes)
		if root, err := secret.Parse(token, ""); err == nil { // else it looks like no random text, once in very many
			return token, root
		}
	}
}

// rootOf derives from a token that somebody sent; false for what can't be one.
func rootOf(token string) (*secret.Root, bool) {
	if len(token) != tokenLength {
		return nil, false
	}
	root, err := secret.Parse(token, "")
	return root, err == nil
}

func digestOf(root *secret.Root) []byte { return root.Key(labelDigest) }

func seal(root *secret.Root, id db.ID, text apikey.Secret) string {
	return root.Sealer(labelSeal).Seal([]byte(text.Reveal()), id.String())
}

func unseal(root *secret.Root, id db.ID, sealed string) (secret.Text, error) {
	plain, err := root.Sealer(labelSeal).Open(sealed, id.String())
	return secret.NewText(string(plain)), err
}
