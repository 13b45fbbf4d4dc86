package factor_test

import (
	"errors"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// rfcSeed is the seed of the test vectors of RFC 6238, appendix B.
const rfcSeed = "12345678901234567890"

// TOTP by others: what Python's standard library computes, and the vectors of the RFC.
const python = `import hmac,hashlib,struct,sys
seed=b"12345678901234567890"
for t in map(int,sys.argv[1:]):
    h=hmac.new(seed,struct.pack(">Q",t//30),hashlib.sha1).digest()
    o=h[-1]&15
    print("%06d"%((struct.unpack(">I",h[o:o+4])[0]&0x7fffffff)%1000000))`

func TestCodesAreThoseOfOtherImplementations(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	a, _, _ := w.in(w.ada)
	p, _ := w.enrol(a, "Phone")
	sealed := w.root.Sealer(secret.LabelFactor).Seal([]byte(rfcSeed), p.id.String())
	w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE factors SET secret_sealed = ?, last_step = 0 WHERE id = ?", sealed, p.id)
		return err
	}))
	// the last six of the eight digits in the table
	vectors := map[int64]string{1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"}
	times := []int64{1111111109, 1111111111, 1234567890, 2000000000, 20000000000}
	args := []string{"-c", python}
	for _, at := range times {
		args = append(args, strconv.FormatInt(at, 10))
	}
	output, err := exec.CommandContext(t.Context(), "python3", args...).Output()
	w.must(err)

	for i, theirs := range strings.Fields(string(output)) {
		clock.Set(time.Unix(times[i], 0))
		a, _, _ := w.in(w.ada)
		if _, err := w.store.Show(t.Context(), a, theirs); err != nil || theirs != vectors[times[i]] {
			t.Errorf("at %d: %s, the RFC says %s: %v", times[i], theirs, vectors[times[i]], err)
		}
	}
}

// A9: each code works once, and none from before the last.
func TestACodeWorksOnce(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		_, usedToSetUp := w.store.Show(w.Context(), a, p.now())
		next := p.at(w.clock.Now().Add(30 * time.Second))
		before := p.at(w.clock.Now().Add(-30 * time.Second))

		_, first := w.store.Show(w.Context(), a, next)
		_, again := w.store.Show(w.Context(), a, next)
		_, older := w.store.Show(w.Context(), a, before)

		w.is(usedToSetUp, fault.Invalid)
		w.must(first)
		w.is(again, fault.Invalid)
		w.is(older, fault.Invalid)
	})
}

// A9: of many who show the same code at once, on two replicas and in other spellings, one gets in.
func TestOneOfManyGetsInByTheSameCode(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		_, second := w.replica(w.d)
		w.clock.Advance(time.Minute)
		code := p.now()
		wide := strings.NewReplacer("0", "０", "1", "１", "2", "２", "3", "３", "4", "４", "5", "５", "6", "６", "7", "７", "8", "８", "9", "９").Replace(code)
		spellings := []string{code, code[:3] + " " + code[3:], " " + wide + " ", code[:3] + "-" + code[3:]}

		var in sync.WaitGroup
		failures := make([]error, 4)
		for i, store := range []*factor.Store{w.store, second, w.store, second} {
			in.Go(func() { _, failures[i] = store.Show(w.Context(), a, spellings[i]) })
		}
		in.Wait()

		passed := 0
		for _, err := range failures {
			if err == nil {
				passed++
				continue
			}
			w.is(err, fault.Invalid)
		}
		if passed != 1 {
			w.Errorf("%d got in: %v", passed, errors.Join(failures...))
		}
	})
}

// A9: one step before and after now are taken, for clocks that differ; two are not.
func TestCodesCountForOneStepAround(t *testing.T) {
	for offset, want := range map[time.Duration]bool{-60 * time.Second: false, -30 * time.Second: true, 0: true, 30 * time.Second: true, 60 * time.Second: false} {
		clock := dbtest.NewClock()
		w := newWorld(t, dbtest.SQLite(t, clock), clock)
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		clock.Advance(5 * time.Minute)

		_, err := w.store.Show(t.Context(), a, p.at(clock.Now().Add(offset)))

		if (err == nil) != want {
			t.Errorf("%v: %v", offset, err)
		}
	}
}

