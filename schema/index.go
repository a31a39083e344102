package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Limits that keep keys below what stores accept.
const (
	maxIndexFields = 8
	// maxIndexNames is the number of bytes that the names in a key may have; values,
	// the id and the prefix of the database take the rest of 1,024.
	maxIndexNames = 256
	// maxIndexPath is the same for one field, whose segment has at most 255 bytes.
	maxIndexPath = 160
)

// What indexes are called in messages.
const (
	aPartition  = "partition"
	aConstraint = "unique constraint"
)

// indexes reads the partitions and unique constraints of a resource, after its
// attributes. Either node may be nil.
func (p *parser) indexes(r *Resource, partitions, uniques *node) {
	if partitions != nil && p.filled(partitions, "partitions", aPartition) {
		for _, pair := range partitions.pairs {
			p.index(r, pair.key, pair.value, aPartition, &r.Partitions)
		}
	}
	system := func(option, name, path string, date bool) {
		if i := slices.IndexFunc(r.Partitions, func(x *Index) bool { return x.Name == name }); i >= 0 {
			at := r.Partitions[i].Pos
			p.report(CodeIndexDuplicate, span{at, p.src.wordEnd(at)}, "partition %s is added by %s: true", quote(name), option).
				help("remove it, or rename it when it is another")
			return
		}
		r.Partitions = append(r.Partitions, &Index{Pos: r.Pos, Name: name, Fields: []*IndexField{{Pos: r.Pos, Path: path, Date: date}}})
	}
	if r.Timestamps {
		system("timestamps", "byCreatedDate", "createdAt", true)
		system("timestamps", "byUpdatedDate", "updatedAt", true)
	}
	if r.Versioning {
		system("versioning", "byVersion", "_v", false)
	}
	if uniques != nil && p.filled(uniques, "unique", aConstraint) {
		for _, pair := range uniques.pairs {
			p.index(r, pair.key, pair.value, aConstraint, &r.Uniques)
		}
	}
	p.same(r, r.Partitions, aPartition)
	p.same(r, r.Uniques, aConstraint)
}

// index reads one partition or unique constraint: {fields: {country: string}},
// [country, city] or country.
func (p *parser) index(r *Resource, key, value *node, what string, all *[]*Index) {
	p.indexName(key, what)
	x := &Index{Pos: key.span().pos, Name: key.value}
	if i := slices.IndexFunc(*all, func(other *Index) bool { return other.Name == x.Name }); i >= 0 {
		at := (*all)[i].Pos
		p.report(CodeIndexDuplicate, key.span(), "%s %s is defined twice", what, quote(x.Name)).
			help("rename one of the two").also(p.src, span{at, p.src.wordEnd(at)}, "first defined here")
	}
	*all = append(*all, x)
	fields, hashed := value, (*node)(nil)
	if value.kind == mappingNode {
		fields = nil
		p.options(value, article(what), []option{
			{"fields", func(_, v *node) { fields = v }},
			{"description", func(_, v *node) { p.readText(v, "description", &x.Description) }},
			{"hashed", func(k, v *node) { p.hashed(k, v, what, x); hashed = v }},
		}, nil)
		if fields == nil {
			p.report(CodeMissingKey, key.span(), "%s %s has no fields", what, quote(x.Name)).
				help("write %s: {fields: {country: string}}", x.Name)
			return
		}
	}
	switch {
	case fields.isText():
		p.indexField(r, x, fields, nil, what)
	case fields.kind == sequenceNode:
		for _, item := range fields.items {
			if !item.isText() {
				p.report(CodeWrongNode, item.span(), "a field of a %s must be the name of an attribute, this is %s", what, item.what())
				continue
			}
			p.indexField(r, x, item, nil, what)
		}
	case fields.kind == mappingNode:
		for _, pair := range fields.pairs {
			p.indexField(r, x, pair.key, pair.value, what)
		}
	}
	switch n := len(x.Fields); {
	case fields.isNull() || fields.kind != scalarNode && len(fields.pairs)+len(fields.items) == 0:
		p.report(CodeIndexSize, key.span(), "%s %s has no fields", what, quote(x.Name)).
			help("name the attributes: %s: {fields: {country: string}}", x.Name)
	case n > maxIndexFields:
		p.report(CodeIndexSize, key.span(), "%s %s has %d fields, at most %d fit a key", what, quote(x.Name), n, maxIndexFields)
	default:
		p.keyNames(r, x, key.span(), what)
	}
	if what == aConstraint && slices.ContainsFunc(x.Fields, (*IndexField).secret) {
		if hashed != nil && !x.Hashed {
			p.report(CodeIndexSecret, hashed.span(), "unique constraint %s is over a secret, so it is hashed", quote(x.Name)).
				help("remove it: keys are not encrypted, and hold an HMAC of the values")
		}
		x.Hashed = true
	}
}

