package guide

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// RebuildJob fills the search index. A job does a part and queues the next: it has to end within its lease.
const RebuildJob = "guide.search.rebuild"

// rebuildPart is how many questions one job puts.
const rebuildPart = 2_000

// builtName is the setting that holds the version of the analysis under which everything was put.
const builtName = "search.built"

type rebuild struct {
	Version int    `json:"version"`
	After   string `json:"after"` // id of the last question put
}

// QueueRebuild queues a rebuild when the index was not made by this version of the analysis, or never. Every replica may call it at its start: one job comes of it.
func (s *Searcher) QueueRebuild(ctx context.Context) error {
	built := 0
	if _, err := setting.Get(ctx, s.db, builtName, &built); err != nil || built == index.Version {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return job.Queue(tx, RebuildJob, RebuildJob+"/"+strconv.Itoa(index.Version), rebuild{Version: index.Version}, tx.Now)
	})
}

// Rebuild does the part that payload says and queues the next one. Doing a part again, or two at once, changes nothing: what is in the index already as it
// should be costs a read. Put by an older replica meanwhile is put again by the newer one's next change.
func (s *Searcher) Rebuild(ctx context.Context, payload json.RawMessage) error {
	var part rebuild
	if err := json.Unmarshal(payload, &part); err != nil {
		return err
	}
	if part.After == "" {
		if err := s.pages.EachDocument(ctx, index.Put); err != nil {
			return err
		}
		if err := s.catalog.IndexAll(ctx); err != nil {
			return err
		}
	}
	last, done, err := s.rebuildQuestions(ctx, part.After)
	if err != nil {
		return err
	}
	if done {
		if err := errors.Join(index.Recount(ctx, s.db), index.Compact(ctx, s.db)); err != nil {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if done {
			return setting.Put(tx, builtName, index.Version)
		}
		return job.Queue(tx, RebuildJob, RebuildJob+"/"+strconv.Itoa(index.Version)+"/"+last, rebuild{part.Version, last}, tx.Now)
	})
}

// errPart ends a part.
var errPart = errors.New("enough for one job")

func (s *Searcher) rebuildQuestions(ctx context.Context, after string) (last string, done bool, err error) {
	var from db.ID
	if after != "" {
		if err := from.Scan(after); err != nil {
			return "", false, err
		}
	}
	n, last := 0, after
	err = s.forum.EachDocumentAfter(ctx, from, func(tx *db.Tx, d index.Document) error {
		if n >= rebuildPart {
			return errPart
		}
		n, last = n+1, d.Ref
		return index.Put(tx, d)
	})
	if errors.Is(err, errPart) {
		return last, false, nil
	}
	return last, err == nil, err
}

// Reindex fills the whole index at once, for commands and tests; installations do it by jobs.
func (s *Searcher) Reindex(ctx context.Context) error {
	if err := errors.Join(s.pages.EachDocument(ctx, index.Put), s.catalog.IndexAll(ctx), s.forum.EachDocument(ctx, index.Put)); err != nil {
		return err
	}
	if err := errors.Join(index.Recount(ctx, s.db), index.Compact(ctx, s.db)); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return setting.Put(tx, builtName, index.Version) })
}

// opennessPart is how many questions of an API one job looks at.
const opennessPart = 1_000

type openness struct {
	API   string `json:"api"`
	After string `json:"after"`
}

// Openness puts the questions about an API again, whose words anybody may be suggested only while anybody may read them.
func (s *Searcher) Openness(ctx context.Context, payload json.RawMessage) error {
	var part openness
	if json.Unmarshal(payload, &part.API) != nil {
		if err := json.Unmarshal(payload, &part); err != nil {
			return err
		}
	}
	var api, after db.ID
	if err := api.Scan(part.API); err != nil {
		return err
	}
	if part.After != "" {
		if err := after.Scan(part.After); err != nil {
			return err
		}
	}
	var ids []db.ID
	err := s.db.Read(ctx).Raw("SELECT q.id FROM questions q WHERE q.api_id = ? AND q.id > ? ORDER BY q.id LIMIT ?", api, after, opennessPart).Scan(&ids).Error
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return forum.Settle(tx, id) }); err != nil {
			return err
		}
	}
	if len(ids) < opennessPart {
		return nil
	}
	next := openness{API: part.API, After: ids[len(ids)-1].String()}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return job.Queue(tx, catalog.OpennessJob, "", next, tx.Now) })
}

// Tend keeps the index in shape: run it each hour.
func (s *Searcher) Tend(ctx context.Context) error {
	return errors.Join(index.Recount(ctx, s.db), s.SweepMisses(ctx))
}
