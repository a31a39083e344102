package schema

import (
	"fmt"
	"reflect"
	"strings"
)

// dump prints what is set in a schema, one line an attribute.
func dump(s *Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s output=%q stores=%v description=%q\n", s.Package, s.Output, s.Stores, s.Description)
	for _, r := range s.Resources {
		fmt.Fprintf(&b, "\nresource %s at %d:%d%s\n", r.Name, r.Pos.Line, r.Pos.Column, set(*r))
		dumpAttributes(&b, "  ", r.Attributes)
		dumpIndexes(&b, "partition", r.Partitions)
		dumpIndexes(&b, "unique", r.Uniques)
		if t := r.TTL; t != nil {
			fmt.Fprintf(&b, "  ttl at %d:%d %v after %s, every %v\n", t.Pos.Line, t.Pos.Column, t.For, t.After, t.Every())
		}
		for _, x := range r.Relations {
			partition := ""
			if x.Partition != nil {
				partition = " through " + x.Partition.Name
			}
			fmt.Fprintf(&b, "  relation %s at %d:%d %s %s by %s%s\n", x.Name, x.Pos.Line, x.Pos.Column, x.Kind, x.To.Name, x.By.Name, partition)
		}
	}
	return b.String()
}

func dumpAttributes(b *strings.Builder, indent string, attributes []*Attribute) {
	for _, a := range attributes {
		fmt.Fprintf(b, "%s%d %s at %d:%d%s", indent, a.Number, a.Path, a.Pos.Line, a.Pos.Column, set(*a))
		if a.Default != nil {
			fmt.Fprintf(b, " default=%T(%v)", a.Default, a.Default)
		}
		b.WriteByte('\n')
		dumpType(b, indent+"    ", a.Type)
	}
}

func dumpType(b *strings.Builder, indent string, t *Type) {
	if t.Ref != nil {
		fmt.Fprintf(b, "%sid of %s\n", indent, t.Ref.Name)
	}
	fmt.Fprintf(b, "%s%s at %d:%d%s\n", indent, t.Kind, t.Pos.Line, t.Pos.Column, set(t.Rules))
	for _, v := range t.Enum {
		fmt.Fprintf(b, "%s  value %d %q%s\n", indent, v.Number, v.Name, set(v))
	}
	if t.Elem != nil {
		dumpType(b, indent+"  of ", t.Elem)
	}
	dumpAttributes(b, indent+"  ", t.Fields)
}

func dumpIndexes(b *strings.Builder, what string, indexes []*Index) {
	for _, x := range indexes {
		fmt.Fprintf(b, "  %s %s at %d:%d%s\n", what, x.Name, x.Pos.Line, x.Pos.Column, set(*x))
		for _, f := range x.Fields {
			through := ""
			for _, a := range f.Through {
				through += " through " + a.Path
			}
			attribute := "system"
			if f.Attribute != nil {
				attribute = f.Attribute.Path
			}
			fmt.Fprintf(b, "    %s at %d:%d (%s)%s%s\n", f.Path, f.Pos.Line, f.Pos.Column, attribute, through, set(*f))
		}
	}
}

// set lists the fields of a struct with simple values that are not zero.
func set(v any) string {
	var b strings.Builder
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		field, f := value.Type().Field(i), value.Field(i)
		switch field.Name {
		case "Name", "Path", "Number", "Pos", "Default", "Hash":
			continue
		}
		if !field.IsExported() || f.IsZero() {
			continue
		}
		switch f.Kind() {
		case reflect.Pointer:
			if f.Elem().Kind() != reflect.Struct {
				fmt.Fprintf(&b, " %s=%v", field.Name, f.Elem())
			}
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.String {
				fmt.Fprintf(&b, " %s=%q", field.Name, f.Interface())
			}
		case reflect.Interface:
		case reflect.String:
			fmt.Fprintf(&b, " %s=%q", field.Name, f.String())
		default:
			fmt.Fprintf(&b, " %s=%+v", field.Name, f.Interface())
		}
	}
	return b.String()
}
