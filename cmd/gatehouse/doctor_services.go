package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/smtp"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/move"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

// checkDatabase opens the database, unless it would have to be made first, and looks at how it stands.
func (d *doctor) checkDatabase(ctx context.Context) {
	if path := d.settings.Database.SQLitePath; path != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			d.warn("database", "there is none at "+absolute(path)+" yet", "The first start makes it; if there was one already, mend GATEHOUSE_DATA_DIR or GATEHOUSE_DATABASE_URL"+demoHint(d.settings))
			return
		}
	}
	opened, err := db.Open(ctx, db.Options{URL: databaseURL(d.settings)})
	if err != nil {
		d.fail("database", err.Error(), "Start it, and mend GATEHOUSE_DATABASE_URL if it names another")
		return
	}
	h, err := opened.Health(ctx)
	if err != nil {
		d.fail("database", err.Error(), "Look at its own log")
		_ = opened.Close()
		return
	}
	d.db = opened
	d.findings = append(d.findings, judgeVersion(opened.Dialect, h), d.judgeWritable(ctx, h), judgeSchema(h))
	if opened.Dialect == db.SQLite {
		d.add(judgeWAL(h))
	} else {
		d.add(judgeConnections(h))
	}
}

// Major versions of PostgreSQL: the oldest with which the tests pass in our hands, and the oldest that its makers still mend.
const (
	oldestPostgres = 13
	mendedPostgres = 14
)

func judgeVersion(dialect db.Dialect, h db.Health) finding {
	if dialect == db.SQLite {
		return finding{"database", stateOK, "SQLite " + h.Version + " answers", ""}
	}
	says := "PostgreSQL " + h.Version + " answers"
	switch {
	case h.Major < oldestPostgres:
		return finding{"database", stateFail, says, fmt.Sprintf("Move to PostgreSQL %d or newer", mendedPostgres)}
	case h.Major < mendedPostgres:
		return finding{"database", stateWarn, says + ", which its makers no longer mend", fmt.Sprintf("Move to PostgreSQL %d or newer", mendedPostgres)}
	}
	return finding{"database", stateOK, says, ""}
}

func (d *doctor) judgeWritable(ctx context.Context, h db.Health) finding {
	if gone, moved, err := move.Departed(ctx, d.db); err == nil && moved {
		return finding{"writable", stateFail, "this database was moved to " + gone.To + " on " + gone.At.Format(time.DateOnly), "Set GATEHOUSE_DATABASE_URL to where it is now"}
	}
	if h.ReadOnly {
		return finding{"writable", stateFail, "the database takes no changes: it follows another, or is read only by default", "Name the one that leads in GATEHOUSE_DATABASE_URL"}
	}
	if err := d.db.CheckWritable(ctx); err != nil {
		return finding{"writable", stateFail, "nothing can be written: " + err.Error(), "Give Gatehouse's user the right to make tables, and look for whoever holds the database and for a full disk"}
	}
	return finding{"writable", stateOK, "a transaction was begun, written and taken back", ""}
}

func judgeSchema(h db.Health) finding {
	switch {
	case h.Schema == 0:
		return finding{"schema", stateWarn, "the database is empty", "The first start fills it; if it should hold an installation, GATEHOUSE_DATABASE_URL names the wrong one"}
	case h.Schema < h.Target:
		return finding{"schema", stateWarn, fmt.Sprintf("version %d, and this program brings %d", h.Schema, h.Target), "The next start migrates, or gatehouse migrate does"}
	case h.Schema > h.Target:
		return finding{"schema", stateWarn, fmt.Sprintf("version %d, which a newer program made; this one brings %d", h.Schema, h.Target), "That works while an upgrade rolls; then run the newer program"}
	}
	return finding{"schema", stateOK, fmt.Sprintf("version %d, as this program's", h.Schema), ""}
}

// mostWAL is far above what checkpoints leave: 1,000 pages of 4 KiB, as a rule.
const mostWAL = 256 << 20

func judgeWAL(h db.Health) finding {
	switch {
	case h.Journal != "wal":
		return finding{"wal", stateFail, "the journal is " + h.Journal + " instead of wal, as happens on network file systems", "Keep the database on a disk of this machine"}
	case h.WALBytes > mostWAL:
		return finding{"wal", stateWarn, fmt.Sprintf("the write-ahead log has %d MiB", h.WALBytes>>20), "Look for a program that reads the database without end, such as a copy that hangs"}
	}
	return finding{"wal", stateOK, fmt.Sprintf("the write-ahead log has %d MiB", h.WALBytes>>20), ""}
}

// poolSize is how many connections each replica may open, as models/db has it, with the two that listen and migrate.
const poolSize = 18

func judgeConnections(h db.Health) finding {
	free := h.MaxConns - h.UsedConns
	says := fmt.Sprintf("%d of %d connections are in use", h.UsedConns, h.MaxConns)
	if free < poolSize {
		return finding{"connections", stateWarn, says, fmt.Sprintf("Raise max_connections: each replica may use %d", poolSize)}
	}
	return finding{"connections", stateOK, says, ""}
}

// Skews of a clock from which on somebody should look, and from which on keys end at the wrong time by more than anybody expects.
const (
	skewFrom  = 2 * time.Second
	skewWrong = 30 * time.Second
)

