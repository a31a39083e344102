package gen

import (
	"fmt"
	"go/format"
	"testing"

	"github.com/s3dbgen/s3dbgen/schema"
)

func big(resources int) *schema.Schema {
	s := &schema.Schema{Package: "shop"}
	two, hundred := int64(2), int64(100)
	for i := range resources {
		str := func(n int, name string) *schema.Attribute {
			return &schema.Attribute{Name: name, Path: name, Number: n, Type: &schema.Type{Kind: schema.KindString, Rules: schema.Rules{Min: &two, Max: &hundred}}}
		}
		country := str(1, "country")
		r := &schema.Resource{
			Name: fmt.Sprintf("things%d_items", i), Timestamps: true, Behavior: schema.UserManaged,
			Attributes: []*schema.Attribute{
				str(1, "name"), str(2, "email"), country, {Name: "age", Path: "age", Number: 4, Optional: true, Type: &schema.Type{Kind: schema.KindInteger}},
				{Name: "score", Path: "score", Number: 5, Type: &schema.Type{Kind: schema.KindNumber}},
				{Name: "active", Path: "active", Number: 6, Default: true, Type: &schema.Type{Kind: schema.KindBoolean}},
				{Name: "role", Path: "role", Number: 7, Default: "admin", Type: &schema.Type{Kind: schema.KindEnum, Enum: []schema.EnumValue{{Name: "admin", Number: 1}, {Name: "+", Number: 2}}}},
				{Name: "tags", Path: "tags", Number: 8, Optional: true, Type: &schema.Type{Kind: schema.KindArray, Elem: &schema.Type{Kind: schema.KindString}}},
				{Name: "born", Path: "born", Number: 9, Type: &schema.Type{Kind: schema.KindDate}},
				{Name: "seenAt", Path: "seenAt", Number: 10, Optional: true, Type: &schema.Type{Kind: schema.KindDateTime}},
			},
			Partitions: []*schema.Index{{Name: "byCountry", Fields: []*schema.IndexField{{Path: "country", Attribute: country}}}},
		}
		s.Resources = append(s.Resources, r)
	}
	return s
}

func BenchmarkGenerate(b *testing.B) {
	s := big(100)
	for b.Loop() {
		if _, _, err := Generate(s, nil); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkGofmt(b *testing.B) {
	files, ds, err := Generate(big(100), nil)
	if err != nil || len(ds) > 0 {
		b.Fatal(err, ds)
	}
	n := 0
	for b.Loop() {
		n = 0
		for _, f := range files {
			n += len(f.Content)
			if _, err := format.Source(f.Content); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Log(n, len(files))
}
func BenchmarkBuild(b *testing.B) {
	s := big(100)
	for b.Loop() {
		newProgram(s, nil)
	}
}
