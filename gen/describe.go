package gen

import (
	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/schema"
)

// describe tells plugins what is decided about the package.
func (p *program) describe(s *schema.Schema) *plugin.Package {
	out := &plugin.Package{Name: s.Package, Description: s.Description}
	for i, r := range p.resources {
		x := s.Resources[i]
		out.Resources = append(out.Resources, plugin.Resource{
			Name: x.Name, Go: r.document, Collection: r.field, Description: x.Description, Deprecated: x.Deprecated,
			Behavior: string(x.Behavior), Timestamps: x.Timestamps, Version: x.Version,
			ID:         plugin.ID{Go: r.id, Generator: string(x.ID.Generator), Size: x.ID.Size},
			Attributes: describeFields(r.root.fields, x.Attributes),
			Partitions: describeIndexes(x.Partitions), Uniques: describeIndexes(x.Uniques),
		})
	}
	return out
}

// describeFields describes the attributes of a resource or an object, whose fields are
// in the same order.
func describeFields(fields []*field, attributes []*schema.Attribute) []plugin.Attribute {
	list := make([]plugin.Attribute, len(fields))
	for i, f := range fields {
		a := attributes[i]
		list[i] = plugin.Attribute{
			Name: a.Name, Path: a.Path, Go: f.name, Number: a.Number, Description: a.Description, Deprecated: a.Deprecated,
			Optional: a.Optional, Immutable: a.Immutable, HasDefault: a.HasDefault(),
			Type: describeType(f.value, a.Type),
		}
	}
	return list
}

func describeType(v *value, t *schema.Type) plugin.Type {
	out := plugin.Type{Kind: t.Kind, Go: v.typ, Rules: plugin.RulesOf(t.Rules)}
	if t.GoType != nil {
		out.Import, v = t.GoType.Import, v.stored
	}
	switch v.kind {
	case arrayValue, dictValue:
		out.Items = new(describeType(v.elem, t.Elem))
	case secretValue:
		out.Items = new(describeType(v.elem, secretElem(t)))
	case objectValue:
		out.Fields = describeFields(v.object.fields, t.Fields)
	case enumValue:
		for i, c := range v.enum.constants {
			x := t.Enum[i]
			out.Values = append(out.Values, plugin.Value{Name: c.value, Go: c.name, Number: c.number, Description: x.Description, Deprecated: x.Deprecated})
		}
	default:
	}
	return out
}

func describeIndexes(list []*schema.Index) []plugin.Index {
	var out []plugin.Index
	for _, i := range list {
		x := plugin.Index{Name: i.Name, Description: i.Description}
		for _, f := range i.Fields {
			x.Fields = append(x.Fields, f.Path)
		}
		out = append(out, x)
	}
	return out
}
