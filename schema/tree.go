package schema

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of a file, far above any real schema. They keep an alias bomb or an
// absurd nesting from using up memory.
const (
	maxNodes = 200_000
	maxDepth = 100
)

// nodeKind is the form of a node.
type nodeKind string

// The forms, named as messages name them.
const (
	scalarNode   nodeKind = "a single value"
	mappingNode  nodeKind = "a mapping"
	sequenceNode nodeKind = "a list"
)

// node is a part of a YAML file, with aliases followed and merge keys applied.
type node struct {
	kind  nodeKind
	pos   Position
	pairs []pair  // of a mapping, keys are scalars and differ
	items []*node // of a sequence
	bad   bool    // a mapping with keys that could not be read

	// Of a scalar:
	value string
	tag   string // "!!str", "!!int", "!!null", …
	style yaml.Style
	src   *source
}

// pair is an entry of a mapping.
type pair struct{ key, value *node }

// isNull reports whether n is null or left out.
func (n *node) isNull() bool { return n.kind == scalarNode && n.tag == "!!null" }

// isText reports whether n is a scalar other than null.
func (n *node) isText() bool { return n.kind == scalarNode && n.tag != "!!null" }

// get returns the pair of a mapping's key.
func (n *node) get(key string) (pair, bool) {
	for _, p := range n.pairs {
		if p.key.value == key {
			return p, true
		}
	}
	return pair{}, false
}

// what names n for a message: "a list", "a number", "nothing".
func (n *node) what() string {
	if n.kind != scalarNode {
		return string(n.kind)
	}
	switch n.tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + n.value
	case "!!bool":
		return n.value
	}
	return "the text " + quote(n.value)
}

// span returns the place of n: the whole of a scalar on one line, else its begin.
func (n *node) span() span {
	if n.kind != scalarNode {
		return span{pos: n.pos}
	}
	whole := n.part(0, len(n.value))
	start, end := whole.pos, whole.end
	if !end.IsValid() {
		return whole
	}
	if n.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		start.Column--
		end.Column++
	}
	return span{start, end}
}

// part returns the place of the bytes from..to of a scalar's value: exact when
// the scalar is plain or quoted on one line, else the begin of the scalar.
func (n *node) part(from, to int) span {
	if first := n.verbatim(); first > 0 {
		start := n.pos
		start.Column = first + utf8.RuneCountInString(n.value[:from])
		return span{start, advance(start, utf8.RuneCountInString(n.value[from:to]))}
	}
	columns := n.columns()
	if columns == nil {
		return span{pos: n.pos}
	}
	start, end := n.pos, n.pos
	start.Column = columns[utf8.RuneCountInString(n.value[:from])]
	end.Column = columns[utf8.RuneCountInString(n.value[:to])]
	return span{start, end}
}