// secret reports whether the field is a secret, which makes its constraint a hashed one.
func (f *IndexField) secret() bool { return f.Attribute != nil && f.Attribute.Type.Kind == KindSecret }

// hashed reads the option that keeps the values of a unique constraint out of its keys.
func (p *parser) hashed(key, value *node, what string, x *Index) {
	if what == aPartition {
		p.report(CodeIndexRule, key.span(), "hashed is for unique constraints, a partition is read by its values").help("remove it")
		return
	}
	p.readBool(value, "hashed", &x.Hashed)
}

// keyNames reports an index whose names leave no room for values in its keys.
func (p *parser) keyNames(r *Resource, x *Index, at span, what string) {
	n := keyLength(r.Name) + keyLength(x.Name)
	for _, f := range x.Fields {
		path := keyLength(f.Path)
		if path > maxIndexPath {
			p.report(CodeIndexSize, at, "path %s takes %d bytes in a key, at most %d fit", quote(f.Path), path, maxIndexPath).
				help("shorten the names; a letter beyond ASCII takes 6 bytes or more")
			return
		}
		n += path + len("/=!")
	}
	if n > maxIndexNames {
		p.report(CodeIndexSize, at, "names of the resource, the %s and its fields take %d bytes in a key, at most %d fit", what, n, maxIndexNames).
			help("shorten the names; a letter beyond ASCII takes 6 bytes or more")
	}
}

// indexField reads a field of an index: the path of an attribute and, in the
// mapping form, rules.
func (p *parser) indexField(r *Resource, x *Index, path, rules *node, what string) {
	f := &IndexField{Pos: path.span().pos, Path: path.value}
	if i := slices.IndexFunc(x.Fields, func(other *IndexField) bool { return other.Path == f.Path }); i >= 0 {
		p.report(CodeIndexDuplicate, path.span(), "%s %s names %s twice", what, quote(x.Name), quote(f.Path)).
			help("remove one of the two")
		return
	}
	x.Fields = append(x.Fields, f)
	kind, ok := p.resolve(r, x, f, path, what)
	if !ok || rules == nil {
		return
	}
	if !rules.isText() {
		p.report(CodeWrongNode, rules.span(), "a field of a %s must be a rule string, this is %s", what, rules.what()).
			help("write %s: %s", f.Path, kind)
		return
	}
	p.indexRules(f, kind, rules, what)
}