// C6: a seed opens for its own record alone.
func TestASwappedSeedMatchesNothing(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		q, _ := w.enrol(a, "Tablet")
		w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE factors SET secret_sealed = (SELECT f.secret_sealed FROM factors f WHERE f.id = ?) WHERE id = ?", p.id, q.id)
			if err == nil {
				_, err = tx.Run("DELETE FROM factors WHERE id = ?", p.id)
			}
			return err
		}))
		w.clock.Advance(time.Minute)

		_, err := w.store.Show(w.Context(), a, p.now())

		w.is(err, fault.Invalid)
	})
}

// C6, K1: the seed stands nowhere in clear.
func TestASeedIsNotReadableInTheDatabase(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)

		id, err := w.store.Begin(w.Context(), a, "Phone")
		w.must(err)
		e, err := w.store.Enrolment(w.Context(), a, id)
		w.must(err)

		var sealed string
		w.must(w.d.Read(w.Context()).Raw("SELECT secret_sealed FROM factors WHERE id = ?", id).Row().Scan(&sealed))
		if sealed == "" || strings.Contains(sealed, e.Secret) {
			w.Error("in clear")
		}
	})
}

// The address is one that apps read: the issuer and the account in front, each once more as fields.
func TestTheAddressOfAnAppNamesPortalAndAccount(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	a, _, _ := w.in(w.ada)
	id, err := w.store.Begin(t.Context(), a, "Phone")
	w.must(err)

	e, err := w.store.Enrolment(t.Context(), a, id)
	w.must(err)

	u, err := url.Parse(e.URL)
	w.must(err)
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || !strings.HasSuffix(u.Path, ":ada@example.com") || q.Get("secret") != e.Secret || q.Get("issuer") == "" || strings.Contains(q.Get("issuer"), ":") || strings.Contains(e.URL, "+") {
		t.Error(e.URL)
	}
}

// An app counts once its first code was given, and nobody sees its seed again.
func TestAnAppCountsOnceItsCodeWasGiven(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p := w.begin(a, "Phone")
		_, wrong := w.store.Confirm(w.Context(), a, p.id, p.wrong())
		_, _, unasked := w.in(w.ada)

		added, err := w.store.Confirm(w.Context(), a, p.id, p.now())
		w.must(err)
		_, _, asked := w.in(w.ada)
		_, gone := w.store.Enrolment(w.Context(), a, p.id)
		_, twice := w.store.Confirm(w.Context(), a, p.id, p.now())

		w.is(wrong, fault.Invalid)
		w.is(gone, fault.NotFound)
		w.is(twice, fault.NotFound)
		if unasked.Pending() || !asked.Pending() || len(added.Codes) != 10 || added.Token == "" {
			w.Errorf("%v %v %+v", unasked.Pending(), asked.Pending(), added)
		}
		w.last("factor_added")
		if w.acts("factor.added") != 1 {
			w.Error("not in the audit log")
		}
	})
}

// Z2: what somebody else has is not there.
func TestFactorsOfOthersAreAbsent(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, added := w.enrol(a, "Phone")
		b, _, _ := w.in(w.person("bob@example.com"))
		begun := w.begin(a, "Tablet")

		_, read := w.store.ByID(w.Context(), b, p.id)
		_, seed := w.store.Enrolment(w.Context(), b, begun.id)
		_, confirmed := w.store.Confirm(w.Context(), b, begun.id, begun.now())
		file, err := w.store.Own(w.Context(), b, added.Codes)
		w.must(err)

		for _, err := range []error{read, seed, confirmed, w.store.Rename(w.Context(), b, p.id, "Mine"), w.store.Remove(w.Context(), b, p.id)} {
			w.is(err, fault.NotFound)
		}
		if len(file) > 0 {
			w.Error(file)
		}
	})
}
