package schema

import (
	"slices"
	"strings"
)

// settings are the options that a resource takes from the schema's defaults.
type settings struct {
	timestamps bool
	versioning bool
	history    bool
	behavior   Behavior
	id         ID
}

// defaultIDSize is the number of characters of a nanoid: 22 of 64 make 132 bits.
const defaultIDSize = 22

// Sizes of nanoids: shorter ones collide at once, longer ones leave no room in a key.
const (
	minIDSize = 4
	maxIDSize = 128
)

// settingOptions are the options that resources and defaults share. The keys
// read are noted, for two spellings of one option.
func (p *parser) settingOptions(s *settings) []option {
	read := map[string]*node{}
	once := func(name string, f func(v *node)) func(k, v *node) {
		return func(k, v *node) {
			if first := read[name]; first != nil {
				p.report(CodeConflictingKeys, k.span(), "%s and %s say the same", quote(first.value), quote(k.value)).
					help("keep one of the two").also(p.src, first.span(), "first given here")
				return
			}
			read[name] = k
			f(v)
		}
	}
	versioning := once("versioning", func(v *node) { p.readBool(v, "versioning", &s.versioning) })
	id := once("generator", func(v *node) { p.id(v, &s.id) })
	return []option{
		{"timestamps", func(_, v *node) { p.readBool(v, "timestamps", &s.timestamps) }},
		{"behavior", func(_, v *node) { p.behavior(v, &s.behavior) }},
		{"id", func(k, v *node) {
			if v.kind == mappingNode {
				if _, ok := v.get("size"); ok && read["size"] == nil {
					read["size"] = k
				}
			}
			id(k, v)
		}},
		{"idGenerator", once("generator", func(v *node) { p.idGenerator(v, &s.id) })},
		{"idSize", once("size", func(v *node) { p.readInt(v, "idSize", minIDSize, maxIDSize, &s.id.Size) })},
		{"versioning", versioning},
		{"versioningEnabled", versioning},
		{"history", func(_, v *node) { p.readBool(v, "history", &s.history) }},
	}
}

func (p *parser) readDefaults(n *node) {
	p.defaults = settings{}
	if n.kind != mappingNode {
		p.report(CodeWrongNode, n.span(), "defaults must be a mapping of options, this is %s", n.what())
		return
	}
	p.options(n, "defaults", p.settingOptions(&p.defaults), resourceHints())
	p.checkID(&p.defaults.id, n)
}

// resourceHints maps options that users may expect to what to do instead.
func resourceHints() map[string]string {
	return map[string]string{
		"fields":          "the fields of a document are its attributes: write attributes",
		"hooks":           "hooks are Go functions: register them on the generated client",
		"middlewares":     "middlewares are Go functions: register them on the generated client",
		"events":          "events are subscribed to in Go, on the generated client",
		"plugins":         "plugins are given in Go when the program opens the database",
		"name":            "the key of a resource is its name; the name of the Go type is the option go",
		"indexes":         "write partitions to find documents by a field, unique to forbid two with the same value",
		"indices":         "write partitions to find documents by a field, unique to forbid two with the same value",
		"primaryKey":      "documents are stored under their id; see the option id",
		"was":             "a resource cannot be renamed, its name is part of every key; the name of the Go type is the option go",
		"idCharset":       "write id: {charset: any}",
		"belongsTo":       "write relations: {user: {belongsTo: users, by: userId}}",
		"hasMany":         "write relations: {orders: {hasMany: orders}}",
		"cache":           "caching is a plugin, given in Go when the program opens the database",
		"autoDecrypt":     "secrets are always decrypted for the caller",
		"asyncPartitions": "documents and their partitions are always written together",
	}
}

// resource reads one entry of resources.
func (p *parser) resource(key, value *node) {
	named := p.resourceName(key)
	if !p.filled(value, "resource "+quote(key.value), "attributes") {
		return
	}
	s := p.defaults
	r := &Resource{Pos: key.span().pos, Name: key.value}
	var attributes, partitions, uniques, relations, ttlKey, ttl *node
	known := append(p.settingOptions(&s),
		option{"attributes", func(_, v *node) { attributes = v }},
		option{"partitions", func(_, v *node) { partitions = v }},
		option{"unique", func(_, v *node) { uniques = v }},
		option{"relations", func(_, v *node) { relations = v }},
		option{"ttl", func(k, v *node) { ttlKey, ttl = k, v }},
		option{"description", func(_, v *node) { p.readText(v, "description", &r.Description) }},
		option{"deprecated", func(_, v *node) { p.deprecated(v, &r.Deprecated) }},
		option{"allow", func(_, v *node) { p.allow(v, &r.Allow) }},
		option{"go", func(_, v *node) {
			if p.readText(v, "go", &r.GoName) {
				p.goName(v.span(), r.GoName)
			}
		}},
	)
	_, hasAttributes := value.get("attributes")
	if !hasAttributes && looksLikeAttributes(value, known) {
		p.report(CodeMissingKey, span{pos: value.pos}, "resource %s has no attributes", quote(key.value)).
			help("put the attributes one level deeper, under attributes:")
		return
	}
	p.options(value, "a resource", known, resourceHints())
	p.checkID(&s.id, value)
	r.Timestamps, r.Versioning, r.History, r.Behavior, r.ID = s.timestamps, s.versioning, s.history, s.behavior, s.id
	if r.Behavior == "" {
		r.Behavior = UserManaged
	}
	if !hasAttributes {
		p.report(CodeMissingKey, key.span(), "resource %s has no attributes", quote(key.value)).
			help("add attributes: {name: string}")
		return
	}
	p.attributes(r, attributes)
	p.indexes(r, partitions, uniques)
	p.ttl(r, ttlKey, ttl)
	p.relations(r, relations)
	if named {
		p.schema.Resources = append(p.schema.Resources, r)
	}
}