// checkClock compares this machine's clock with the database's, and those of the replicas by what they say of themselves.
func (d *doctor) checkClock(ctx context.Context) {
	if d.db == nil {
		return
	}
	asked := d.db.Now()
	h, err := d.db.Health(ctx)
	if err != nil {
		return // told already
	}
	if d.db.Dialect == db.Postgres {
		d.add(judgeClock("this machine's clock", asked.Add(d.db.Now().Sub(asked)/2).Sub(h.Now)))
	}
	if h.Schema == 0 {
		return
	}
	fleet, err := replica.NewStore(d.db).Fleet(ctx, actor.Actor{Kind: actor.User, StaffRole: permission.Auditor})
	if err != nil {
		d.warn("replicas", "they can't be read: "+err.Error(), "Run gatehouse migrate")
		return
	}
	d.findings = append(d.findings, judgeFleet(fleet)...)
}

func judgeClock(whose string, skew time.Duration) finding {
	says := fmt.Sprintf("%s differs by %s from the database's", whose, skew.Abs().Round(time.Millisecond))
	switch {
	case skew.Abs() >= skewWrong:
		return finding{"clock", stateFail, says, "Set it by the network (NTP): keys end at the wrong time"}
	case skew.Abs() >= skewFrom:
		return finding{"clock", stateWarn, says, "Set it by the network (NTP)"}
	}
	return finding{"clock", stateOK, says, ""}
}

func judgeFleet(f replica.Fleet) []finding {
	var all []finding
	versions, living := map[string]bool{}, 0
	for _, r := range f.Replicas {
		if !r.Alive {
			continue
		}
		living++
		versions[r.Version] = true
		if r.Skew().Abs() >= skewFrom {
			all = append(all, judgeClock("the clock of "+r.Name, r.Skew()))
		}
		if r.FeedAge() >= skewFrom {
			all = append(all, finding{"replicas", stateFail, r.Name + " does not hear of changes", "Look at its log: it refuses everything once GATEHOUSE_STALE_MAX has passed"})
		}
		if r.Redis == replica.Off {
			all = append(all, finding{"replicas", stateWarn, r.Name + " does not reach Redis", "Look at the way between them"})
		}
	}
	if len(versions) > 1 {
		all = append(all, finding{"replicas", stateWarn, fmt.Sprintf("%d replicas run %d versions", living, len(versions)), "Finish the upgrade"})
	}
	if len(all) == 0 {
		all = append(all, finding{"replicas", stateOK, fmt.Sprintf("%d live", living), ""})
	}
	return all
}

// slowRedis is how long a check of limits waits for Redis before it decides by itself.
const slowRedis = 25 * time.Millisecond

// checkRedis writes what is gone by itself a second later.
func (d *doctor) checkRedis(ctx context.Context) {
	if !d.settings.RedisURL.IsSet() {
		d.ok("redis", "none is set: each process counts its share of limits")
		return
	}
	own, err := ratelimit.NewRedisClient(d.settings.RedisURL.Reveal())
	if err != nil {
		d.fail("redis", err.Error(), "Mend GATEHOUSE_REDIS_URL")
		return
	}
	patient := *own.Options() // that of limits gives up sooner than who examines may
	_ = own.Close()
	patient.ReadTimeout, patient.WriteTimeout, patient.PoolTimeout, patient.MinIdleConns = 2*time.Second, 2*time.Second, 2*time.Second, 0
	client := redis.NewClient(&patient)
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err != nil {
		d.fail("redis", "it does not answer: "+err.Error(), "Start it, or mend GATEHOUSE_REDIS_URL; until then each replica counts its share of limits")
		return
	}
	began := d.now()
	err = client.Set(ctx, "gatehouse:doctor:"+secret.Token(8), 1, time.Second).Err()
	took := d.now().Sub(began)
	switch {
	case err != nil:
		d.fail("redis", "it takes no changes: "+err.Error(), "Name the one that leads, and give it room; until then each replica counts its share of limits")
	case took > slowRedis:
		d.warn("redis", fmt.Sprintf("it took %s to answer", took.Round(time.Millisecond)), fmt.Sprintf("Bring it nearer: after %s limits are decided without it", slowRedis))
	default:
		d.ok("redis", fmt.Sprintf("it answers and takes changes, in %s", took.Round(10*time.Microsecond)))
	}
}

func (d *doctor) now() time.Time { return db.SystemClock() }

// checkMail signs in at the mail server. It sends nothing, unless it was told to whom.
func (d *doctor) checkMail(ctx context.Context) {
	if !d.settings.SMTPURL.IsSet() {
		says := "GATEHOUSE_SMTP_URL is not set, so mail waits at /admin/mail"
		if d.sendTo != "" {
			d.fail("mail", says, "Set it to send one")
			return
		}
		d.warn("mail", says, "Set it, or hand mail out from there")
		return
	}
	server, err := smtp.Parse(d.settings.SMTPURL.Reveal())
	if err != nil {
		d.fail("mail", "GATEHOUSE_SMTP_URL "+err.Error(), "Write smtp://user:password@host:587")
		return
	}
	sender := smtp.New(server, d.settings.MailFrom)
	if err := sender.Check(ctx); err != nil {
		d.fail("mail", server.String()+": "+err.Error(), "Mend GATEHOUSE_SMTP_URL; mail is kept and tried for about a day")
		return
	}
	if d.sendTo == "" {
		d.ok("mail", server.String()+" lets us in; no mail was sent (--send-to sends one)")
		return
	}
	err = sender.Send(ctx, smtp.Message{
		ID: "doctor-" + secret.Token(16), To: mail.Address{Address: d.sendTo}, Subject: "Gatehouse can send mail", Date: d.now(),
		Text: "This is what gatehouse doctor --send-to sends. If you read it, mail of " + d.settings.BaseURL.String() + " arrives.\n",
	})
	if err != nil {
		d.fail("mail", server.String()+": "+err.Error(), "Mend the address, or ask the mail server's people")
		return
	}
	d.ok("mail", server.String()+" took a mail to "+d.sendTo)
}
