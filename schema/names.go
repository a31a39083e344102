package schema

import (
	"fmt"
	"go/token"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds names in characters; they are parts of keys and of Go names.
const maxName = 64

var (
	packagePattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	resourcePattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_-]*$`)
	indexPattern    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)
)

// resourceName reports whether the key names a resource, and says so if not.
func (p *parser) resourceName(key *node) bool {
	name := key.value
	switch {
	case !resourcePattern.MatchString(name):
		p.report(CodeResourceName, key.span(), "%s cannot name a resource", quote(name)).
			help("use letters a-z, A-Z, digits, - and _, beginning with a lower-case letter, such as users or orderItems")
	case len(name) > maxName:
		p.report(CodeResourceName, key.span(), "name of the resource has %d characters, at most %d are allowed", len(name), maxName)
	default:
		return true
	}
	return false
}

// indexName says so if the key cannot name a partition, a unique constraint or a
// relation.
func (p *parser) indexName(key *node, what string) {
	name := key.value
	switch {
	case !indexPattern.MatchString(name):
		p.report(CodeIndexName, key.span(), "%s cannot name a %s", quote(name), what).
			help("use letters a-z, A-Z, digits, - and _, beginning with a letter, such as byCountry")
	case len(name) > maxName:
		p.report(CodeIndexName, key.span(), "name of the %s has %d characters, at most %d are allowed", what, len(name), maxName)
	}
}

// attributeName reports whether the key names an attribute, and says so if not.
func (p *parser) attributeName(key *node) bool {
	name := key.value
	if name == "" {
		p.report(CodeAttributeName, key.span(), "an attribute needs a name")
		return false
	}
	if n := utf8.RuneCountInString(name); n > maxName {
		p.report(CodeAttributeName, key.span(), "name of the attribute has %d characters, at most %d are allowed", n, maxName)
		return false
	}
	for i, r := range name {
		if unicode.IsLetter(r) || i > 0 && (unicode.IsDigit(r) || r == '_' || r == '-') {
			continue
		}
		d := p.report(CodeAttributeName, key.part(i, i+utf8.RuneLen(r)), "attribute name %s %s", quote(name), nameFault(r, i == 0))
		switch {
		case r == '.':
			d.help("nest instead: %s: {%s: …}", name[:i], strings.Trim(name[i:], "."))
		case r == '$':
			d.help("begin with a letter; only the key $$type of a nested object begins with $")
		case unicode.Is(unicode.M, r):
			d.help("write the composed letter (Unicode normal form C); names in Go hold no combining marks")
		default:
			d.help("use letters, digits, _ and -, beginning with a letter")
		}
		return false
	}
	return true
}

func nameFault(r rune, first bool) string {
	switch {
	case r == '_':
		return "begins with _, which is kept for fields of the system"
	case first && unicode.IsDigit(r):
		return "begins with a digit"
	case first:
		return "begins with " + quote(string(r))
	}
	if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
		return fmt.Sprintf("contains the character U+%04X", r)
	}
	return "contains " + quote(string(r))
}

// reserved returns why a top-level attribute of r cannot have the name, "" if it can.
func (r *Resource) reserved(name string) string {
	switch {
	case name == "id":
		return "every document has an id already"
	case r.Timestamps && (name == "createdAt" || name == "updatedAt"):
		return "timestamps: true adds it"
	case name == "meta":
		return "every document has the field Meta, with its revision and version"
	}
	return ""
}

// reservedHelp says what to do instead of naming an attribute so.
func reservedHelp(name string) string {
	switch name {
	case "id":
		return "remove this line: a program may give the id of a document when it inserts it; how others are made says the resource's option id"
	case "meta":
		return "choose another name, such as metadata"
	}
	return "remove this line, or timestamps: true"
}

// goName reports whether a value of the option go can be an exported Go name.
func (p *parser) goName(at span, name string) bool {
	if token.IsIdentifier(name) && token.IsExported(name) && utf8.RuneCountInString(name) <= maxName {
		return true
	}
	p.report(CodeGoName, at, "%s is not an exported name of Go", quote(name)).
		help("begin with an upper-case letter and use letters, digits and _ only")
	return false
}
