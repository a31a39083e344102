package replicator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// settler takes the intents of one shard to its log. Two settlers of one shard do no
// harm: the log is the only thing that both write, and one of them is refused. It
// is for one goroutine.
type settler struct {
	db    *s3db.Database
	space *s3db.Space
	shard int
	// tell completes a change that tells a state, from the image of the document. It
	// reports false when the document cannot be read.
	tell func(context.Context, Change, s3db.Image) (Change, bool)

	head    *segment // nil before it is known; number 0 for an empty log
	foundAt age      // when it was known to be the head
	carried []pending
	memory  memory
}

// age is a moment on this process' clocks. One of them stands still while the machine
// is suspended, the other may be set.
type age struct{ at time.Time }

func since(a age) time.Duration {
	now := time.Now()
	return max(now.Sub(a.at), now.Round(0).Sub(a.at.Round(0)))
}

// The bounds of one pass, and the intents of many writes that it reads at most to
// find those that came before.
const (
	windowKeys  = 1000
	windowBytes = 2 << 20
	mostBulk    = 64
	width       = 64 // requests at the same time
)

// settled is what a pass did.
type settled struct {
	segment *segment // nil when nothing was committed
	open    int      // writes that may be in flight
	more    bool     // intents were left for the next pass
}

// pass settles what there is, as far as one segment takes it.
func (s *settler) pass(ctx context.Context) (settled, error) {
	if err := s.catchUp(ctx); err != nil {
		return settled{}, err
	}
	b := &batch{settler: s, objects: map[string]*object{}, documents: map[documentKey]*document{}}
	if err := b.list(ctx); err != nil {
		return settled{}, err
	}
	if len(b.objects) == 0 && len(b.again) == 0 && len(s.carried) == 0 {
		return settled{more: b.more}, nil
	}
	if err := b.judge(ctx); err != nil {
		return settled{}, err
	}
	seg, gone := b.settle(ctx)
	if seg != nil {
		if err := s.append(ctx, seg); err != nil {
			return settled{}, err
		}
		s.memory.add(b.now, seg.Intents)
	}
	if err := s.space.Delete(ctx, append(gone, b.again...)...); err != nil {
		return settled{segment: seg}, err
	}
	if !b.more {
		s.memory.forget(b.oldest)
	}
	return settled{segment: seg, open: b.open, more: b.more}, nil
}

// catchUp finds the head of the log, if it is not known or that was long ago.
func (s *settler) catchUp(ctx context.Context) error {
	if s.head != nil && since(s.foundAt) < headLife {
		return nil
	}
	now := age{time.Now()}
	list, err := listSegments(ctx, s.space, s.shard)
	if err != nil {
		return err
	}
	if n := len(list); s.head != nil && n > 0 && list[n-1].number == s.head.number {
		s.foundAt = now
		return nil
	}
	s.head = nil
	head := &segment{}
	s.memory = memory{space: s.space, shard: s.shard}
	if n := len(list); n > 0 {
		if head, err = readSegment(ctx, s.space, s.shard, list[n-1].number); err != nil {
			return err
		}
		s.memory.before = list[:n-1]
		s.memory.add(list[n-1].at, head.Intents)
	}
	s.begin(head, now)
	return nil
}

// begin makes a segment the head.
func (s *settler) begin(head *segment, at age) {
	s.head, s.foundAt, s.carried = head, at, nil
	for _, c := range head.Carried {
		s.carried = append(s.carried, pending{Change: c.Change, put: c.Put})
	}
}

// append puts the next segment. After an error the head is unknown.
func (s *settler) append(ctx context.Context, seg *segment) error {
	seg.Format, seg.number, seg.Total = format, s.head.number+1, s.head.Total+uint64(len(seg.Changes))
	body, err := marshal(seg)
	if err != nil {
		return err
	}
	seg.size = len(body)
	if since(s.foundAt) >= headLife {
		s.head = nil
		return errBehind
	}
	_, err = s.space.Put(ctx, segmentKey(s.shard, seg.number), body, s3db.IfAbsent())
	if err != nil {
		s.head = nil
		if errors.Is(err, s3db.ErrPrecondition) {
			return errBehind
		}
		return err
	}
	for i := range seg.Changes {
		seg.Changes[i].Shard, seg.Changes[i].Seq = s.shard, seg.seq(i)
	}
	s.begin(seg, age{time.Now()})
	return nil
}

// batch is what one pass looks at.
type batch struct {
	*settler
	objects   map[string]*object
	order     []string // keys of objects, as they were listed
	documents map[documentKey]*document
	docs      []*document // in the order of their first intent
	now       time.Time   // by the server's clock
	more      bool        // the shard has more intents than were listed
	open      int
	oldest    time.Time // what is older in the log concerns no intent that is there
	again     []string  // intents that were settled before, and are there again
}

type documentKey struct{ resource, id string }

