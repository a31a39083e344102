package s3dbjs

import "strings"

// layout is the names of headers that a writer used: those of the positions in
// the version's definition, or those of the registry.
type layout struct {
	byKey map[string]string // header → attribute
	// clashes are headers that two attributes share, because HTTP does not tell
	// upper from lower case.
	clashes map[string][]string
	// exact has the keys with their case, for bodies.
	exact map[string]string
}

func newLayout(names []string, index func(name string, position int) int, digits string) *layout {
	l := &layout{byKey: map[string]string{}, clashes: map[string][]string{}, exact: map[string]string{}}
	for i, name := range names {
		key := encodeKey(digits, index(name, i))
		l.exact[key] = name
		lower := strings.ToLower(key)
		if first, taken := l.byKey[lower]; taken {
			if l.clashes[lower] == nil {
				l.clashes[lower] = []string{first}
			}
			l.clashes[lower] = append(l.clashes[lower], name)
			continue
		}
		l.byKey[lower] = name
	}
	return l
}

// strangers returns how many of the headers have no name here.
func (l *layout) strangers(keys []string) int {
	n := 0
	for _, k := range keys {
		if _, ok := l.byKey[k]; !ok {
			n++
		}
	}
	return n
}

// layout chooses the one by which an object was written. A program of release 21
// that made the definition numbers by position until it connects again; then the
// registry counts. Objects do not say which it was, so the headers decide.
// ambiguous tells that both fit and differ.
func (r *Resource) layout(v *Version, keys []string) (l *layout, ambiguous bool) {
	byPosition := func(_ string, position int) int { return position }
	if r.Seed() {
		return newLayout(v.names, byPosition, base62Digits), false
	}
	positional := newLayout(v.names, byPosition, base36Digits)
	same := true
	for i, name := range v.names {
		index, known := r.registry[name]
		if !known { // nobody has connected since the version was made
			return positional, false
		}
		same = same && index == i
	}
	if same {
		return positional, false
	}
	registered := newLayout(v.names, func(name string, _ int) int { return r.registry[name] }, base36Digits)
	a, b := positional.strangers(keys), registered.strangers(keys)
	switch {
	case a < b:
		return positional, false
	case b < a:
		return registered, false
	}
	for _, k := range keys {
		if positional.byKey[k] != registered.byKey[k] {
			return registered, true
		}
	}
	return registered, false
}

// headerName is what becomes of the name of an attribute that has no number.
func headerName(path string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			return c
		}
		return '_'
	}, path)
}
