package convert

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// maxName is the longest name of a resource or attribute, in characters.
const maxName = 64

// ResourceNames returns the names that resources get in the schema, in the order
// of the definition. They are the same, unless the schema does not allow one.
func ResourceNames(def *s3dbjs.Definition) []string {
	names := make([]string, len(def.Resources))
	for i, r := range def.Resources {
		names[i] = r.Name
	}
	return unique(names, resourceName)
}

// AttributeNames returns the names that attributes of one level get in the schema.
// top is the level of the resource itself; its attribute id becomes "", since
// every document has one, and so do timestamps that the runtime keeps.
func AttributeNames(list []*s3dbjs.Attribute, top, timestamps bool) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Name
	}
	return unique(names, func(name string) string {
		switch {
		case top && name == "id", top && timestamps && (name == "createdAt" || name == "updatedAt"):
			return ""
		case top && name == "meta":
			return "metaValue" // meta is taken
		}
		return attributeName(name)
	})
}

// unique makes names valid and different, also where Go would not tell them apart.
func unique(names []string, valid func(string) string) []string {
	taken := map[string]bool{}
	out := make([]string, len(names))
	for i, name := range names {
		name = valid(name)
		if name == "" {
			continue
		}
		for base, n := name, 2; taken[fold(name)]; n++ {
			name = base + strconv.Itoa(n)
		}
		taken[fold(name)] = true
		out[i] = name
	}
	return out
}

// fold drops what the derivation of Go names drops.
func fold(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return r
	}, name))
}

// resourceName matches [a-z][a-zA-Z0-9_-]*.
func resourceName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if name == "" || !unicode.IsLetter(rune(name[0])) {
		name = "r" + name
	}
	return cut(strings.ToLower(name[:1]) + name[1:])
}

// attributeName begins with a letter, and has letters, digits, "_" and "-".
func attributeName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) {
		name = "x" + name
	}
	return cut(name)
}

// indexName matches [a-zA-Z][a-zA-Z0-9_-]*.
func indexName(name string) string {
	valid := resourceName(name)
	if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
		return name[:1] + valid[1:]
	}
	return valid
}

// cut leaves room for the number that a double gets.
func cut(name string) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), maxName-4)])
}
