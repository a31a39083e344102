package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// wanted is a table as the configuration and the present schema want it.
type wanted struct {
	name string
	// resources lead here, each with the actions that do.
	resources []replicator.Resource
	actions   map[string][]replicator.Action
	documents bool // one column holds the document
}

// layout decides which tables there are, in the order of their names. Errors match
// s3db.ErrConfig.
func layout(c *Config, s *replicator.Source) ([]*wanted, error) {
	byName := map[string]*wanted{}
	for _, r := range s.Resources {
		for _, route := range r.Routes {
			name := route.To
			if name == "" {
				name = c.Table
			}
			if name == "" {
				name = fitting(r.Name)
			}
			if problem := badName(name); problem != "" {
				return nil, fmt.Errorf("%w: postgres: resource %q: table %s", s3db.ErrConfig, r.Name, problem)
			}
			if name == c.LogTable || strings.HasPrefix(name, ownPrefix) {
				return nil, fmt.Errorf("%w: postgres: resource %q: table %q is kept for the replicator: choose another one", s3db.ErrConfig, r.Name, name)
			}
			w := byName[name]
			if w == nil {
				w = &wanted{name: name, documents: c.Documents, actions: map[string][]replicator.Action{}}
				byName[name] = w
			}
			if _, known := w.actions[r.Name]; !known {
				w.resources = append(w.resources, r)
			}
			for _, a := range replicator.Actions() {
				if route.Takes(a) && !slices.Contains(w.actions[r.Name], a) {
					w.actions[r.Name] = append(w.actions[r.Name], a)
				}
			}
		}
	}
	list := make([]*wanted, 0, len(byName))
	for _, w := range byName {
		if len(w.resources) > 1 && w.name == c.Table {
			w.documents = true
		}
		if len(w.resources) > 1 && !w.documents {
			return nil, fmt.Errorf("%w: postgres: table %q is that of resources %q and %q, whose columns differ: give each its own table, or store documents in one column", s3db.ErrConfig, w.name, w.resources[0].Name, w.resources[1].Name)
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *wanted) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// ownPrefix begins the names of the tables in which the target keeps what it has to
// know.
const ownPrefix = "_s3dbgen_"

// fitting returns the name of a column or table for a name of the schema: the same,
// or if PostgreSQL would cut it, as much as fits with a hash of it.
func fitting(name string) string {
	if len(name) <= maxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	end := "_" + hex.EncodeToString(sum[:4])
	cut := maxIdentifier - len(end)
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + end
}

// attribute is an attribute or timestamp of documents, and the column for it.
type attribute struct {
	replicator.Attribute
	column string
}

// Numbers of the timestamps, which have none in the schema.
const (
	createdNumber = -1
	updatedNumber = -2
)

// attributesOf returns the columns that a resource wants, in order.
func attributesOf(r *replicator.Resource) ([]attribute, error) {
	list := make([]attribute, 0, len(r.Attributes)+2)
	add := func(a replicator.Attribute) { list = append(list, attribute{a, fitting(a.Name)}) }
	for _, a := range r.Attributes {
		add(a)
	}
	if r.Timestamps {
		instant := replicator.Type{Kind: "datetime"}
		add(replicator.Attribute{Number: createdNumber, Name: "createdAt", Type: instant})
		add(replicator.Attribute{Number: updatedNumber, Name: "updatedAt", Type: instant})
	}
	seen := map[string]bool{columnID: true}
	for _, a := range list {
		if seen[a.column] || strings.HasPrefix(a.column, "_") {
			return nil, fmt.Errorf("%w: postgres: resource %q: the column of attribute %q has the name of another one", s3db.ErrConfig, r.Name, a.Name)
		}
		seen[a.column] = true
	}
	return list, nil
}
