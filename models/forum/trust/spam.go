package trust

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

var (
	hrefForm  = regexp.MustCompile(`href="([^"]*)"`)
	plainLink = regexp.MustCompile(`(?i)(?:https?:[/\\]|www\.)[^\s<>"')\]]+`)
)

// reserved are the hosts of documentation and of one's own machine (RFC 2606, RFC 6761): a link there leads nobody anywhere.
var reserved = []string{"example.com", "example.org", "example.net", "example", "test", "invalid", "localhost", "127.0.0.1", "[::1]"}

// offsite lists the links to other hosts in a post, each once. What stands in code is no link. The title is no Markdown: it must not decide how the
// body is read. A body that can't be rendered is searched as it is.
func offsite(title, body, own string) []string {
	if at := strings.Index(own, "://"); at >= 0 {
		if u, err := url.Parse(own); err == nil {
			own = u.Host
		}
	}
	found := plainLink.FindAllString(title, -1)
	if d, err := markdown.Render(body, markdown.Options{MaxBytes: 1 << 17}); err == nil {
		for _, m := range hrefForm.FindAllStringSubmatch(d.HTML(), -1) {
			found = append(found, html.UnescapeString(m[1]))
		}
	} else {
		found = append(found, plainLink.FindAllString(body, -1)...)
	}
	var out []string
	for _, link := range found {
		if link = strings.ToLower(link); leadsAway(link, own) && !slices.Contains(out, link) {
			out = append(out, link)
		}
	}
	return out
}

func leadsAway(link, own string) bool {
	if strings.HasPrefix(link, "www.") {
		link = "http://" + link
	}
	u, err := url.Parse(link)
	if err != nil {
		return true
	}
	if u.Hostname() == "" { // a relative one stays; mailto: leads away, and so does http:evil.example, in which a browser finds the host
		return u.Scheme != ""
	}
	if strings.EqualFold(u.Host, own) {
		return false
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	return !slices.ContainsFunc(reserved, func(r string) bool { return host == strings.Trim(r, "[]") || strings.HasSuffix(host, "."+r) })
}

// added are the links of after that are not among those before.
func added(before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(after), func(l string) bool { return slices.Contains(before, l) })
}

const (
	shingle    = 4    // words
	fewWords   = 12   // a text of fewer is like many another
	sameEnough = 0.75 // of the shingles of both
	lookBack   = 24 * time.Hour
	lookAt     = 20 // own posts
)

func recentBodies(tx *db.Tx, userID db.ID, p Post) ([]string, error) {
	if p.Edit {
		return nil, nil
	}
	var out []string
	err := tx.Raw("SELECT body FROM posts WHERE author_id = ? AND created_at > ? AND deleted_at IS NULL ORDER BY created_at DESC LIMIT ?", userID, tx.Now.Add(-lookBack), lookAt).Scan(&out).Error
	return out, err
}

// repeats reports whether a text says nearly the same as one of others: by the share of four words in a row that they have in common.
func repeats(body string, others []string) bool {
	mine := shingles(body)
	if mine == nil {
		return false
	}
	for _, o := range others {
		theirs := shingles(o)
		common := 0
		for s := range mine {
			if theirs[s] {
				common++
			}
		}
		if union := len(mine) + len(theirs) - common; theirs != nil && float64(common) >= sameEnough*float64(union) {
			return true
		}
	}
	return false
}

// shingles are the runs of words in a text; nil for a short one.
func shingles(body string) map[string]bool {
	words := strings.FieldsFunc(strings.ToLower(body), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) < fewWords {
		return nil
	}
	out := make(map[string]bool, len(words))
	for i := 0; i+shingle <= len(words); i++ {
		out[strings.Join(words[i:i+shingle], " ")] = true
	}
	return out
}
