package replicator

import (
	"encoding/json"
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Resource describes a replicated resource to a target.
type Resource struct {
	Name    string
	Version int // of the schema, counted from 0
	// Attributes are those of the documents, in the order of their numbers, without
	// id and timestamps. Secrets and passwords are among them only if they are replicated.
	Attributes []Attribute
	// Timestamps says that documents have the members createdAt and updatedAt.
	Timestamps bool
	// Routes say which changes go where. There is at least one.
	Routes []Route
	// Described is what the registry of the database says, for a target that is a database.
	Described s3db.DescribedResource
}

// Route says which changes of a resource go to one table, queue or the like.
type Route struct {
	To      string   // the target knows what it names; "" is its default for the resource
	Actions []Action // nil: all
}

// Takes reports whether changes of an action go this way.
func (r Route) Takes(a Action) bool { return len(r.Actions) == 0 || slices.Contains(r.Actions, a) }

// RoutesOf returns the routes of the resource that take an action.
func (r *Resource) RoutesOf(a Action) []Route {
	var list []Route
	for _, route := range r.Routes {
		if route.Takes(a) {
			list = append(list, route)
		}
	}
	return list
}

// Attribute is an attribute of documents or of nested objects. In JSON it is a
// field of the stored shape (docs/format.md, "Stored shape").
type Attribute struct {
	Number   int    `json:"number"` // never used for another attribute of the resource
	Name     string `json:"name"`
	Optional bool   `json:"optional,omitempty"`
	Type
}

// Type is the type of an attribute or of an item.
type Type struct {
	// Kind is one of string, text, email, url, enum, integer, number, decimal, boolean,
	// date, datetime, duration, uuid, ip, ip4, ip6, bytes, json, object, array, map,
	// secret and password.
	Kind   string      `json:"type"`
	Items  *Type       `json:"items,omitempty"`  // of an array, of the values of a map, of what a secret holds
	Fields []Attribute `json:"fields,omitempty"` // of an object; nil for one of any form
	Values []EnumValue `json:"values,omitempty"` // of an enum
}

// EnumValue is a value of an enum.
type EnumValue struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

// Hidden reports whether values of the type are secrets or passwords, which are not
// replicated unless the configuration asks for them.
func (t *Type) Hidden() bool { return t.Kind == "secret" || t.Kind == "password" }

// Describe reads what the registry of a database says of a resource, for a target to
// which the routes lead. Hidden attributes are left out unless secrets are replicated.
// Errors match s3db.ErrCorrupt.
func Describe(d *s3db.DescribedResource, secrets bool, routes []Route) (Resource, error) {
	r := Resource{Name: d.Name, Version: d.Version, Routes: routes, Described: *d}
	v, ok := d.Newest()
	if !ok {
		return r, fmt.Errorf("%w: the registry lacks the newest version of resource %q", s3db.ErrCorrupt, d.Name)
	}
	var stored struct {
		Fields []Attribute `json:"fields"`
	}
	if err := json.Unmarshal([]byte(v.Schema), &stored); err != nil {
		return r, fmt.Errorf("%w: the stored shape of resource %q: %w", s3db.ErrCorrupt, d.Name, err)
	}
	var settings struct {
		Timestamps bool `json:"timestamps"`
	}
	if d.Settings != "" {
		if err := json.Unmarshal([]byte(d.Settings), &settings); err != nil {
			return r, fmt.Errorf("%w: the settings of resource %q: %w", s3db.ErrCorrupt, d.Name, err)
		}
	}
	r.Timestamps = settings.Timestamps
	slices.SortFunc(stored.Fields, func(a, b Attribute) int { return a.Number - b.Number })
	if r.Attributes = stored.Fields; !secrets {
		r.Attributes = shown(stored.Fields)
	}
	return r, nil
}

// shown returns attributes without those that are hidden, at any depth.
func shown(list []Attribute) []Attribute {
	kept := make([]Attribute, 0, len(list))
	for _, a := range list {
		if t, ok := a.Type.shown(); ok {
			a.Type = t
			kept = append(kept, a)
		}
	}
	return kept
}

func (t *Type) shown() (Type, bool) {
	s := *t
	if s.Fields != nil {
		s.Fields = shown(s.Fields)
	}
	if s.Items != nil && !s.Hidden() {
		items, ok := s.Items.shown()
		if !ok {
			return s, false
		}
		s.Items = &items
	}
	return s, !s.Hidden()
}