// looksLikeAttributes reports whether a resource seems to list its attributes
// directly, without the key attributes.
func looksLikeAttributes(n *node, known []option) bool {
	for _, pair := range n.pairs {
		for _, o := range known {
			if o.name == pair.key.value {
				return false
			}
		}
		if looksLikeType(pair.value) {
			continue
		}
		if pair.value.kind != mappingNode || resourceHints()[pair.key.value] != "" {
			return false
		}
	}
	return true
}

// behaviorNames returns the names of all behaviors.
func behaviorNames() []string {
	return []string{string(UserManaged), string(EnforceLimits), string(TruncateData), string(BodyOverflow), string(BodyOnly)}
}

func (p *parser) behavior(v *node, to *Behavior) {
	all := behaviorNames()
	var name string
	if !p.readText(v, "behavior", &name) {
		return
	}
	if slices.Contains(all, name) {
		*to = Behavior(name)
		return
	}
	p.report(CodeOptionValue, v.span(), "unknown behavior %s", quote(name)).help("%s", didYouMean(name, all))
}

func (p *parser) deprecated(v *node, to *string) {
	if v.tag == "!!bool" {
		p.report(CodeWrongNode, v.span(), "deprecated must be a text that says what to use instead, this is %s", v.what())
		return
	}
	if p.readText(v, "deprecated", to) && strings.TrimSpace(*to) == "" {
		p.report(CodeOptionValue, v.span(), "deprecated must say what to use instead")
	}
}

// allowable returns the codes of warnings that a resource may allow.
func allowable() []string { return []string{string(CodeBudgetRefused), string(CodeBudgetCut)} }

// allow reads the codes of warnings that a resource does not want to hear.
func (p *parser) allow(v *node, to *[]Code) {
	all := allowable()
	items := v.items
	switch {
	case v.kind == scalarNode:
		items = []*node{v}
	case v.kind == mappingNode:
		p.report(CodeWrongNode, v.span(), "allow must be a list of codes, this is %s", v.what())
	}
	for _, item := range items {
		var code string
		switch {
		case !p.readText(item, "allow", &code):
		case !slices.Contains(all, code):
			p.report(CodeOptionValue, item.span(), "%s is not a warning that can be allowed", quote(code)).help("use one of: %s", strings.Join(all, ", "))
		default:
			*to = append(*to, Code(code))
		}
	}
}

// id reads the option id: a generator, or a mapping.
func (p *parser) id(v *node, to *ID) {
	if v.isText() {
		p.idGenerator(v, to)
		return
	}
	if v.kind != mappingNode {
		p.report(CodeWrongNode, v.span(), "id must be the name of a generator or a mapping, this is %s", v.what())
		return
	}
	p.options(v, "id", []option{
		{"generator", func(_, v *node) { p.idGenerator(v, to) }},
		{"size", func(_, v *node) { p.readInt(v, "size", minIDSize, maxIDSize, &to.Size) }},
		{"charset", func(_, v *node) {
			var name string
			if !p.readText(v, "charset", &name) {
				return
			}
			if name != "safe" && name != "any" {
				p.report(CodeOptionValue, v.span(), "unknown charset %s", quote(name)).help("use one of: safe, any")
				return
			}
			to.Any = name == "any"
		}},
	}, map[string]string{"type": "write generator", "length": "write size"})
}

// generatorNames returns the names of all generators of ids.
func generatorNames() []string {
	return []string{string(NanoID), string(UUIDv1), string(UUIDv4), string(UUIDv7), string(ULID), string(Custom)}
}

func (p *parser) idGenerator(v *node, to *ID) {
	all := generatorNames()
	var name string
	if !p.readText(v, "generator", &name) {
		return
	}
	if slices.Contains(all, name) {
		to.Generator = IDGenerator(name)
		return
	}
	p.report(CodeOptionValue, v.span(), "unknown id generator %s", quote(name)).help("%s", didYouMean(name, all))
}

// checkID completes id, whose options stand in n.
func (p *parser) checkID(id *ID, n *node) {
	if id.Generator == "" {
		id.Generator = NanoID
	}
	if id.Generator == NanoID {
		if id.Size == 0 {
			id.Size = defaultIDSize
		}
		return
	}
	if id.Size == 0 {
		return
	}
	given := false
	for _, pair := range n.pairs {
		at := pair.key
		switch pair.key.value {
		case "id":
			size, ok := pair.value.get("size")
			if !ok {
				continue
			}
			at = size.key
		case "idSize":
		default:
			continue
		}
		given = true
		p.report(CodeConflictingKeys, at.span(), "only a nanoid has a size, not %s", quote(string(id.Generator))).help("remove the size")
	}
	if !given { // a size from the defaults does not concern another generator
		id.Size = 0
	}
}
