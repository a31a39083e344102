package s3db

import (
	"slices"
	"sync"
	"sync/atomic"
)

// registrations is an ordered set of things that programs add and remove while
// operations go through it. Going through it, and asking whether it is empty,
// takes no lock.
type registrations[E any] struct {
	mu   sync.Mutex
	next int
	list atomic.Pointer[[]registration[E]]
}

type registration[E any] struct {
	id    int
	value E
}

// add returns a function that removes x again; it may be called more than once.
func (r *registrations[E]) add(x E) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	id := r.next
	r.replace(append(slices.Clone(r.all()), registration[E]{id: id, value: x}))
	return func() { r.remove(id) }
}

func (r *registrations[E]) remove(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replace(slices.DeleteFunc(slices.Clone(r.all()), func(x registration[E]) bool { return x.id == id }))
}

func (r *registrations[E]) replace(list []registration[E]) {
	if len(list) == 0 {
		r.list.Store(nil)
		return
	}
	r.list.Store(&list)
}

// all returns what is registered now, in the order of registration. It must not
// be changed.
func (r *registrations[E]) all() []registration[E] {
	if p := r.list.Load(); p != nil {
		return *p
	}
	return nil
}

func (r *registrations[E]) empty() bool { return r.list.Load() == nil }