// object is an intent that is there.
type object struct {
	changes []pending
	size    int
	late    bool
}

// document is a document that some intent is about.
type document struct {
	documentKey
	intents []pending
	state   s3db.ObjectState
	verdict verdict
}

// list reads the intents from the start of the shard, whole documents as far as
// single writes go, up to the bounds of a pass.
func (b *batch) list(ctx context.Context) error {
	size, last := int64(0), ""
	for item, err := range b.space.List(ctx, outboxRoot(b.shard), "") {
		if err != nil {
			return err
		}
		name := documentOf(item.Key)
		if (len(b.order) >= windowKeys || size >= windowBytes) && (name == "" || name != last) {
			b.more = true
			break
		}
		size, last = size+item.Size, name
		b.order = append(b.order, item.Key)
		if at := item.LastModified.Add(-requestLife); b.oldest.IsZero() || at.Before(b.oldest) {
			b.oldest = at
		}
	}
	if err := b.fresh(ctx); err != nil {
		return err
	}
	if err := b.read(ctx, b.order, false); err != nil {
		return err
	}
	if len(b.carried) > 0 && b.now.IsZero() {
		head, err := b.space.Get(ctx, segmentKey(b.shard, b.head.number))
		if err != nil {
			return err
		}
		b.now = head.ServerTime
	}
	for _, key := range b.order {
		if o := b.objects[key]; o != nil {
			b.add(o.changes)
		}
	}
	b.add(b.settler.carried)
	for _, d := range b.docs {
		for i := range d.intents {
			x := &d.intents[i]
			x.old = !x.put.IsZero() && b.now.Sub(x.put) >= minAge
		}
	}
	return nil
}

// fresh puts aside the intents that the log has settled.
func (b *batch) fresh(ctx context.Context) error {
	if len(b.order) == 0 {
		return nil
	}
	if err := b.memory.recall(ctx, b.oldest); err != nil {
		return err
	}
	b.order = slices.DeleteFunc(b.order, func(key string) bool {
		if !b.memory.settled(key) {
			return false
		}
		b.again = append(b.again, key)
		return true
	})
	return nil
}

// documentOf is the part of the key of an intent of one write that all of its document
// share; "" for one of many.
func documentOf(key string) string {
	dir := key[:strings.LastIndexByte(key, '/')+1]
	if strings.HasSuffix(dir, "/!bulk/") {
		return ""
	}
	return dir
}

