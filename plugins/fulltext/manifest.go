package fulltext

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

const (
	manifestKey    = "index"
	manifestFormat = 1
)

// manifest says which segments make up the index. It is the only object of the
// index that is ever changed, and only by compare-and-swap.
type manifest struct {
	Format     int       `json:"format"`
	Generation string    `json:"generation"` // changes with every write, and with it the ETag
	Past       []string  `json:"past"`       // the generations before it, the latest first
	Stamp      string    `json:"stamp"`
	Complete   bool      `json:"complete"`          // the segments and marks cover all documents
	Rebuild    string    `json:"rebuild,omitempty"` // the Rebuild that is under way
	Segments   []segment `json:"segments"`

	etag string
	now  time.Time // the server's clock when it was read; zero when unknown
}

// readManifest returns the manifest; without one, the one that comes before the
// first. 1 request.
func (x *index) readManifest(ctx context.Context) (*manifest, error) {
	m := &manifest{}
	obj, err := x.space.Get(ctx, x.root+manifestKey)
	if errors.Is(err, s3db.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(obj.Body, m); err != nil {
		return nil, wrap(s3db.ErrCorrupt, "%s%s: %w", x.root, manifestKey, err)
	}
	if m.Format > manifestFormat {
		return nil, wrap(s3db.ErrNewerFormat, "the index of %s has format %d, this program knows %d", x.name, m.Format, manifestFormat)
	}
	m.etag, m.now = obj.ETag, obj.ServerTime
	return m, nil
}

// pastSize is the number of earlier generations that a manifest remembers.
const pastSize = 16

// follows reports whether a generation came before this manifest, or is its own;
// sure is false when its history does not reach back far enough to tell that none
// did.
func (m *manifest) follows(generation string) (follows, sure bool) {
	follows = generation == m.Generation || slices.Contains(m.Past, generation)
	return follows, follows || len(m.Past) < pastSize
}

// errBeaten is the error of a change of the manifest that another one has beaten.
var errBeaten = errors.New("another program changed the index meanwhile")

// publish puts a manifest in the place of the one that it was made from. After
// errBeaten it is not in force and never will be. 1 request.
func (x *index) publish(ctx context.Context, from *manifest, next *manifest) error {
	next.Format, next.Generation = manifestFormat, uuid.NewString()
	condition := s3db.IfAbsent()
	if from.etag != "" {
		condition = s3db.IfMatchETag(from.etag)
		next.Past = append([]string{from.Generation}, from.Past...)
		next.Past = next.Past[:min(len(next.Past), pastSize)]
	}
	body, err := json.Marshal(next)
	if err != nil {
		return err
	}
	next.etag, err = x.space.Put(ctx, x.root+manifestKey, body, condition)
	switch {
	case errors.Is(err, s3db.ErrUnknownOutcome):
		return x.settle(ctx, err, from, next)
	case errors.Is(err, s3db.ErrPrecondition):
		return errBeaten
	}
	return err
}

// settle finds out what became of a manifest whose reply was lost. Others may have
// published on top of it.
func (x *index) settle(ctx context.Context, lost error, from, next *manifest) error {
	seen, err := x.readManifest(ctx)
	if err != nil {
		return errors.Join(lost, err)
	}
	applied, sure := seen.follows(next.Generation)
	based, _ := seen.follows(from.Generation)
	switch {
	case applied:
		if seen.Generation == next.Generation {
			next.etag = seen.etag
		}
		return nil
	case seen.Generation != from.Generation && seen.etag != "" && (based || sure):
		return errBeaten // and what may still arrive will be refused
	}
	return lost
}

// unnamed returns the objects of segments that a manifest does not name. Those of
// a list that was made before the manifest was read are garbage once a newer
// manifest is in its place: who wrote them can publish no more.
func (m *manifest) unnamed(x *index, items []s3db.ListItem) []s3db.ListItem {
	named := map[string]bool{}
	for _, s := range m.Segments {
		for _, key := range s.keys(x) {
			named[key] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(items), func(item s3db.ListItem) bool { return named[item.Key] })
}

func keysOf(items []s3db.ListItem) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}
