package schema

import (
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a schema. File is its path as messages should name it; src its
// text. All mistakes are found in one run; the schema is nil when any is an
// error, and diagnostics may hold warnings beside a schema. Numbers and versions
// are not set before Assign. Edits change what is written before it is checked, in
// their order.
func Parse(file string, src []byte, edits ...Edit) (*Schema, Diagnostics) {
	r := &reporter{src: newSource(file, src)}
	p := &parser{reporter: r, schema: &Schema{File: file, src: r.src}, specs: ruleSpecs()}
	root := r.readTree()
	for _, e := range edits {
		if root != nil {
			root = e.apply(r, root)
		}
	}
	if root != nil {
		p.root(root)
	}
	found := r.diagnostics()
	if found.HasErrors() {
		return nil, found
	}
	return p.schema, found
}

// parser turns the tree of a file into a schema.
type parser struct {
	*reporter
	schema   *Schema
	defaults settings
	specs    []ruleSpec
	related  []relation
}

// option is a key that a mapping may hold.
type option struct {
	name string
	read func(key, value *node)
}

// options reads the keys of a mapping. Other maps keys that users may expect
// here to what they should write instead.
func (p *parser) options(n *node, what string, known []option, other map[string]string) {
	for _, pair := range n.pairs {
		name := pair.key.value
		i := slices.IndexFunc(known, func(o option) bool { return o.name == name })
		if i >= 0 {
			known[i].read(pair.key, pair.value)
			continue
		}
		d := p.report(CodeUnknownKey, pair.key.span(), "%s has no option %s", what, quote(name))
		if hint, ok := other[name]; ok {
			d.help("%s", hint)
			continue
		}
		names := make([]string, len(known))
		for i, o := range known {
			names[i] = o.name
		}
		d.help("%s", didYouMean(name, names))
	}
}

func (p *parser) root(n *node) {
	if n.kind != mappingNode {
		p.report(CodeWrongNode, n.span(), "a schema is a mapping with the keys package and resources, this is %s", n.what()).
			help("the smallest is: {package: shop, resources: {users: {attributes: {name: string}}}}")
		return
	}
	n.pairs = slices.DeleteFunc(slices.Clone(n.pairs), func(p pair) bool { return strings.HasPrefix(p.key.value, "x-") })
	var resources pair
	p.options(n, "a schema", []option{
		{"package", p.packageName},
		{"output", p.output},
		{"stores", p.stores},
		{"docs", p.docs},
		{"description", func(_, v *node) { p.readText(v, "description", &p.schema.Description) }},
		{"fixtures", func(_, v *node) { p.readBool(v, "fixtures", &p.schema.Fixtures) }},
		{"plugins", func(_, v *node) { p.plugins(v) }},
		{"defaults", func(_, v *node) { p.readDefaults(v) }},
		{"resources", func(k, v *node) { resources = pair{k, v} }},
	}, rootHints())
	if _, ok := n.get("package"); !ok {
		p.report(CodeMissingKey, span{pos: n.pos}, "package is missing").
			help("name the Go package to generate, as in package: shop")
	}
	if resources.key == nil {
		p.report(CodeMissingKey, span{pos: n.pos}, "resources is missing").
			help("the smallest is resources: {users: {attributes: {name: string}}}")
		return
	}
	// Resources come last: their options start from the defaults.
	if !p.filled(resources.value, "resources", "resource") {
		return
	}
	for _, r := range resources.value.pairs {
		p.resource(r.key, r.value)
	}
	p.resolveRelations()
}

// rootHints maps keys that users may expect at the top to what to write instead.
func rootHints() map[string]string {
	return map[string]string{
		"versioning":        "write it under defaults for all resources: defaults: {versioning: true}",
		"versioningEnabled": "write it under defaults for all resources: defaults: {versioning: true}",
		"timestamps":        "write it under defaults for all resources: defaults: {timestamps: true}",
		"behavior":          "write it under defaults for all resources: defaults: {behavior: …}",
		"id":                "write it under defaults for all resources: defaults: {id: …}",
		"attributes":        "attributes belong to a resource: resources: {users: {attributes: …}}",
		"connectionString":  "the place of the data is given when the program opens the database, not in the schema",
	}
}

// filled reports whether n is a mapping with at least one entry, and says so if not.
func (p *parser) filled(n *node, what, entry string) bool {
	switch {
	case n.bad && len(n.pairs) == 0:
		return false
	case n.isNull() || n.kind == mappingNode && len(n.pairs) == 0:
		d := p.report(CodeEmptySection, n.span(), "%s has no %s", what, entry)
		switch entry {
		case "resource":
			d.help("the smallest is resources: {users: {attributes: {name: string}}}")
		case "attribute", "attributes":
			d.help("add attributes: {name: string}")
		default:
			d.help("add one, or remove %s", what)
		}
		return false
	case n.kind != mappingNode:
		p.report(CodeWrongNode, n.span(), "%s must be a mapping from names, this is %s", what, n.what())
		return false
	}
	return true
}

func (p *parser) packageName(_, v *node) {
	var name string
	if !p.readText(v, "package", &name) {
		return
	}
	switch {
	case token.IsKeyword(name):
		p.report(CodePackageName, v.span(), "package cannot be %s, a keyword of Go", quote(name))
	case name == "main" || name == "documentation" || strings.HasSuffix(name, "_test"):
		p.report(CodePackageName, v.span(), "package cannot be %s, which the go command treats specially", quote(name)).
			help("generate a package of its own, such as %q", "shop")
	case !packagePattern.MatchString(name):
		p.report(CodePackageName, v.span(), "package %s is not a name of a Go package", quote(name)).
			help("use lower-case letters a-z, digits and _, beginning with a letter")
	default:
		p.schema.Package = name
	}
}

func (p *parser) output(_, v *node) {
	var dir string
	if !p.readText(v, "output", &dir) {
		return
	}
	switch {
	case strings.ContainsRune(dir, '\\'):
		p.report(CodeOutput, v.span(), "output contains a backslash").help("separate directories with /")
	case path.IsAbs(dir) || len(dir) > 1 && dir[1] == ':':
		p.report(CodeOutput, v.span(), "output must be relative to the schema file, so that it is the same on every machine")
	case strings.TrimSpace(dir) != dir || dir == "":
		p.report(CodeOutput, v.span(), "output %s is not a directory", quote(dir))
	default:
		p.schema.Output = path.Clean(dir)
	}
}

// storeNames returns the names of all stores.
func storeNames() []string { return []string{string(StoreS3), string(StoreFile), string(StoreMem)} }

func (p *parser) stores(_, v *node) {
	all := storeNames()
	items := v.items
	switch {
	case v.isText():
		items = []*node{v}
	case v.kind != sequenceNode:
		p.report(CodeWrongNode, v.span(), "stores must be a list, this is %s", v.what()).help("write stores: [s3, file, mem]")
		return
	case len(items) == 0:
		p.report(CodeEmptySection, v.span(), "stores names no store").help("leave stores out to link all: s3, file, mem")
		return
	}
	for _, item := range items {
		var name string
		if !p.readText(item, "a store", &name) {
			continue
		}
		switch {
		case !slices.Contains(all, name):
			p.report(CodeOptionValue, item.span(), "unknown store %s", quote(name)).help("%s", didYouMean(name, all))
		case slices.Contains(p.schema.Stores, Store(name)):
			p.report(CodeOptionValue, item.span(), "store %s is named twice", quote(name))
		default:
			p.schema.Stores = append(p.schema.Stores, Store(name))
		}
	}
}

// readText sets *to from a scalar that is not null.
func (p *parser) readText(n *node, what string, to *string) bool {
	if !n.isText() {
		p.report(CodeWrongNode, n.span(), "%s must be a text, this is %s", what, n.what())
		return false
	}
	*to = n.value
	return true
}

// readBool sets *to from true or false.
func (p *parser) readBool(n *node, what string, to *bool) bool {
	if n.kind == scalarNode && n.tag == "!!bool" {
		*to = strings.EqualFold(n.value, "true")
		return true
	}
	d := p.report(CodeWrongNode, n.span(), "%s must be true or false, this is %s", what, n.what())
	switch strings.ToLower(n.value) {
	case "yes", "on", "y", "1", "true":
		d.help("write true, without quotes")
	case "no", "off", "n", "0", "false":
		d.help("write false, without quotes")
	}
	return false
}

// readInt sets *to from a whole number between least and most.
func (p *parser) readInt(n *node, what string, least, most int, to *int) {
	v, err := strconv.Atoi(n.value)
	if n.kind != scalarNode || err != nil {
		p.report(CodeWrongNode, n.span(), "%s must be a whole number, this is %s", what, n.what())
		return
	}
	if v < least || v > most {
		p.report(CodeOptionValue, n.span(), "%s must be between %d and %d, this is %d", what, least, most, v)
		return
	}
	*to = v
}
