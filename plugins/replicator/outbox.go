package replicator

import (
	"context"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// outbox puts the intents of this program's writes.
type outbox struct {
	space     *s3db.Space
	images    *images
	resources map[string]bool
	shards    int
	now       func() time.Time
	committed func(shard int) // called when a write was committed
}

// announce adds the intents of a group to its first round of requests.
func (o *outbox) announce(ctx context.Context, g *s3db.WriteGroup) error {
	byShard := make([][]Change, o.shards)
	now := o.now().UTC()
	for _, w := range g.Writes {
		if !o.resources[w.Resource] {
			continue
		}
		c, err := o.images.change(ctx, w)
		if err != nil {
			return err
		}
		c.Time = now
		shard := placeOf(w.Resource, w.ID, o.shards).shard
		byShard[shard] = append(byShard[shard], c)
		w.OnOutcome(func(_ context.Context, outcome s3db.Outcome) {
			if outcome == s3db.OutcomeCommitted {
				o.committed(shard)
			}
		})
	}
	for shard, changes := range byShard {
		if err := o.put(g, shard, changes); err != nil {
			return err
		}
	}
	return nil
}

// put adds the intents of changes of one shard, as many objects as they need.
func (o *outbox) put(g *s3db.WriteGroup, shard int, changes []Change) error {
	for len(changes) > 0 {
		n, size := 0, 0
		for n < len(changes) && n < intentChanges {
			size += len(changes[n].Before) + len(changes[n].After) + len(changes[n].ID) + 200
			if n > 0 && size > intentBytes {
				break
			}
			n++
		}
		body, err := marshal(intent{Format: format, Changes: changes[:n]})
		if err != nil {
			return err
		}
		first := changes[0]
		key := bulkKey(shard, first.Time, first.Revision)
		if n == 1 {
			key = intentKey(placeOf(first.Resource, first.ID, o.shards), first.Revision)
		}
		if err := g.Put(o.space, key, body); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}
