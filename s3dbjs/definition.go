package s3dbjs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrDefinition is matched by errors of a definition that cannot be read.
var ErrDefinition = errors.New("not the definition of a database of s3db.js")

// Definition is what s3db.json says of a database.
type Definition struct {
	Release   string      // of the library that wrote it last, such as "21.6.2"
	Resources []*Resource // in the order of the file
}

// Resource is a set of documents.
type Resource struct {
	Name       string
	Current    *Version
	Versions   []*Version // the oldest first
	Partitions []Partition
	CreatedBy  string // "user", or a plugin

	// registry has the number of each attribute, from release 21 on; nil in the seed.
	registry map[string]int
}

// Version is a state of a resource's definition. Documents name theirs.
type Version struct {
	Name        string // "v0", "v1", …
	Attributes  []*Attribute
	Behavior    string
	Timestamps  bool
	Partitions  []Partition
	IDSize      int    // 0 when the definition does not say
	IDGenerator string // "" when the definition does not say
	Hooks       []string
	Created     string
	// AllNestedOptional: objects may be absent whatever their attributes say.
	AllNestedOptional bool
	// AutoDecrypt is false when the program wanted ciphertext.
	AutoDecrypt bool

	names []string // of headers by their position
	index map[string]*Attribute
}

// Partition finds documents by some of their values.
type Partition struct {
	Name   string
	Fields []PartitionField // in the order of the file
}

// PartitionField is one attribute of a partition with its rules.
type PartitionField struct {
	Path  string
	Rules string // "date|maxlength:10"
}

// Resource returns the resource of that name, nil when there is none.
func (d *Definition) Resource(name string) *Resource {
	i := slices.IndexFunc(d.Resources, func(r *Resource) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return d.Resources[i]
}

// Seed reports whether the resource was written by the generation around releases
// 6 and 7, which keeps no registry.
func (r *Resource) Seed() bool { return r.registry == nil }

// version returns the version of that name, nil when there is none.
func (r *Resource) version(name string) *Version {
	i := slices.IndexFunc(r.Versions, func(v *Version) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return r.Versions[i]
}

// ParseDefinition reads s3db.json. Errors match ErrDefinition and name the place.
func ParseDefinition(text []byte) (*Definition, error) {
	root, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDefinition, err)
	}
	if root.get("format") != nil && root.get("database") != nil {
		return nil, fmt.Errorf("%w: it is one of s3dbgen", ErrDefinition)
	}
	resources := root.get("resources")
	if !resources.object() {
		return nil, fmt.Errorf(`%w: there is no object "resources"`, ErrDefinition)
	}
	d := &Definition{Release: root.get("s3dbVersion").string()}
	for _, m := range resources.members {
		r, err := parseResource(m.name, m.value)
		if err != nil {
			return nil, fmt.Errorf("%w: resource %q: %w", ErrDefinition, m.name, err)
		}
		d.Resources = append(d.Resources, r)
	}
	return d, nil
}

func parseResource(name string, n *node) (*Resource, error) {
	if !n.object() {
		return nil, errors.New("not an object")
	}
	r := &Resource{Name: name, CreatedBy: n.get("createdBy").string(), Partitions: parsePartitions(n.get("partitions"))}
	versions := n.get("versions")
	if !versions.object() || len(versions.members) == 0 {
		return nil, errors.New("no versions")
	}
	for _, m := range versions.members {
		if !m.value.get("attributes").object() {
			return nil, fmt.Errorf("version %q has no attributes", m.name)
		}
		r.Versions = append(r.Versions, parseVersion(m.name, m.value))
	}
	current := n.get("currentVersion").string()
	if r.Current = r.version(current); r.Current == nil {
		return nil, fmt.Errorf("the current version %q is not among the versions", current)
	}
	if len(r.Partitions) == 0 {
		r.Partitions = r.Current.Partitions
	}
	if registry := n.get("schemaRegistry"); registry.object() {
		r.registry = map[string]int{}
		if burned := registry.get("burned"); burned != nil {
			for _, m := range burned.members {
				if index, ok := m.value.get("index").int(); ok && m.value.get("attribute").string() != "" {
					r.registry[m.value.get("attribute").text] = index
				}
			}
		}
		if mapping := registry.get("mapping"); mapping.object() {
			for _, m := range mapping.members {
				if index, ok := m.value.int(); ok {
					r.registry[m.name] = index
				}
			}
		}
	}
	return r, nil
}

func parseVersion(name string, n *node) *Version {
	attributes := n.get("attributes")
	v := &Version{
		Name: name, Attributes: parseAttributes("", attributes), Behavior: n.get("behavior").string(),
		Timestamps: n.get("timestamps").true(), Partitions: parsePartitions(n.get("partitions")),
		IDGenerator: n.get("idGenerator").string(), Created: n.get("createdAt").string(),
		AllNestedOptional: n.get("allNestedObjectsOptional").true(), AutoDecrypt: n.get("autoDecrypt") == nil || n.get("autoDecrypt").true(),
		names: headerNames(attributes), index: map[string]*Attribute{},
	}
	v.IDSize, _ = n.get("idSize").int()
	if hooks := n.get("hooks"); hooks.object() {
		for _, m := range hooks.members {
			v.Hooks = append(v.Hooks, m.name)
		}
	}
	v.indexAttributes(v.Attributes)
	return v
}

func (v *Version) indexAttributes(list []*Attribute) {
	for _, a := range list {
		v.index[a.Path] = a
		v.indexAttributes(a.Fields)
	}
}

func parsePartitions(n *node) []Partition {
	if !n.object() {
		return nil
	}
	var list []Partition
	for _, m := range n.members {
		fields := m.value.get("fields")
		if !fields.object() {
			continue
		}
		p := Partition{Name: m.name}
		for _, f := range fields.members {
			p.Fields = append(p.Fields, PartitionField{Path: f.name, Rules: f.value.string()})
		}
		list = append(list, p)
	}
	return list
}

// headerNames returns the names that have headers, by their position: the leaves
// of the definition in its order, then the attributes that are objects.
func headerNames(attributes *node) []string {
	names := leafNames(nil, "", attributes)
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		seen[n] = true
	}
	for _, n := range objectNames(nil, "", attributes) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}

func leafNames(names []string, path string, def *node) []string {
	for _, m := range def.members {
		if strings.Contains(m.name, "$$") {
			continue
		}
		full := joinPath(path, m.name)
		if m.value.object() && len(m.value.members) > 0 {
			names = leafNames(names, full, m.value)
		} else {
			names = append(names, full)
		}
	}
	return names
}

// objectNames goes into an object only when it says that it is one.
func objectNames(names []string, path string, def *node) []string {
	for _, m := range def.members {
		if strings.HasPrefix(m.name, "$$") || !m.value.object() {
			continue
		}
		full := joinPath(path, m.name)
		names = append(names, full)
		if m.value.get("$$type").string() == "object" {
			names = objectNames(names, full, m.value)
		}
	}
	return names
}
