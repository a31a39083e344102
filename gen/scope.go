package gen

import (
	"slices"
	"strconv"

	"github.com/s3dbgen/s3dbgen/schema"
)

// scope holds the names of one Go scope: the package's, or a struct's.
type scope map[string]owner

// owner is what took a name.
type owner struct {
	pos  schema.Position // of the resource, attribute or value; none for fixed names
	what string          // for a message: `the resource "users"`
	own  bool            // a resource or attribute under its own name, which does not give way
}

// claim takes names that are still free; it takes all of them or none, and then
// returns the owner of the first one that is taken.
func (s scope) claim(o owner, names ...string) (other owner, ok bool) {
	for i, n := range names {
		if other, taken := s[n]; taken {
			return other, false
		}
		if slices.Contains(names[:i], n) {
			return o, false
		}
	}
	for _, n := range names {
		s[n] = o
	}
	return owner{}, true
}

// unique takes name, or name with the first number from 2 on that is free.
func (s scope) unique(name string) string {
	for candidate, n := name, 2; ; n++ {
		if _, ok := s.claim(owner{}, candidate); ok {
			return candidate
		}
		candidate = name + strconv.Itoa(n)
	}
}