// resolve finds the attribute of an index field.
func (p *parser) resolve(r *Resource, x *Index, f *IndexField, path *node, what string) (kind Kind, ok bool) {
	if kind, system := p.systemField(r, f.Path, path, what); system {
		return kind, kind != ""
	}
	attributes := r.Attributes
	names := strings.Split(f.Path, ".")
	for i, name := range names {
		j := slices.IndexFunc(attributes, func(a *Attribute) bool { return a.Name == name })
		if j < 0 {
			p.report(CodeIndexField, path.span(), "%s %s: %s has no attribute %s", what, quote(x.Name), quote(r.Name), quote(f.Path)).
				help("%s", didYouMean(f.Path, paths(r.Attributes)))
			return "", false
		}
		a := attributes[j]
		if i == len(names)-1 {
			f.Attribute = a
			break
		}
		f.Through = append(f.Through, a)
		attributes = a.Type.Fields
		inside := scope{secret: a.Type.Kind == KindSecret}
		if a.Type.Kind == KindArray || a.Type.Kind == KindMap {
			inside.container = string(a.Type.Kind)
		}
		if (inside.secret || inside.container != "") && !p.indexable(a.Type, inside, path.span(), what, quote(x.Name)) {
			return "", false
		}
	}
	kind = f.Attribute.Type.Kind
	return kind, kind != "" && p.indexable(f.Attribute.Type, scope{}, path.span(), what, quote(x.Name))
}

// keyLength returns the length of a name in a key, where bytes beyond ASCII are escaped.
func keyLength(name string) int {
	n := 0
	for i := range len(name) {
		n++
		if name[i] >= 0x80 {
			n += 2
		}
	}
	return n
}

// paths lists the attributes that an index could name.
func paths(attributes []*Attribute) []string {
	var all []string
	for _, a := range attributes {
		switch {
		case a.Type.Fields != nil:
			all = append(all, paths(a.Type.Fields)...)
		case a.Type.Kind.isKey():
			all = append(all, a.Path)
		}
	}
	return all
}

// systemField returns the kind of a field that the system keeps. System is
// false for other names; the kind is "" when the field cannot be used here.
func (p *parser) systemField(r *Resource, name string, at *node, what string) (kind Kind, system bool) {
	var option string
	switch name {
	case "createdAt", "updatedAt":
		kind, option = KindDateTime, "timestamps"
		if !r.Timestamps && slices.ContainsFunc(r.Attributes, func(a *Attribute) bool { return a.Name == name }) {
			return "", false
		}
	case "_v":
		kind, option = KindInteger, "versioning"
	case "id":
		p.report(CodeIndexSystem, at.span(), "id cannot be a field of a %s", what).
			help("every document is found by its id, and no two have the same")
		return "", true
	default:
		return "", false
	}
	switch {
	case what == aConstraint:
		p.report(CodeIndexSystem, at.span(), "%s cannot be a field of a %s", name, what)
	case option == "timestamps" && !r.Timestamps || option == "versioning" && !r.Versioning:
		p.report(CodeIndexSystem, at.span(), "%s has no %s", quote(r.Name), name).help("add %s: true to the resource", option)
	default:
		return kind, true
	}
	return "", true
}

// indexable reports whether values of t can be part of a key of an index, and says
// so if not. what and name are what messages call it.
func (p *parser) indexable(t *Type, s scope, at span, what, name string) bool {
	unique := what != aPartition
	what += " " + name
	switch {
	case s.container != "" || s.secret:
		where := s.container
		if s.secret {
			where = "secret"
		}
		p.report(CodeIndexKind, at, "%s cannot use a value inside %s", what, article(where)).
			help("only attributes of the resource and of nested objects can be looked up")
	case t.Kind == KindSecret && unique:
		if t.Elem == nil || t.Elem.Kind == "" || t.Elem.Kind.isKey() {
			return true
		}
		p.report(CodeIndexSecret, at, "%s cannot use a secret that holds %s", what, article(string(t.Elem.Kind))).
			help("only single values are compared: make another secret of the one that is unique")
	case t.Kind == KindSecret:
		p.report(CodeIndexSecret, at, "%s cannot use a secret: keys are not encrypted", what).
			help("make it unique instead: its keys then hold an HMAC, and the client finds the document by the value")
	case t.Kind == KindPassword:
		p.report(CodeIndexSecret, at, "%s cannot use a password: its hashes differ each time, and cannot be compared", what).
			help("look the document up by another attribute")
	case t.Kind != "" && !t.Kind.isKey():
		p.report(CodeIndexKind, at, "%s cannot use %s", what, article(string(t.Kind))).
			help("name a single value, such as an attribute of a nested object: profile.country")
	default:
		return true
	}
	return false
}

