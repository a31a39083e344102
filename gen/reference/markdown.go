package reference

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
	"github.com/s3dbgen/s3dbgen/templates"
)

// WriteMarkdown writes the reference of the resources for people. price tells what
// a million times some requests cost, "$0.40".
func WriteMarkdown(w io.Writer, r *gen.Reference, price func(gen.Requests) string) error {
	t, err := template.New("reference").Funcs(template.FuncMap{
		"text": markdownText, "cell": markdownText, "code": markdownCode, "anchor": markdownAnchor,
		"attributes": flatAttributes,
		"typ":        func(a *schema.Attribute) string { return markdownText(typeText(a.Type)) },
		"rules":      markdownRules,
		"note":       markdownNote,
		"ids":        idText,
		"expires":    expiresText,
		"relation":   relationText,
		"behavior":   behaviorText,
		"budget":     budgetText,
		"bytes":      bytesText,
		"operation":  operationText,
		"price":      price,
	}).Parse(templates.Reference())
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*gen.Reference
		Mark, Diagram string
		Limit         string
		Several       bool
	}{r, Mark, mermaid(r), grouped(schema.MetadataLimit), len(r.Resources) > 1})
}

// flatAttributes returns attributes with those inside them, each after its owner.
func flatAttributes(attributes []*schema.Attribute) []*schema.Attribute {
	var list []*schema.Attribute
	for _, a := range attributes {
		list = append(list, a)
		list = append(list, flatAttributes(leaf(a.Type).Fields)...)
	}
	return list
}

func markdownRules(a *schema.Attribute) string {
	list := ruleTexts(a)
	for i, rule := range list {
		list[i] = markdownCode(rule)
	}
	return strings.Join(list, " ")
}

// markdownNote is the description of an attribute, of its values, and what
// deprecates them.
func markdownNote(a *schema.Attribute) string {
	var notes []string
	add := func(name, description, deprecated string) {
		note := markdownText(description)
		if deprecated != "" {
			note = strings.TrimSpace(note + " **Deprecated:** " + markdownText(deprecated))
		}
		if note != "" && name != "" {
			note = markdownCode(name) + ": " + note
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	add("", a.Description, a.Deprecated)
	for _, v := range leaf(a.Type).Enum {
		add(v.Name, v.Description, v.Deprecated)
	}
	return strings.Join(notes, "<br>")
}

func idText(r *gen.ResourceReference) string {
	text := map[schema.IDGenerator]string{
		schema.UUIDv1: "UUIDs of version 1", schema.UUIDv4: "UUIDs of version 4", schema.UUIDv7: "UUIDs of version 7, in the order of time",
		schema.ULID: "ULIDs, in the order of time", schema.Custom: "made by the program",
	}[r.ID.Generator]
	if text == "" {
		text = fmt.Sprintf("random, of %d characters", r.ID.Size)
	}
	if r.ID.Any {
		text += "; any characters"
	}
	return text
}

// expiresText says when documents expire.
func expiresText(t *schema.TTL) string {
	after := map[string]string{"createdAt": "its creation", "updatedAt": "its last update"}[t.After]
	if t.Attribute != nil {
		after = "the time in " + markdownCode(t.Attribute.Path)
	}
	if t.For == 0 {
		return "a document expires at " + after
	}
	life := t.For.String()
	if day := 24 * time.Hour; t.For%day == 0 {
		life = fmt.Sprintf("%d days", t.For/day)
	}
	return "a document expires " + life + " after " + after
}

// relationText says whose documents a relation loads, and by what.
func relationText(r *schema.Relation) string {
	if r.Kind == schema.BelongsTo {
		return "belongs to " + markdownText(r.To.Name) + " by " + markdownCode(r.By.Path)
	}
	return "has many " + markdownText(r.To.Name) + " by their " + markdownCode(r.By.Path)
}

func behaviorText(r *gen.ResourceReference) string {
	switch r.Behavior {
	case schema.EnforceLimits:
		return "a document whose attributes do not fit the metadata is refused"
	case schema.TruncateData:
		return "the longest texts of a document are cut until it fits the metadata"
	case schema.BodyOnly:
		return "every attribute is in the body"
	case schema.BodyOverflow:
		return "attributes that do not fit the metadata are in the body, with the event ExceedsLimit as a warning"
	default:
		return "attributes that do not fit the metadata are in the body, with the event ExceedsLimit"
	}
}

// budgetText says what the budget means under the behavior.
func budgetText(r *gen.ResourceReference) string {
	switch {
	case r.Behavior == schema.BodyOnly:
		return "None of it is used: every attribute is in the body, which has no limit. These are the sizes that the attributes would have."
	case r.Budget.Fits():
		return "Every document that keeps the rules fits."
	case r.Behavior == schema.EnforceLimits:
		return "The rules allow documents that do not fit. **They are refused.**"
	case r.Behavior == schema.TruncateData:
		return "The rules allow documents that do not fit. **Their longest texts are cut.**"
	default:
		return "The rules allow documents that do not fit. The largest of their attributes are stored in the body then, at the same number of requests."
	}
}

func bytesText(n int) string {
	if n == schema.Unbounded {
		return "no limit"
	}
	return grouped(n)
}

func operationText(o gen.Operation) string {
	text := string(o.Kind)
	switch o.Kind {
	case gen.OpInsert:
		text = "insert a document"
	case gen.OpUpdate:
		text = "update, no index changes"
	case gen.OpUpdateFrom:
		text = "update a document that is held, no index changes"
	case gen.OpMove:
		text = "update, every index changes"
	case gen.OpUpsert:
		text = "upsert a document that exists, no index changes"
	case gen.OpList, gen.OpCount:
		text = strings.Replace(text, "documents", grouped(gen.ListDocuments)+" documents", 1)
	case gen.OpPage:
		text = fmt.Sprintf("read a page of %d", gen.PageDocuments)
	case gen.OpPartition, gen.OpTally:
		text = strings.Replace(text, "documents", fmt.Sprintf("%d documents", gen.PageDocuments), 1)
	default:
	}
	return text
}

// grouped writes a number with commas between the thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// markdownText makes any text stand for itself in Markdown, on one line, in tables
// as well.
func markdownText(s string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(s) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		for _, c := range word {
			switch {
			case c == '<':
				b.WriteString("&lt;")
			case c == '&':
				b.WriteString("&amp;")
			case strings.ContainsRune("\\`*_[]|#~", c):
				b.WriteByte('\\')
				b.WriteRune(c)
			case unicode.IsControl(c):
				b.WriteRune(unicode.ReplacementChar)
			default:
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// markdownCode makes a text a code span, in tables as well.
func markdownCode(s string) string {
	s = strings.Join(strings.FieldsFunc(s, unicode.IsControl), " ")
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

// markdownAnchor is the name that GitHub gives the heading of a name.
func markdownAnchor(name string) string { return strings.ToLower(name) }
