package s3db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// While programs of several versions of a schema run, documents of each are in the
// source, and the copy has them as they are: it is opened once for each version, and
// a change is written as a program of its version would.

// opened is the copy as programs of one version of a resource see it.
type opened struct {
	*dynamic.Database
	space *s3db.Space
}

// version names a version of a resource in the source.
type version struct {
	resource string
	number   int
}

// openAt opens the copy; at is that of [dynamic.Config].
func (t *Target) openAt(ctx context.Context, at map[string]string) (*opened, error) {
	db, err := dynamic.Open(ctx, t.config.URL, dynamic.Config{Drivers: t.store.drivers(t.config.Drivers), Reveal: t.config.Reveal, At: at}, t.config.Options...)
	if err != nil {
		return nil, err
	}
	o := &opened{Database: db}
	if o.space, err = db.Space(spaceName); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.OnWrite(o.onWrite)
	return o, nil
}

// at returns the copy as programs of a version see it.
func (t *Target) at(ctx context.Context, v version) (*opened, error) {
	r := t.resources[v.resource]
	switch {
	case r == nil:
		return nil, configError("nothing was prepared for resource %q", v.resource)
	case v.number > r.Version:
		return nil, fmt.Errorf("s3db target: resource %s has version %d, version %d was prepared", v.resource, v.number, r.Version)
	case v.number == r.Version:
		return t.newest, nil
	}
	t.opening.Lock()
	defer t.opening.Unlock()
	if o := t.older[v]; o != nil {
		return o, nil
	}
	i := slices.IndexFunc(r.Described.Versions, func(x s3db.DescribedVersion) bool { return x.Version == v.number })
	if i < 0 {
		return nil, fmt.Errorf("s3db target: resource %s has no version %d", v.resource, v.number)
	}
	o, err := t.openAt(ctx, map[string]string{v.resource: r.Described.Versions[i].Hash})
	if err != nil {
		return nil, err
	}
	t.older[v] = o
	return o, nil
}

// remove deletes a document of whatever version it is: as programs of the change's
// version do, or of another one when these cannot read it.
func (t *Target) remove(ctx context.Context, c *replicator.Change) error {
	numbers := []int{c.Version}
	for _, x := range slices.Backward(t.resources[c.Resource].Described.Versions) {
		numbers = append(numbers, x.Version)
	}
	var err error
	for _, n := range numbers {
		var o *opened
		if o, err = t.at(ctx, version{c.Resource, n}); err != nil {
			return err
		}
		var r *dynamic.Resource
		if r, err = o.Resource(c.Resource); err != nil {
			return err
		}
		if err = r.Delete(ctx, c.ID); !isOfAnotherVersion(err) {
			return err
		}
	}
	return err
}

// writable returns an error when somebody has shut out programs of the version: what makes
// room for them would be lost.
func (o *opened) writable(ctx context.Context, resource string) error {
	list, err := o.Versions(ctx)
	if err != nil {
		return err
	}
	for _, v := range list {
		if v.Resource == resource && !v.Writable {
			return fmt.Errorf("%w: the copy was migrated, and takes no change of version %d of resource %s", s3db.ErrOutdated, v.Version, resource)
		}
	}
	return nil
}

// isOfAnotherVersion reports whether programs of some other version could do what has
// failed.
func isOfAnotherVersion(err error) bool {
	return errors.Is(err, s3db.ErrNeedsProgram) || errors.Is(err, s3db.ErrOutdated)
}

// shared is the store of the copy while it is open: several times, though a file can be
// opened once.
type shared struct {
	mu     sync.Mutex
	store  s3db.Store // nil while it is closed
	prefix string
	users  int
}

// drivers open the store through others.
func (s *shared) drivers(list []s3db.Driver) []s3db.Driver {
	list = slices.Clone(list)
	for i := range list {
		open := list[i].Open
		list[i].Open = func(ctx context.Context, req s3db.DriverRequest) (s3db.Store, string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.store == nil {
				store, prefix, err := open(ctx, req)
				if err != nil {
					return nil, "", err
				}
				s.store, s.prefix = store, prefix
			}
			s.users++
			return &lent{Store: s.store, from: s}, s.prefix, nil
		}
	}
	return list
}

// lent is the store for one of its users.
type lent struct {
	s3db.Store
	from *shared
}

// Close implements s3db.Store. The last user closes the store.
func (l *lent) Close() error {
	s := l.from
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	store := s.store
	s.store = nil
	return store.Close()
}
