package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Relation says that documents of a resource belong to those of another one.
type Relation struct {
	Pos         Position
	Name        string
	Description string
	Kind        RelationKind
	To          *Resource  // whose documents are loaded
	By          *Attribute // holds the id: of the resource itself under BelongsTo, of To under HasMany
	Partition   *Index     // under HasMany: the partition of To through which they are found
}

// RelationKind is the side of a relation that holds the id.
type RelationKind string

// The kinds. BelongsTo: an attribute holds the id of a document of the other
// resource. HasMany: documents of the other resource hold the id.
const (
	BelongsTo RelationKind = "belongsTo"
	HasMany   RelationKind = "hasMany"
)

const aRelation = "relation"

// relation is a Relation being read, whose other resource may come later.
type relation struct {
	*Relation
	from       *Resource
	key        *node
	target, by *node
}

// relations reads the option relations of a resource.
func (p *parser) relations(r *Resource, n *node) {
	if n == nil || !p.filled(n, "relations", aRelation) {
		return
	}
	for _, pair := range n.pairs {
		p.indexName(pair.key, aRelation)
		x := relation{Relation: &Relation{Pos: pair.key.span().pos, Name: pair.key.value}, from: r, key: pair.key}
		const help = "write user: {belongsTo: users, by: userId}, or orders: {hasMany: orders}"
		if pair.value.kind != mappingNode {
			p.report(CodeWrongNode, pair.value.span(), "a relation must be a mapping, this is %s", pair.value.what()).help(help)
			continue
		}
		side := func(kind RelationKind) func(k, v *node) {
			return func(k, v *node) {
				if x.target != nil {
					p.report(CodeConflictingKeys, k.span(), "a relation is either belongsTo or hasMany").help("keep one of the two")
				}
				x.Kind, x.target = kind, v
			}
		}
		p.options(pair.value, article(aRelation), []option{
			{string(BelongsTo), side(BelongsTo)},
			{string(HasMany), side(HasMany)},
			{"by", func(_, v *node) { x.by = v }},
			{"description", func(_, v *node) { p.readText(v, "description", &x.Description) }},
		}, map[string]string{
			"hasOne": "write hasMany: the list has at most one document", "belongsToMany": "write a resource of its own that belongs to both",
			"foreignKey": "write by", "field": "write by", "ref": "write belongsTo",
			"partition": "leave it out: the partition over the attribute is taken",
		})
		if x.target == nil {
			p.report(CodeMissingKey, pair.key.span(), "relation %s does not say to what", quote(x.Name)).help(help)
			continue
		}
		p.related = append(p.related, x)
	}
}

// resolveRelations finds what relations name, when all resources are read. Those that
// belong to another resource come first: the others are their opposites.
func (p *parser) resolveRelations() {
	for _, kind := range []RelationKind{BelongsTo, HasMany} {
		for _, x := range p.related {
			if x.Kind == kind && p.resolveTarget(x) && p.resolveBy(x) {
				x.from.Relations = append(x.from.Relations, x.Relation)
			}
		}
	}
	for _, r := range p.schema.Resources {
		slices.SortStableFunc(r.Relations, func(a, b *Relation) int { return a.Pos.compare(b.Pos) })
	}
}

func (p *parser) resolveTarget(x relation) bool {
	var name string
	if !p.readText(x.target, string(x.Kind), &name) {
		return false
	}
	if x.To = p.schema.resource(name); x.To != nil {
		return true
	}
	var names []string
	for _, r := range p.schema.Resources {
		names = append(names, r.Name)
	}
	p.report(CodeRelationTarget, x.target.span(), "there is no resource %s", quote(name)).help("%s", didYouMean(name, names))
	return false
}

// resolveBy finds the attribute that holds the id.
func (p *parser) resolveBy(x relation) bool {
	holder, to := x.from, x.To
	if x.Kind == HasMany {
		holder, to = x.To, x.from
		if x.by == nil {
			return p.opposite(x) && p.partitionOf(x)
		}
	}
	if x.by == nil {
		p.report(CodeMissingKey, x.key.span(), "relation %s does not say by which attribute", quote(x.Name)).
			help("write by: and the attribute of %s that holds the id, such as %s", holder.Name, x.Name+"Id")
		return false
	}
	var name string
	if !p.readText(x.by, "by", &name) {
		return false
	}
	i := slices.IndexFunc(holder.Attributes, func(a *Attribute) bool { return a.Name == name })
	if i < 0 {
		var texts []string
		for _, a := range holder.Attributes {
			if a.Type.Kind == KindString {
				texts = append(texts, a.Name)
			}
		}
		help := fmt.Sprintf("add it to %s: %s: string", holder.Name, name)
		switch {
		case strings.Contains(name, "."):
			help = "take an attribute of the resource itself, not of a nested object"
		case len(texts) > 0:
			help = didYouMean(name, texts)
		}
		p.report(CodeRelationBy, x.by.span(), "%s has no attribute %s of its own", quote(holder.Name), quote(name)).help("%s", help)
		return false
	}
	x.By = holder.Attributes[i]
	if x.Kind == HasMany {
		if x.By.Type.Ref != to {
			p.noOpposite(x, x.by.span(), name)
			return false
		}
		return p.partitionOf(x)
	}
	return p.holdsID(x)
}

