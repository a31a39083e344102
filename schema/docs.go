package schema

import (
	"path"
	"slices"
	"strings"
)

// DocsFormat is a form of documentation.
type DocsFormat string

// The formats of documentation.
const (
	DocsMarkdown   DocsFormat = "markdown"
	DocsMermaid    DocsFormat = "mermaid"
	DocsOpenAPI    DocsFormat = "openapi"
	DocsJSONSchema DocsFormat = "jsonschema"
)

// DocsFormats returns all formats, the usual one first.
func DocsFormats() []DocsFormat {
	return []DocsFormat{DocsMarkdown, DocsMermaid, DocsOpenAPI, DocsJSONSchema}
}

// DocsFile is a file of documentation that a schema asks for.
type DocsFile struct {
	Format DocsFormat
	Path   string // relative to the schema, with slashes
}

// docs reads the option docs: a mapping from formats to files.
func (p *parser) docs(_, v *node) {
	if v.kind != mappingNode {
		p.report(CodeWrongNode, v.span(), "docs must be a mapping from formats to files, this is %s", v.what()).
			help("write docs: {markdown: docs/reference.md}")
		return
	}
	var known []option
	for _, format := range DocsFormats() {
		known = append(known, option{string(format), func(_, v *node) { p.docsFile(format, v) }})
	}
	p.options(v, "docs", known, nil)
}

func (p *parser) docsFile(format DocsFormat, v *node) {
	var file string
	if !p.readText(v, "the file of "+string(format), &file) {
		return
	}
	clean := path.Clean(file)
	switch base := file[strings.LastIndexByte(file, '/')+1:]; {
	case base == "" || base == "." || base == "..":
		p.report(CodeOutput, v.span(), "%s is not the name of a file", quote(file)).help("write a path such as docs/reference.md")
	case path.IsAbs(file) || strings.Contains(file, "\\"):
		p.report(CodeOutput, v.span(), "the path %s must be relative to the schema, with slashes", quote(file))
	case slices.ContainsFunc(p.schema.Docs, func(d DocsFile) bool { return d.Path == clean }):
		p.report(CodeConflictingKeys, v.span(), "two formats have the file %s", quote(file)).help("give each a file of its own")
	default:
		p.schema.Docs = append(p.schema.Docs, DocsFile{format, clean})
	}
}
