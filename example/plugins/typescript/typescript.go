// Package typescript is a generator plugin that writes the types of documents in
// TypeScript, as their JSON has them.
package typescript

import (
	"context"
	"fmt"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Plugin is the plugin.
type Plugin struct {
	File string // that it writes, below the generated package
}

// Name implements plugin.Plugin.
func (Plugin) Name() string { return "typescript" }

// Generate implements plugin.Plugin.
func (p Plugin) Generate(_ context.Context, req *plugin.Request) (*plugin.Response, error) {
	var b strings.Builder
	b.WriteString("// Types of the package " + req.Package.Name + ". Generated, do not edit.\n")
	for _, r := range req.Package.Resources {
		fmt.Fprintf(&b, "\nexport type %s = string;\n\n%sexport interface %s ", r.ID.Go, comment("", r.Description), r.Go)
		b.WriteString("{\n  id: " + r.ID.Go + ";\n")
		fields(&b, "  ", r.Attributes)
		if r.Timestamps {
			b.WriteString("  createdAt: string;\n  updatedAt: string;\n")
		}
		b.WriteString("}\n")
	}
	return &plugin.Response{Files: []plugin.File{{Name: p.File, Content: b.String()}}}, nil
}

func comment(indent, text string) string {
	if text == "" {
		return ""
	}
	return indent + "/** " + strings.ReplaceAll(text, "*/", "* /") + " */\n"
}

// fields writes attributes, without secrets, which JSON never shows.
func fields(b *strings.Builder, indent string, list []plugin.Attribute) {
	for _, a := range list {
		if a.Type.Kind == schema.KindSecret || a.Type.Kind == schema.KindPassword {
			continue
		}
		optional := ""
		if a.Optional {
			optional = "?"
		}
		fmt.Fprintf(b, "%s%s%q%s: %s;\n", comment(indent, a.Description), indent, a.Name, optional, typeOf(indent, a.Type))
	}
}

func typeOf(indent string, t plugin.Type) string {
	switch t.Kind {
	case schema.KindNumber, schema.KindInteger, schema.KindDuration:
		return "number"
	case schema.KindBoolean:
		return "boolean"
	case schema.KindJSON:
		return "unknown"
	case schema.KindArray:
		return "Array<" + typeOf(indent, *t.Items) + ">"
	case schema.KindMap:
		return "Record<string, " + typeOf(indent, *t.Items) + ">"
	case schema.KindEnum:
		var values []string
		for _, v := range t.Values {
			values = append(values, fmt.Sprintf("%q", v.Name))
		}
		return strings.Join(values, " | ")
	case schema.KindObject:
		if t.Fields == nil {
			return "Record<string, unknown>"
		}
		var b strings.Builder
		b.WriteString("{\n")
		fields(&b, indent+"  ", t.Fields)
		b.WriteString(indent + "}")
		return b.String()
	default: // everything else is a text in JSON
		return "string"
	}
}
