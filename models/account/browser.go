package account

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// KnownAge is for how long a browser stays known after the last good sign-in there.
const KnownAge = 365 * 24 * time.Hour

// Browser is what signs in: how it names itself, and the value of its cookie that KnownBrowser made, if it has one.
type Browser struct {
	Agent string
	Known string
}

// KnownBrowser is the value of a cookie for a browser where the user has just proved who they are: by the password, or by a mailed link. There,
// guesses from elsewhere can't lock the user out (A7). It ends with the password: whoever knew an old one gets no more guesses than a
// stranger. Faults: NotFound.
func (s *Store) KnownBrowser(ctx context.Context, userID db.ID) (string, error) {
	u, err := s.ByID(ctx, userID)
	if err != nil {
		return "", err
	}
	id := secret.Token(16)
	mac := s.signer.Sign(knownText(u, id))
	return id + "." + base64.RawURLEncoding.EncodeToString(mac[:]), nil
}

// knownBucket is the counter of a browser that is known for u; "" when it is not.
func (s *Store) knownBucket(u User, known string) string {
	id, sum, found := strings.Cut(known, ".")
	if !found || u.ID.IsZero() || len(known) > 200 {
		return ""
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if err != nil || !s.signer.Verify(knownText(u, id), mac) {
		return ""
	}
	return "signin:known:" + u.ID.String() + ":" + id
}

func knownText(u User, id string) []byte {
	password := int64(0)
	if u.PasswordChangedAt != nil {
		password = u.PasswordChangedAt.UnixMicro()
	}
	return []byte("known browser\x00" + u.ID.String() + "\x00" + id + "\x00" + strconv.FormatInt(password, 10))
}
