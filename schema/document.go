package schema

import "fmt"

// Document is a YAML file that is no schema, such as the configuration of a program,
// read in the same way: each value knows its place, aliases and merge keys are followed, and
// mistakes are collected.
type Document struct {
	reporter *reporter
	root     *node
}

// ReadDocument reads a file. smallest is the smallest right one, for the diagnostic of an
// empty file. What is wrong with its form is among Diagnostics.
func ReadDocument(path string, text []byte, smallest string) *Document {
	d := &Document{reporter: &reporter{src: newSource(path, text)}}
	d.root = d.reporter.readTree()
	for _, f := range d.reporter.found {
		if f.Code == CodeEmpty {
			f.help("the smallest is: %s", smallest)
		}
	}
	return d
}

// Root returns the whole of the document; a Value that is nothing when it cannot be
// read.
func (d *Document) Root() Value { return Value{d.root} }

// Diagnostics returns what was found so far, in the order of the places.
func (d *Document) Diagnostics() Diagnostics { return d.reporter.diagnostics() }

// Mistake is what Document.Report tells.
type Mistake struct {
	Code    Code
	Message string // as that of a Diagnostic
	Help    string
	// From and To are the bytes of a single value that are at fault, To 0 for all of it.
	From, To int
	// Hidden leaves out the line of the file, which may hold a secret.
	Hidden bool
}

// Report adds a mistake about a value. A value that is nothing stands for the begin of
// the file.
func (d *Document) Report(at Value, m Mistake) {
	where := d.reporter.src.start()
	switch {
	case at.node != nil && m.To > 0:
		where = at.node.part(m.From, m.To)
	case at.node != nil:
		where = at.node.span()
	}
	f := d.reporter.report(m.Code, where, "%s", m.Message)
	f.Suggestion = m.Help
	if m.Hidden {
		f.excerpt = hiddenLine
	}
}

// Unknown reports a key that is none of those that may stand in its place.
func (d *Document) Unknown(key Value, known []string, hidden bool) {
	d.Report(key, Mistake{Code: CodeUnknownKey, Message: "unknown key " + quote(key.Text()), Help: didYouMean(key.Text(), known), Hidden: hidden})
}

// DidYouMean is the help for a word that is none of some candidates: the nearest one as a
// question, or all of them.
func DidYouMean(word string, candidates []string) string { return didYouMean(word, candidates) }

// Value is a part of a Document. The zero Value is nothing.
type Value struct{ node *node }

// Pair is an entry of a mapping.
type Pair struct{ Key, Value Value }

// Exists reports whether v is a part of the document.
func (v Value) Exists() bool { return v.node != nil }

// IsNull reports whether v is nothing, null, or left out behind its key.
func (v Value) IsNull() bool { return v.node == nil || v.node.isNull() }

// IsText reports whether v is a single value other than null.
func (v Value) IsText() bool { return v.node != nil && v.node.isText() }

// IsMapping reports whether v is a mapping.
func (v Value) IsMapping() bool { return v.node != nil && v.node.kind == mappingNode }

// IsList reports whether v is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.kind == sequenceNode }

// Text returns a single value as it is written, "" for anything else.
func (v Value) Text() string {
	if !v.IsText() {
		return ""
	}
	return v.node.value
}

// Kind names the form of v for a message, without its value: "a list", "a single
// value", "nothing".
func (v Value) Kind() string {
	if v.IsNull() {
		return "nothing"
	}
	return string(v.node.kind)
}

// Pairs returns the entries of a mapping, in order.
func (v Value) Pairs() []Pair {
	if v.node == nil {
		return nil
	}
	list := make([]Pair, 0, len(v.node.pairs))
	for _, p := range v.node.pairs {
		list = append(list, Pair{Value{p.key}, Value{p.value}})
	}
	return list
}

// Items returns the items of a list.
func (v Value) Items() []Value {
	if v.node == nil {
		return nil
	}
	list := make([]Value, 0, len(v.node.items))
	for _, n := range v.node.items {
		list = append(list, Value{n})
	}
	return list
}

// Position returns where v begins.
func (v Value) Position() Position {
	if v.node == nil {
		return Position{}
	}
	return v.node.pos
}

// String implements fmt.Stringer: the place, never the value.
func (v Value) String() string { return fmt.Sprintf("%s at %s", v.Kind(), v.Position()) }