// holdsID checks that the attribute of a belongsTo can hold an id, and makes it one.
func (p *parser) holdsID(x relation) bool {
	t, at := x.By.Type, x.by.span()
	there := span{x.By.Pos, p.src.wordEnd(x.By.Pos)}
	switch {
	case t.Kind == "":
		return false // told already
	case t.Kind != KindString:
		p.report(CodeRelationType, at, "attribute %s is %s, and ids of %s are strings", quote(x.By.Name), article(string(t.Kind)), x.To.Name).
			help("write %s: string", x.By.Name).also(p.src, there, "the attribute is here")
	case t.Rules.Trim || t.Rules.Lowercase || t.Rules.Uppercase:
		p.report(CodeRelationType, at, "attribute %s is changed before it is stored, and would be another id then", quote(x.By.Name)).
			help("remove trim, lowercase and uppercase").also(p.src, there, "the attribute is here")
	case t.GoType != nil:
		p.report(CodeRelationType, at, "attribute %s has the type %s, and one that holds an id has that of the id", quote(x.By.Name), t.GoType).
			help("remove goType: ids of %s have a type of their own already", x.To.Name).also(p.src, span{pos: t.GoType.Pos}, "the type is given here")
	case t.Ref != nil && t.Ref != x.To:
		p.report(CodeRelationType, at, "attribute %s holds ids of %s already", quote(x.By.Name), t.Ref.Name).
			help("take an attribute of its own for each resource")
	default:
		t.Ref = x.To
		return true
	}
	return false
}

// opposite finds the one belongsTo that leads back.
func (p *parser) opposite(x relation) bool {
	var found []*Relation
	for _, back := range x.To.Relations {
		if back.Kind == BelongsTo && back.To == x.from {
			found = append(found, back)
		}
	}
	switch len(found) {
	case 0:
		p.noOpposite(x, x.target.span(), singularOf(x.from)+"Id")
		return false
	case 1:
		x.By = found[0].By
		return true
	}
	d := p.report(CodeRelationOpposite, x.target.span(), "%s belong to %s by several attributes", x.To.Name, x.from.Name).
		help("say which, as in by: %s", found[0].By.Name)
	for _, back := range found[:2] {
		d.also(p.src, span{back.Pos, p.src.wordEnd(back.Pos)}, "by %s here", back.By.Name)
	}
	return false
}

func (p *parser) noOpposite(x relation, at span, by string) {
	p.report(CodeRelationOpposite, at, "%s does not belong to %s by %s", quote(x.To.Name), x.from.Name, quote(by)).
		help("add to %s: relations: {%s: {belongsTo: %s, by: %s}}", x.To.Name, singularOf(x.from), x.from.Name, by)
}

// singularOf is a name for one document of a resource, for messages.
func singularOf(r *Resource) string {
	if n := len(r.Name) - 1; n > 1 && r.Name[n] == 's' {
		return r.Name[:n]
	}
	return r.Name
}

// partitionOf finds the partition of a hasMany: the one with the fewest fields that
// begins with the attribute and has all documents that have it.
func (p *parser) partitionOf(x relation) bool {
	for _, i := range x.To.Partitions {
		if i.leads(x.By) && (x.Partition == nil || len(i.Fields) < len(x.Partition.Fields)) {
			x.Partition = i
		}
	}
	if x.Partition == nil {
		p.report(CodeRelationPartition, x.target.span(), "no partition of %s finds them by %s", x.To.Name, quote(x.By.Name)).
			help("add to %s: partitions: {by%s: %s}", x.To.Name, capitalised(x.By.Name), x.By.Name)
	}
	return x.Partition != nil
}

// leads reports whether a partition has all documents with a value of the attribute
// under that value.
func (x *Index) leads(a *Attribute) bool {
	if len(x.Fields) == 0 || x.Fields[0].Attribute != a || x.Fields[0].MaxLength > 0 || x.Fields[0].Desc {
		return false
	}
	return !slices.ContainsFunc(x.Fields[1:], func(f *IndexField) bool {
		return f.Attribute != nil && f.Attribute.Optional || slices.ContainsFunc(f.Through, func(a *Attribute) bool { return a.Optional })
	})
}

func capitalised(name string) string {
	if name[0] >= 'a' && name[0] <= 'z' {
		return string(name[0]-'a'+'A') + name[1:]
	}
	return name
}

// relations compares what programs can load.
func (c *comparison) relations(old, now *Resource) {
	find := func(list []*Relation, name string) *Relation {
		i := slices.IndexFunc(list, func(x *Relation) bool { return x.Name == name })
		if i < 0 {
			return nil
		}
		return list[i]
	}
	for _, o := range old.Relations {
		switch x := find(now.Relations, o.Name); {
		case x == nil:
			c.add(SourceBreaking, c.at, o.Name, "the relation is gone, and the method that loads it")
		case x.Kind != o.Kind || x.To.Name != o.To.Name:
			c.add(SourceBreaking, x.Pos, o.Name, "the relation loads something else: it was %s %s and is %s %s", o.Kind, o.To.Name, x.Kind, x.To.Name)
		}
	}
	for _, x := range now.Relations {
		if find(old.Relations, x.Name) == nil {
			c.add(Safe, x.Pos, x.Name, "the relation is new")
		}
	}
}