// verbatim returns the column of the first character of a scalar's value when
// the file has the value character by character, the usual case; else 0.
func (n *node) verbatim() int {
	rest, column := n.src.rest(n.pos), n.pos.Column
	switch {
	case n.style == 0:
	case n.style == yaml.SingleQuotedStyle && !strings.Contains(n.value, "'"),
		n.style == yaml.DoubleQuotedStyle && !strings.ContainsAny(n.value, `"\`):
		rest, column = rest[min(1, len(rest)):], column+1
	default:
		return 0
	}
	if !strings.HasPrefix(rest, n.value) {
		return 0
	}
	return column
}

// columns returns the column of each character of a scalar's value and that
// just after the last, or nil when the scalar is not written on one line.
func (n *node) columns() []int {
	rest := n.src.rest(n.pos)
	column := n.pos.Column
	skip := func(k int) {
		column += utf8.RuneCountInString(rest[:k])
		rest = rest[k:]
	}
	// The position of a scalar with an anchor or a tag is that of these.
	for strings.HasPrefix(rest, "&") || strings.HasPrefix(rest, "!") {
		k := strings.IndexAny(rest, " \t")
		if k < 0 {
			return nil
		}
		skip(k)
		skip(len(rest) - len(strings.TrimLeft(rest, " \t")))
	}
	switch {
	case n.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return nil
	case n.style&yaml.SingleQuotedStyle != 0:
		return quotedColumns(n.value, rest, column, '\'')
	case n.style&yaml.DoubleQuotedStyle != 0:
		return quotedColumns(n.value, rest, column, '"')
	}
	if !strings.HasPrefix(rest, n.value) {
		return nil
	}
	columns := make([]int, 0, len(n.value)+1)
	for range n.value {
		columns = append(columns, column)
		column++
	}
	return append(columns, column)
}

// quotedColumns walks a quoted scalar; rest begins with its opening quote.
func quotedColumns(value, rest string, column int, mark byte) []int {
	if rest == "" || rest[0] != mark {
		return nil
	}
	rest = rest[1:]
	column++
	columns := make([]int, 0, len(value)+1)
	for range value {
		if rest == "" {
			return nil
		}
		columns = append(columns, column)
		width := 1
		_, size := utf8.DecodeRuneInString(rest)
		switch {
		case mark == '\'' && strings.HasPrefix(rest, "''"):
			width, size = 2, 2
		case mark == '"' && rest[0] == '\\':
			if width = escapeWidth(rest); len(rest) < width {
				return nil
			}
			size = width
		case rest[0] == mark: // the scalar ends before its value does
			return nil
		}
		rest = rest[size:]
		column += width
	}
	if rest == "" || rest[0] != mark {
		return nil
	}
	return append(columns, column)
}

// escapeWidth returns the length of the escape that s begins with (YAML 1.2, 5.7).
func escapeWidth(s string) int {
	if len(s) < 2 {
		return 2
	}
	switch s[1] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}

// builder makes a tree of nodes from yaml.v3's.
type builder struct {
	*reporter
	count int
	open  map[*yaml.Node]bool // aliases being followed, to find cycles
	full  bool                // a limit was reported
}

// readTree parses the file of r. It returns nil, with diagnostics, when the
// file has no usable content.
func (r *reporter) readTree() *node {
	r.checkText()
	if r.found != nil {
		return nil
	}
	if r.checkConflict(); r.found != nil {
		return nil
	}
	documents := r.readDocuments()
	if documents == nil {
		return nil
	}
	b := &builder{reporter: r, open: map[*yaml.Node]bool{}}
	n := b.build(documents[0].Content[0], 0)
	if b.full {
		return nil
	}
	return n
}

func (b *builder) build(y *yaml.Node, depth int) *node {
	n := &node{pos: b.src.at(y.Line, y.Column), src: b.src}
	if b.count++; b.count > maxNodes {
		b.limit(n, "file has more than %d values once its aliases are followed", maxNodes)
		return n
	}
	if depth > maxDepth {
		b.limit(n, "values are nested more than %d deep", maxDepth)
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(y.ShortTag(), "!!") {
		b.report(CodeWrongNode, span{pos: n.pos}, "tag %s has no meaning here", quote(y.Tag)).help("remove the tag, or quote the text")
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = mappingNode
		b.mapping(n, y, depth)
	case yaml.SequenceNode:
		n.kind = sequenceNode
		for _, item := range y.Content {
			if b.full {
				break
			}
			n.items = append(n.items, b.build(item, depth+1))
		}
	case yaml.AliasNode:
		return b.follow(n, y, depth)
	default:
		n.kind, n.value, n.tag, n.style = scalarNode, y.Value, y.ShortTag(), y.Style
	}
	return n
}

// follow returns what an alias stands for.
func (b *builder) follow(n *node, y *yaml.Node, depth int) *node {
	if b.open[y.Alias] {
		b.limit(n, "alias *%s contains itself", y.Value)
		return n
	}
	b.open[y.Alias] = true
	defer delete(b.open, y.Alias)
	return b.build(y.Alias, depth)
}

// limit reports that the file cannot be read at all, once.
func (b *builder) limit(n *node, format string, args ...any) {
	n.kind, n.tag = scalarNode, "!!null"
	if !b.full {
		b.report(CodeTooLarge, span{pos: n.pos}, format, args...)
	}
	b.full = true
}

func (b *builder) mapping(n *node, y *yaml.Node, depth int) {
	if y.Anchor != "" {
		b.open[y] = true
		defer delete(b.open, y)
	}
	own := map[string]*node{} // keys written in this mapping
	var merged []pair         // pairs that merge keys bring, the first of a name counts
	for i := 0; i+1 < len(y.Content) && !b.full; i += 2 {
		key := b.build(y.Content[i], depth+1)
		value := b.build(y.Content[i+1], depth+1)
		switch {
		case key.kind != scalarNode:
			b.report(CodeWrongNode, key.span(), "a key must be a single value, this is %s", key.kind)
			n.bad = true
		case key.tag == "!!merge":
			n.pairs = append(n.pairs, pair{key, value}) // marks the place, see below
			merged = append(merged, b.merge(value)...)
		case own[key.value] != nil:
			b.report(CodeDuplicateKey, key.span(), "%s is defined twice", quote(key.value)).
				help("remove or rename one of the two").
				also(b.src, own[key.value].span(), "first defined here")
		default:
			own[key.value] = key
			n.pairs = append(n.pairs, pair{key, value})
		}
	}
	if merged != nil || len(own) < len(n.pairs) {
		n.pairs = applyMerge(n.pairs, merged, own)
	}
}

// merge returns the pairs that the value of a merge key "<<" brings.
func (b *builder) merge(value *node) []pair {
	switch {
	case value.kind == mappingNode:
		return value.pairs
	case value.kind == sequenceNode:
		var all []pair
		for _, item := range value.items {
			if item.kind != mappingNode {
				b.report(CodeMergeKey, item.span(), "<< can only merge mappings, this is %s", item.what())
				continue
			}
			all = append(all, item.pairs...)
		}
		return all
	}
	b.report(CodeMergeKey, value.span(), "<< can only merge mappings, this is %s", value.what()).
		help("write <<: *name, where &name marks a mapping")
	return nil
}

// applyMerge puts merged pairs at the place of the first merge key; keys that
// the mapping has itself win.
func applyMerge(pairs, merged []pair, own map[string]*node) []pair {
	seen := map[string]bool{}
	var out []pair
	placed := false
	for _, p := range pairs {
		if p.key.tag != "!!merge" {
			out = append(out, p)
			continue
		}
		if placed {
			continue
		}
		placed = true
		for _, m := range merged {
			if own[m.key.value] == nil && !seen[m.key.value] {
				seen[m.key.value] = true
				out = append(out, m)
			}
		}
	}
	return out
}