// read reads intents. One that is gone was removed by its writer, or settled by
// another process, which the log will show.
func (b *batch) read(ctx context.Context, keys []string, late bool) error {
	found := make([]*object, len(keys))
	times := make([]time.Time, len(keys))
	err := each(len(keys), func(i int) error {
		var x intent
		obj, err := read(ctx, b.space, keys[i], &x)
		if errors.Is(err, s3db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		o := &object{size: len(obj.Body), late: late}
		for _, c := range x.Changes {
			o.changes = append(o.changes, pending{Change: c, key: keys[i], put: obj.LastModified, late: late})
		}
		found[i], times[i] = o, obj.ServerTime
		return nil
	})
	for i, o := range found {
		if o != nil {
			b.objects[keys[i]] = o
			if times[i].After(b.now) {
				b.now = times[i]
			}
		}
	}
	return err
}

// add sorts intents by their documents.
func (b *batch) add(list []pending) {
	for _, x := range list {
		k := documentKey{x.Resource, x.ID}
		d := b.documents[k]
		if d == nil {
			d = &document{documentKey: k}
			b.documents[k] = d
			b.docs = append(b.docs, d)
		}
		d.intents = append(d.intents, x)
	}
}

// judge reads each document, after its intents, and decides about its writes. Where
// intents may be missing it lists them again, after the documents: those of all
// writes that led to what was read are there then.
func (b *batch) judge(ctx context.Context) error {
	err := each(len(b.docs), func(i int) (err error) {
		d := b.docs[i]
		d.state, err = b.db.ObjectState(ctx, d.resource, d.id)
		return err
	})
	if err != nil {
		return err
	}
	local := b.db.Capabilities().Local
	var doubtful []*document
	for _, d := range b.docs {
		if d.verdict = judge(lineageOf(d.state, local), d.intents, false); d.verdict.unexplained {
			doubtful = append(doubtful, d)
		}
	}
	if len(doubtful) == 0 {
		return nil
	}
	all, err := b.search(ctx, doubtful)
	if err != nil {
		return err
	}
	for _, d := range doubtful {
		d.verdict = judge(lineageOf(d.state, local), d.intents, all)
	}
	return nil
}

// search lists the intents of documents again. It reports false when there are too
// many intents of many writes to look into all of them.
func (b *batch) search(ctx context.Context, docs []*document) (all bool, err error) {
	wanted := map[string]bool{}
	prefixes := []string{outboxRoot(b.shard)}
	if b.more {
		prefixes = []string{bulkRoot(b.shard)}
	}
	for _, d := range docs {
		prefix := outboxRoot(b.shard) + placeOf(d.resource, d.id, 1).hash + "/"
		if wanted[prefix] = true; b.more {
			prefixes = append(prefixes, prefix)
		}
	}
	lists := make([][]s3db.ListItem, len(prefixes))
	err = each(len(prefixes), func(i int) error {
		for item, err := range b.space.List(ctx, prefixes[i], "") {
			if err != nil {
				return err
			}
			if name := documentOf(item.Key); b.objects[item.Key] == nil && (name == "" || wanted[name]) {
				lists[i] = append(lists[i], item)
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	var keys []string
	oldest := b.oldest
	for _, item := range slices.Concat(lists...) {
		keys = append(keys, item.Key)
		if at := item.LastModified.Add(-requestLife); at.Before(oldest) {
			oldest = at
		}
	}
	if err := b.memory.recall(ctx, oldest); err != nil {
		return false, err
	}
	keys = slices.DeleteFunc(keys, b.memory.settled)
	all = true
	bulk := 0
	keys = slices.DeleteFunc(keys, func(key string) bool {
		if documentOf(key) != "" {
			return false
		}
		bulk++
		all = all && bulk <= mostBulk
		return bulk > mostBulk
	})
	if err := b.read(ctx, keys, true); err != nil {
		return false, err
	}
	for _, d := range docs {
		for _, key := range keys {
			if o := b.objects[key]; o != nil {
				for _, x := range o.changes {
					if x.Resource == d.resource && x.ID == d.id {
						d.intents = append(d.intents, x)
					}
				}
			}
		}
	}
	b.order = append(b.order, keys...)
	return all, nil
}

// settle makes the next segment, nil when nothing was committed, and names the
// intents that are done with.
func (b *batch) settle(ctx context.Context) (seg *segment, gone []string) {
	fate := map[s3db.Revision]bool{} // of each write that is decided: whether it was committed
	seg = &segment{}
	for _, d := range b.docs {
		v := d.verdict
		for _, x := range v.committed {
			fate[x.Revision] = true
			seg.Changes = append(seg.Changes, x.Change)
		}
		for _, x := range v.aborted {
			fate[x.Revision] = false
		}
		if v.broken {
			if told, ok := b.tell(ctx, d.told(), d.state.Image); ok {
				seg.Changes = append(seg.Changes, told)
			}
		}
	}
	for _, key := range b.order {
		o := b.objects[key]
		if o == nil {
			continue
		}
		var open []carried
		some := false
		for _, x := range o.changes {
			committed, decided := fate[x.Revision]
			if some = some || committed; !decided {
				open = append(open, carried{x.Change, x.put})
			}
		}
		switch {
		case len(open) == 0:
			gone = append(gone, key)
		case some:
			gone = append(gone, key)
			seg.Carried = append(seg.Carried, open...)
		case !o.late:
			b.open += len(open)
		}
	}
	left := b.settler.carried[:0:0]
	for _, x := range b.settler.carried {
		if _, decided := fate[x.Revision]; !decided {
			left = append(left, x)
			seg.Carried = append(seg.Carried, carried{x.Change, x.put})
		}
	}
	b.open += len(seg.Carried)
	if len(seg.Changes) == 0 {
		b.settler.carried = left
		return nil, gone
	}
	byTime(seg.Changes)
	seg.Intents = gone
	return seg, gone
}

// told is the change that tells the state of a document whose writes do not.
func (d *document) told() Change {
	c := d.intents[0].Change
	c.Action, c.Base, c.Revision, c.Before, c.After, c.Snapshot = Insert, "", d.state.Revision, nil, nil, true
	for _, x := range d.intents {
		if x.Time.After(c.Time) {
			c.Time = x.Time
		}
	}
	if !d.state.Live() {
		c.Action = Delete
	}
	return c
}

// byTime puts the changes of different documents in the order of their writers'
// clocks, as far as the order of each document allows.
func byTime(changes []Change) {
	latest := map[documentKey]time.Time{}
	at := make([]time.Time, len(changes))
	place := make([]int, len(changes))
	for i, c := range changes {
		k := documentKey{c.Resource, c.ID}
		if c.Time.After(latest[k]) {
			latest[k] = c.Time
		}
		at[i], place[i] = latest[k], i
	}
	slices.SortStableFunc(place, func(a, b int) int { return at[a].Compare(at[b]) })
	sorted := make([]Change, len(changes))
	for i, p := range place {
		sorted[i] = changes[p]
	}
	copy(changes, sorted)
}

// each runs f(0) … f(n-1), some at the same time, and returns the first error, after
// which it begins no more.
func each(n int, f func(i int) error) error {
	g, failed := errgroup.WithContext(context.Background())
	g.SetLimit(width)
	for i := range n {
		if failed.Err() != nil {
			break
		}
		g.Go(func() error { return f(i) })
	}
	return g.Wait()
}