// indexRules reads the rules of an index field: its type, date, maxlength, desc.
func (p *parser) indexRules(f *IndexField, kind Kind, n *node, what string) {
	seen := map[string]span{}
	for i, r := range p.splitRules(n) {
		if first, ok := seen[r.name]; ok {
			p.report(CodeDuplicateRule, r.at, "rule %s is given twice", quote(r.name)).
				help("keep one of the two").also(p.src, first, "first given here")
			continue
		}
		seen[r.name] = r.at
		isFlag := r.name == "desc" || r.name == "date" && kind == KindDateTime
		isRule := isFlag || r.name == "maxlength"
		switch {
		case isRule && what == aConstraint:
			p.report(CodeIndexRule, r.at, "rule %s is for partitions, a unique constraint compares whole values", quote(r.name)).help("remove it")
		case isFlag && r.arg.given:
			p.report(CodeRuleArgument, r.arg.at, "rule %s takes no argument", quote(r.name)).help("write %s", r.name)
		case r.name == "date" && kind == KindDateTime:
			f.Date = true
		case r.name == "desc":
			f.Desc = true
		case r.name == "maxlength":
			p.maxLength(f, kind, r)
		case i == 0 && Kind(r.name).known() && !r.arg.given:
			if !sameIndexKind(Kind(r.name), kind) {
				p.report(CodeIndexRule, r.at, "attribute %s is %s, not %s", quote(f.Path), article(string(kind)), article(r.name)).
					help("write %s: %s", f.Path, kind)
			}
		default:
			p.report(CodeIndexRule, r.at, "unknown rule %s of a field of a %s", quote(r.name), what).
				help("%s", didYouMean(r.name, []string{string(kind), "date", "maxlength", "desc"}))
		}
	}
}

// sameIndexKind reports whether a field may be declared as kind said.
func sameIndexKind(said, kind Kind) bool {
	return said == kind || said.family() == kind.family() || said == KindNumber && kind == KindInteger
}

func (p *parser) maxLength(f *IndexField, kind Kind, r rule) {
	if !kind.isText() && kind != KindDate && kind != KindDateTime {
		p.report(CodeIndexRule, r.at, "maxlength does not apply to %s", article(string(kind))).
			help("it cuts texts and dates")
		return
	}
	n, err := strconv.Atoi(r.arg.text)
	if err != nil || n < 1 || n > maxCount {
		p.report(CodeRuleArgument, r.at, "maxlength needs a whole number from 1, as in maxlength:10")
		return
	}
	f.MaxLength = n
}

// same warns of two indexes over the same fields.
func (p *parser) same(r *Resource, all []*Index, what string) {
	first := map[string]*Index{}
	for _, x := range all {
		var b strings.Builder
		for _, f := range x.Fields {
			b.WriteString(strconv.Quote(f.Path) + strconv.FormatBool(f.Date) + strconv.Itoa(f.MaxLength) + strconv.FormatBool(f.Desc))
		}
		other := first[b.String()]
		if other == nil {
			first[b.String()] = x
			continue
		}
		if len(x.Fields) == 0 || x.Name == other.Name {
			continue
		}
		if x.Pos == r.Pos { // the one that an option adds stays
			x, other = other, x
		}
		p.report(CodeIndexSame, span{x.Pos, p.src.wordEnd(x.Pos)}, "%s %s has the fields of %s", what, quote(x.Name), quote(other.Name)).
			help("remove one of the two: each costs a request for every insert").
			also(p.src, span{other.Pos, p.src.wordEnd(other.Pos)}, "%s is defined here", quote(other.Name))
	}
}
