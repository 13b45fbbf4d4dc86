package privacy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Write writes a ZIP of what the database holds about the person, as the table of tables says: a file of JSON for each table that has something, what they wrote in the
// forum as Markdown, and a page of Markdown that says what is what, in the language of ctx. It reads a row at a time. Nothing in it is of others, and no secret is.
func Write(ctx context.Context, d *db.DB, p Person, w io.Writer) error {
	z := zip.NewWriter(w)
	index := &index{made: d.Now()}
	for _, t := range Tables() {
		if t.Of == "" || t.Shown == "" && len(t.With) == 0 {
			continue
		}
		rows, err := writeTable(ctx, d, p, t, z)
		if err != nil {
			return fmt.Errorf("download of %s: %w", t.Name, err)
		}
		index.add(t, rows)
	}
	posts, err := writePosts(ctx, d, p, z)
	if err != nil {
		return fmt.Errorf("download of posts: %w", err)
	}
	f, err := create(z, "README.md", d.Now())
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, index.page(ctx, posts)); err != nil {
		return err
	}
	return z.Close()
}

// create begins a file of the ZIP that was made now: without a time it would have a date that is none.
func create(z *zip.Writer, name string, now time.Time) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: now})
}

// writeTable writes the rows of one table and returns how many they were; without any there is no file.
func writeTable(ctx context.Context, d *db.DB, p Person, t Table, z *zip.Writer) (n int, err error) {
	query, args := p.query("SELECT " + strings.Join(append(strings.Fields(t.Shown), t.With...), ", ") + " FROM " + t.Name + " WHERE " + t.Of)
	var file io.Writer
	err = each(ctx, d, query, args, func(row map[string]any) error {
		begin := ",\n"
		if file == nil {
			if file, err = create(z, "json/"+t.Name+".json", d.Now()); err != nil {
				return err
			}
			begin = "[\n"
		}
		var b bytes.Buffer
		b.WriteString(begin)
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		if err := out.Encode(row); err != nil {
			return err
		}
		n++
		_, err := file.Write(bytes.TrimRight(b.Bytes(), "\n"))
		return err
	})
	if err == nil && file != nil {
		_, err = io.WriteString(file, "\n]\n")
	}
	return n, err
}

// writePosts writes each question, answer and comment of the person as a file of its own. The title stands above their own questions alone: those of others are theirs.
func writePosts(ctx context.Context, d *db.DB, p Person, z *zip.Writer) (n int, err error) {
	query, args := p.query("SELECT p.id, p.kind, p.body, p.created_at, CASE WHEN q.asker_id = @user THEN q.title ELSE '' END AS title FROM posts p JOIN questions q ON q.id = p.question_id WHERE p.author_id = @user AND p.body <> '' ORDER BY p.id")
	err = each(ctx, d, query, args, func(row map[string]any) error {
		f, err := create(z, fmt.Sprintf("posts/%.10s-%s-%s.md", row["created_at"], row["kind"], row["id"]), d.Now())
		if err != nil {
			return err
		}
		n++
		head := ""
		if title := fmt.Sprint(row["title"]); title != "" {
			head = "# " + title + "\n\n"
		}
		_, err = io.WriteString(f, head+fmt.Sprint(row["body"])+"\n")
		return err
	})
	return n, err
}

// each reads rows one at a time.
func each(ctx context.Context, d *db.DB, query string, args map[string]any, fn func(row map[string]any) error) error {
	g := d.Read(ctx)
	rows, err := g.Raw(query, args).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row := map[string]any{}
		if err := g.ScanRows(rows, &row); err != nil {
			return err
		}
		for name, v := range row {
			row[name] = readable(name, v)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readable is a value as both databases have it in the file. Of SQLite a time that is computed comes as its number.
func readable(name string, v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case int64:
		if name == "at" {
			return time.UnixMicro(v).UTC().Format(time.RFC3339)
		}
	case []byte:
		return string(v)
	case [16]byte:
		return db.ID(v).String()
	}
	return v
}

// index is the page of a download that says what is what.
type index struct {
	made  time.Time
	lines []string
}

func (i *index) add(t Table, rows int) {
	if rows > 0 {
		i.lines = append(i.lines, fmt.Sprintf("| `json/%s.json` | %d |", t.Name, rows))
	}
}

func (i *index) page(ctx context.Context, posts int) string {
	var b strings.Builder
	b.WriteString("# " + text.T(ctx, "Everything about you") + "\n\n")
	b.WriteString(text.T(ctx, "Made on %s. This is what this portal holds about you, and nothing of other people.", text.DateTime(ctx, i.made)) + "\n\n")
	b.WriteString(text.T(ctx, "Each file of JSON is a list of rows. Times are in UTC. Texts of keys, passwords and codes are not in here: the portal does not know them.") + "\n\n")
	if posts > 0 {
		b.WriteString(text.T(ctx, "What you wrote in the forum is in the folder %s, a file of Markdown for each post: %d in all.", "`posts`", posts) + "\n\n")
	}
	b.WriteString("| " + text.T(ctx, "File") + " | " + text.T(ctx, "Rows") + " |\n| --- | ---: |\n" + strings.Join(i.lines, "\n") + "\n\n")
	b.WriteString(text.T(ctx, "What is kept for how long, and why, is on the portal’s page %s.", "`/privacy/records`") + "\n")
	return b.String()
}
