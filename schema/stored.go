package schema

import (
	"encoding/json"
	"slices"
	"strings"
)

// storedSettings is the JSON form of what StoredSettings returns.
type storedSettings struct {
	Behavior   Behavior     `json:"behavior"`
	Timestamps bool         `json:"timestamps,omitempty"`
	History    bool         `json:"history,omitempty"`
	ID         storedID     `json:"id"`
	Immutable  []string     `json:"immutable,omitempty"`
	Texts      []storedText `json:"texts,omitempty"`
}

type storedID struct {
	Generator IDGenerator `json:"generator"`
	Size      int         `json:"size,omitempty"`
	Charset   string      `json:"charset,omitempty"`
}

type storedText struct {
	Path string `json:"path"`
	Min  int    `json:"min,omitempty"`
}

// StoredSettings returns what a program without generated code must know of r,
// beside StoredShape, to write documents as the generated client does, as
// canonical compact JSON:
//
//	{"behavior":"truncate-data","timestamps":true,
//	 "id":{"generator":"nanoid","size":22,"charset":"any"},
//	 "immutable":["user"],
//	 "texts":[{"path":"title","min":3},{"path":"parts.note"}]}
//
// texts are the strings that truncate-data may cut, and how many characters must
// stay; a path leads through arrays as through objects. Absent members are false,
// 0 or empty. Settings are no part of a version: they may change while stored
// documents stay as they are.
func (r *Resource) StoredSettings() string {
	s := storedSettings{Behavior: r.Behavior, Timestamps: r.Timestamps, History: r.History, ID: storedID{Generator: r.ID.Generator, Size: r.ID.Size}}
	if r.ID.Any {
		s.ID.Charset = "any"
	}
	for _, a := range r.Attributes {
		if a.Immutable {
			s.Immutable = append(s.Immutable, a.Name)
		}
	}
	if r.Behavior == TruncateData {
		for a, least := range r.Texts() {
			s.Texts = append(s.Texts, storedText{Path: a.Path, Min: least})
		}
		slices.SortFunc(s.Texts, func(a, b storedText) int { return strings.Compare(a.Path, b.Path) })
	}
	return canonicalJSON(s)
}

// canonicalJSON is compact JSON of strings, numbers and slices, which always have
// one.
func canonicalJSON(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Texts returns the attributes whose strings truncate-data may cut, and how many
// characters must stay: strings, and arrays of strings, at the top level, in
// objects and in arrays of objects, where a cut can break no other rule and no
// index depends on the value. It is empty under another behavior.
func (r *Resource) Texts() map[*Attribute]int {
	found := map[*Attribute]int{}
	if r.Behavior == TruncateData {
		collectTexts(r.Attributes, r.indexed(), found)
	}
	return found
}

func collectTexts(attributes []*Attribute, indexed map[*Attribute]bool, found map[*Attribute]int) {
	for _, a := range attributes {
		t := a.Type
		if t.Kind == KindArray && !t.Rules.UniqueItems {
			t = t.Elem
		}
		switch {
		case t.Fields != nil && t.Kind == KindObject:
			collectTexts(t.Fields, indexed, found)
		case t.Kind == KindArray && t.Elem.Kind == KindObject && t == a.Type:
			collectTexts(t.Elem.Fields, indexed, found)
		case t.Kind.isPlain() && t.Ref == nil && t.GoType == nil && !t.Rules.fragile() && !indexed[a] && !a.Immutable:
			least := 0
			if t.Rules.Min != nil {
				least = int(*t.Rules.Min)
			}
			found[a] = least
		}
	}
}

// fragile reports whether a shorter text may break a rule other than min.
func (r *Rules) fragile() bool {
	return r.Pattern != "" || r.Contains != "" || r.StartsWith != "" || r.EndsWith != "" || r.Length != nil || len(r.In) > 0 ||
		r.Alpha || r.Numeric || r.Alphanum || r.Alphadash || r.Hex || r.Base64
}

// indexed returns the attributes that are part of a partition or of a unique
// constraint.
func (r *Resource) indexed() map[*Attribute]bool {
	found := map[*Attribute]bool{}
	for _, list := range [][]*Index{r.Partitions, r.Uniques} {
		for _, i := range list {
			for _, f := range i.Fields {
				if f.Attribute != nil {
					found[f.Attribute] = true
				}
			}
		}
	}
	return found
}
