package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe prints what a step does: "2: 1>4 number; V1(a 1, b 2 optional)>c 5; default d 6".
func (s *Step) describe() string {
	list := func(attributes []*Attribute) string {
		var all []string
		for _, a := range attributes {
			text := fmt.Sprintf("%s %s %d", a.Name, a.Type.signature(), a.Number)
			if a.Optional {
				text += " optional"
			}
			all = append(all, text)
		}
		return strings.Join(all, ", ")
	}
	text := fmt.Sprintf("%d:", s.Version)
	for _, c := range s.Conversions {
		text += fmt.Sprintf(" %d>%d %s;", c.From, c.To, c.Kind)
	}
	if s.Migration != nil {
		text += fmt.Sprintf(" V%d(%s)>(%s);", s.Migration.From, list(s.Migration.Old), list(s.Migration.New))
	}
	if s.Defaults != nil {
		text += fmt.Sprintf(" default %s;", list(s.Defaults))
	}
	return text
}

// TestSteps follows a resource through changes of its schema, and holds what
// documents of all earlier versions need to the steps that the lock file gives.
func TestSteps(t *testing.T) {
	type stage struct {
		attributes string
		numbers    string
		steps      string
	}
	for name, stages := range map[string][]stage{
		"what needs nothing": {
			{"a: string\nb: string\nc: enum:x", "a 1, b 2, c 3, c=x 1", ""},
			{"z: text|was:a\nc: enum:x,y\nn: string|optional", "z 1, c 3, c=x 1, c=y 2, n 4", ""},
			{"z: string|optional\nc: enum:x,y", "z 1, c 3, c=x 1, c=y 2", ""},
		},
		"a default": {
			{"a: string", "a 1", ""},
			{"a: string\nb: integer|default:7", "a 1, b 2", "1: default b integer 2;"},
			{"a: string\nb: integer|default:8", "a 1, b 2", "1: default b integer 2;"},
			{"a: string\nb: integer|optional", "a 1, b 2", ""},
		},
		"a default for what was optional": {
			{"a: string\nb: integer|optional", "a 1, b 2", ""},
			{"a: string\nb: integer|default:7", "a 1, b 2", "1: default b integer 2;"},
		},
		"an exact conversion": {
			{"a: integer\nb: integer|optional", "a 1, b 2", ""},
			{"a: number\nb: decimal|optional", "a 3, b 4", "1: 1>3 number; 2>4 decimal;"},
			{"a: number\nb: decimal|optional\nc: string|optional", "a 3, b 4, c 5", "1: 1>3 number; 2>4 decimal;"},
			{"b: decimal|optional\nc: string|optional", "b 4, c 5", "1: 1>3 number; 2>4 decimal;"},
		},
		"functions": {
			{"a: string\nb: string|optional", "a 1, b 2", ""},
			{"a: integer|migrate\nb: string|optional\nc: boolean|migrate", "a 3, b 2, c 4", "1: V0(a string 1, b string 2 optional)>(a integer 3, c boolean 4);"},
			{"a: integer\nb: string|migrate\nc: boolean\nd: integer|default:1", "a 3, b 5, c 4, d 6",
				"1: V0(a string 1, b string 2 optional)>(a integer 3, c boolean 4);" +
					" 2: V1(b string 2 optional, a integer 3, c boolean 4)>(b string 5); default d integer 6;"},
			{"a: string|migrate\nb: string\nd: integer|default:1", "a 7, b 5, d 6",
				"1: V0(a string 1, b string 2 optional)>(a integer 3, c boolean 4);" +
					" 2: V1(b string 2 optional, a integer 3, c boolean 4)>(b string 5); default d integer 6;" +
					" 3: V2(a integer 3, c boolean 4, b string 5, d integer 6)>(a string 7);"},
		},
		"an object as a whole": {
			{"p: {a: string, e: 'enum:x,y'}", "p 1, p.a 1, p.e 2, p.e=x 1, p.e=y 2", ""},
			{"p: {type: object, migrate: true, fields: {a: string, e: 'enum:x,y', c: string|optional}}", "p 1, p.a 1, p.e 2, p.e=x 1, p.e=y 2, p.c 3", ""},
			{"p: {type: object, migrate: true, fields: {a: integer, e: 'enum:x,y', c: string|optional}}", "p 2, p.a 1, p.e 2, p.e=x 1, p.e=y 2, p.c 3",
				"2: V1(p object 1)>(p object 2);"},
			{"p: {type: object, migrate: true, fields: {a: integer, e: 'enum:x', c: string|optional}}", "p 3, p.a 1, p.e 2, p.e=x 1, p.c 3",
				"2: V1(p object 1)>(p object 2); 3: V2(p object 2)>(p object 3);"},
		},
		"an object whose values go elsewhere inside it": {
			{"p: {a: string, o: {x: string}}", "p 1, p.a 1, p.o 2, p.o.x 1", ""},
			{"p: {type: object, migrate: true, fields: {o: {x: string}, l: array|items:string}}", "p 2, p.o 1, p.o.x 1, p.l 2",
				"1: V0(p object 1)>(p object 2);"},
			{"p: {type: object, migrate: true, fields: {o: {type: object, fields: {y: bytes}}, l: array|items:string}}", "p 3, p.o 1, p.o.y 1, p.l 2",
				"1: V0(p object 1)>(p object 2); 2: V1(p object 2)>(p object 3);"},
			{"p: {type: object, migrate: true, fields: {o: {type: object, fields: {y: bytes, m: json}}}}", "p 4, p.o 1, p.o.y 1, p.o.m 2",
				"1: V0(p object 1)>(p object 2); 2: V1(p object 2)>(p object 3); 3: V2(p object 3)>(p object 4);"},
			{"p: {type: object, migrate: true, fields: {o: {type: object, fields: {z: {type: bytes, was: y}, m: json}}}}", "p 4, p.o 1, p.o.z 1, p.o.m 2",
				"1: V0(p object 1)>(p object 2); 2: V1(p object 2)>(p object 3); 3: V2(p object 3)>(p object 4);"},
			{"p: {type: object, migrate: true, fields: {o: {type: object, fields: {m: json}}}}", "p 4, p.o 1, p.o.m 2",
				"1: V0(p object 1)>(p object 2); 2: V1(p object 2)>(p object 3); 3: V2(p object 3)>(p object 4);"},
		},
		"an object in which an optional value takes the place of another": {
			{"p: {a: string}", "p 1, p.a 1", ""},
			{"p: {type: object, migrate: true, fields: {b: string|optional}}", "p 2, p.b 1", "1: V0(p object 1)>(p object 2);"},
		},
		"nothing is stored yet": {
			{"a: integer|migrate", "a 1", ""},
			{"a: integer|migrate\nb: string|migrate", "a 1, b 2", "1: V0(a integer 1)>(b string 2);"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			lock := ""
			for i, stage := range stages {
				for range 2 { // the second time all is recorded
					s, next, found := assign(t, stage.attributes, lock)
					if found.HasErrors() {
						t.Fatalf("stage %d: %v", i, found)
					}
					r := s.Resources[0]
					if diff := cmp.Diff(stage.numbers, numbers(r.Attributes)); diff != "" {
						t.Errorf("stage %d: numbers (-want +got)\n%s", i, diff)
					}
					var steps []string
					for _, step := range r.Steps {
						steps = append(steps, step.describe())
					}
					if diff := cmp.Diff(stage.steps, strings.Join(steps, " ")); diff != "" {
						t.Errorf("stage %d: steps (-want +got)\n%s", i, diff)
					}
					if len(r.Hashes) != r.Version+1 || r.Hashes[r.Version] != r.Hash {
						t.Errorf("stage %d: hashes %v", i, r.Hashes)
					}
					lock = next
				}
			}
		})
	}
}
