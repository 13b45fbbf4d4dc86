package main

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

// What a test can't bring about on this machine, such as a full disk, is judged by its figures.
func TestDoctorJudgesByFigures(t *testing.T) {
	now := db.SystemClock()
	leaf := func() tls.Certificate {
		cert, key := certificate(t) // for 127.0.0.1, an hour long
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}().Leaf
	for name, c := range map[string]struct {
		got  finding
		want state
	}{
		"much room":                {judgeRoom("d", 10<<30, 256<<20, false), stateOK},
		"no room for the spool":    {judgeRoom("d", 1<<30+100<<20, 256<<20, false), stateWarn},
		"a full disk":              {judgeRoom("d", 99<<20, 0, false), stateFail},
		"no more files":            {judgeRoom("d", 10<<30, 0, true), stateFail},
		"room for the archive":     {judgeArchiveRoom("d", 1<<30, false), stateOK},
		"little for the archive":   {judgeArchiveRoom("d", 1<<30-1, false), stateWarn},
		"none for the archive":     {judgeArchiveRoom("d", 99<<20, false), stateFail},
		"an archive of no files":   {judgeArchiveRoom("d", 10<<30, true), stateFail},
		"PostgreSQL 15":            {judgeVersion(db.Postgres, db.Health{Major: 15, Version: "15.8"}), stateOK},
		"PostgreSQL 13":            {judgeVersion(db.Postgres, db.Health{Major: 13}), stateWarn},
		"PostgreSQL 12":            {judgeVersion(db.Postgres, db.Health{Major: 12}), stateFail},
		"SQLite":                   {judgeVersion(db.SQLite, db.Health{Version: "3.51"}), stateOK},
		"an empty database":        {judgeSchema(db.Health{Target: 5}), stateWarn},
		"an old schema":            {judgeSchema(db.Health{Schema: 4, Target: 5}), stateWarn},
		"a new schema":             {judgeSchema(db.Health{Schema: 6, Target: 5}), stateWarn},
		"the schema":               {judgeSchema(db.Health{Schema: 5, Target: 5}), stateOK},
		"a small log":              {judgeWAL(db.Health{Journal: "wal", WALBytes: 4 << 20}), stateOK},
		"a long log":               {judgeWAL(db.Health{Journal: "wal", WALBytes: 1 << 30}), stateWarn},
		"no log":                   {judgeWAL(db.Health{Journal: "delete"}), stateFail},
		"connections":              {judgeConnections(db.Health{MaxConns: 97, UsedConns: 3}), stateOK},
		"few connections":          {judgeConnections(db.Health{MaxConns: 97, UsedConns: 90}), stateWarn},
		"a right clock":            {judgeClock("it", -time.Second), stateOK},
		"a wrong clock":            {judgeClock("it", -3*time.Second), stateWarn},
		"a very wrong clock":       {judgeClock("it", time.Minute), stateFail},
		"a certificate's last day": {judgeCertificate(leaf, "127.0.0.1", now), stateWarn},
		"another's certificate":    {judgeCertificate(leaf, "developers.example.com", now), stateFail},
		"an old certificate":       {judgeCertificate(leaf, "127.0.0.1", now.Add(2*time.Hour)), stateFail},
		"a fleet": {judgeFleet(replica.Fleet{Replicas: []replica.Replica{
			{Alive: true, Version: "1"}, {Alive: false, Version: "0", SkewMS: 90_000},
		}})[0], stateOK},
		"a fleet of two versions": {judgeFleet(replica.Fleet{Replicas: []replica.Replica{{Alive: true, Version: "1"}, {Alive: true, Version: "2"}}})[0], stateWarn},
		"a replica's wrong clock": {judgeFleet(replica.Fleet{Replicas: []replica.Replica{{Alive: true, SkewMS: -40_000}}})[0], stateFail},
		"a deaf replica":          {judgeFleet(replica.Fleet{Replicas: []replica.Replica{{Alive: true, FeedMS: 5000}}})[0], stateFail},
		"a replica without Redis": {judgeFleet(replica.Fleet{Replicas: []replica.Replica{{Alive: true, Redis: replica.Off}}})[0], stateWarn},
	} {
		if c.got.State != c.want || (c.got.Do == "") != (c.want == stateOK) || c.got.Says == "" {
			t.Errorf("%s: %+v, want %s", name, c.got, c.want)
		}
	}
}

// L10: whoever calls an API at an http address sends a key in clear; this machine is no network.
func TestDoctorWarnsOfAPIsThatAreCalledInClear(t *testing.T) {
	far, warned := judgeBases([]string{"orders http://api.example.com/v2", "shop http://127.0.0.1:9000", "try http://localhost:9000"})
	_, near := judgeBases([]string{"shop http://127.0.0.1:9000"})
	_, none := judgeBases(nil)

	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := catalogtest.New(t, d)
		w.Tx(func(tx *db.Tx) error {
			n, err := tx.Run("UPDATE api_environments SET base_url = 'http://api.example.com' WHERE base_url <> ''")
			if n == 0 {
				t.Error("there is no API to look at")
			}
			return err
		})
		doctor := &doctor{db: d}
		if doctor.checkClear(t.Context()); len(doctor.findings) != 1 || doctor.findings[0].Check != "apis in clear" {
			t.Errorf("%+v", doctor.findings)
		}
	})
	if !warned || far.State != stateWarn || !strings.HasSuffix(far.Says, ": orders http://api.example.com/v2") || near || none {
		t.Errorf("%+v %v %v", far, near, none)
	}
}
