package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rename is a new name for a column.
type rename struct{ from, to string }

// columns places the attributes of the resource in the columns that they have, which
// it renames as they are renamed, and in new ones. It notes whose they are.
func (w *wanted) columns(t *table, f *found, noted map[string]knownColumn) (ddl []string, err error) {
	r := &w.resources[0]
	attributes, err := attributesOf(r)
	if err != nil {
		return nil, err
	}
	places, renames := place(attributes, r.Version, f)
	ddl = renameAll(t.name, renames)
	is := maps.Clone(f.columns)
	for _, x := range renames {
		delete(is, x.from)
	}
	for _, x := range renames {
		is[x.to] = f.columns[x.from]
		noted[x.to] = f.known[x.from]
	}
	for i := range attributes {
		a := &attributes[i]
		c := column{name: places[i], typ: columnType(&a.Type), attribute: a, names: namesOf(a, attributes, f)}
		if present, exists := is[c.name]; exists {
			change, ok := evolve(present.typ, c.typ)
			if !ok {
				return nil, fmt.Errorf("postgres: %w", unevolvable(w.name, c.name, present.typ, c.typ))
			}
			c.typ = present.typ
			if change.to != "" {
				c.typ = change.to
				ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s",
					t.name, quoted(c.name), change.to, strings.ReplaceAll(change.using, "%s", quoted(c.name))))
			}
		} else if f.exists {
			ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", t.name, quoted(c.name), c.typ))
		}
		known := f.known[c.name]
		if known.number != a.Number || known.version < r.Version {
			noted[c.name] = knownColumn{a.Number, r.Version}
		}
		t.values = append(t.values, c)
	}
	known := maps.Clone(f.known)
	maps.Copy(known, noted)
	t.gone = gone(attributes, r.Version, known, is)
	return ddl, nil
}

// gone returns the columns whose attributes the schema has no more. A row that is written
// keeps no values in them, a deleted one above all. Attributes that only a newer schema
// has are not meant.
func gone(attributes []attribute, version int, known map[string]knownColumn, is map[string]foundColumn) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(known)) {
		k := known[name]
		c, exists := is[name]
		present := slices.ContainsFunc(attributes, func(a attribute) bool { return a.Number == k.number })
		if exists && !present && !c.notNull && k.version < version {
			list = append(list, name)
		}
	}
	return list
}

// place decides the column of each attribute. An attribute keeps the column that was
// noted under its number; when the attribute has got another name, the column gets it
// too. Who knows only an older schema than the one that named a column takes it as it
// is. A column of an attribute that is gone stays; it makes room for a new attribute
// of its name by a name with its number.
func place(attributes []attribute, version int, f *found) (places []string, renames []rename) {
	current := map[int]string{} // columns by number, the last named
	for _, name := range slices.Sorted(maps.Keys(f.known)) {
		k := f.known[name]
		if _, exists := f.columns[name]; !exists {
			continue
		}
		if other, ok := current[k.number]; !ok || f.known[other].version < k.version {
			current[k.number] = name
		}
	}
	present := map[int]bool{}
	for _, a := range attributes {
		present[a.Number] = true
	}
	for _, a := range attributes {
		was, placed := current[a.Number]
		_, taken := f.columns[a.column]
		owner, owned := f.known[a.column]
		foreign := taken && owned && owner.number != a.Number
		switch {
		case placed && (was == a.column || f.known[was].version > version || taken && !owned):
			places = append(places, was)
			continue
		case placed:
			renames = append(renames, rename{was, a.column})
		}
		if foreign && !present[owner.number] {
			renames = append(renames, rename{a.column, fitting(fmt.Sprintf("%s_%d", a.column, owner.number))})
		}
		places = append(places, a.column)
	}
	return places, renames
}

// renameAll returns the statements that give columns their new names. When one gets the
// name that another one still has, all take a name between.
func renameAll(table string, renames []rename) (ddl []string) {
	statement := func(from, to string) {
		ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", table, quoted(from), quoted(to)))
	}
	between := func(i int) string { return fmt.Sprintf("%s%d", ownPrefix, i) }
	for i, x := range renames {
		statement(x.from, between(i))
	}
	for i, x := range renames {
		statement(between(i), x.to)
	}
	if len(renames) == 1 {
		ddl = nil
		statement(renames[0].from, renames[0].to)
	}
	return ddl
}

// namesOf returns the names under which documents may have an attribute: its own, and
// those that its column had, for documents of programs that do not know the new one yet.
func namesOf(a *attribute, attributes []attribute, f *found) []string {
	list := []string{a.Name}
	for _, name := range slices.Sorted(maps.Keys(f.known)) {
		ofAnother := slices.ContainsFunc(attributes, func(b attribute) bool { return b.Name == name })
		if f.known[name].number == a.Number && !ofAnother {
			list = append(list, name)
		}
	}
	return list
}
