package bqdouble

import (
	"regexp"
	"strconv"
	"strings"
)

// The statements that the double executes. Everything else is refused.
//
//	SELECT * [EXCEPT (column, …)] | expression [AS name], … [FROM source] [WHERE expression]
//	    [QUALIFY ROW_NUMBER() OVER (PARTITION BY column, … ORDER BY column DESC) = 1]
//	    [ORDER BY column [DESC]] [LIMIT number]
//	MERGE table [AS] alias USING source [AS] alias ON expression
//	    WHEN MATCHED [AND expression] THEN UPDATE SET column = expression, …
//	    WHEN NOT MATCHED THEN INSERT (column, …) VALUES (expression, …)
//
// A source is a table, `project.dataset.table`, or a SELECT in parentheses.
// Expressions are columns, literals, parameters, comparisons, IS [NOT] NULL, NOT, AND and OR.
type (
	selectStatement struct {
		star    bool
		except  []string
		items   []item
		from    *source
		where   expression
		qualify *rowNumber
		order   *ordering
		limit   int // -1 for none
	}
	item struct {
		expression expression
		name       string
	}
	source struct {
		project, dataset, table string
		query                   *selectStatement // instead of a table
		alias                   string
	}
	rowNumber struct {
		partition []string
		order     ordering
	}
	ordering struct {
		column     string
		descending bool
	}
	mergeStatement struct {
		target, using *source
		on            expression
		matched       expression // nil for every match
		set           []assignment
		columns       []string
		values        []expression
	}
	assignment struct {
		column string
		value  expression
	}
	// expression is a literal, columnRef, comparison, isNull, not or logical.
	expression any
	literal    struct {
		typ   string // "" for NULL
		value any
	}
	columnRef  struct{ qualifier, name string }
	comparison struct {
		sign        string
		left, right expression
	}
	isNull struct {
		operand expression
		negated bool
	}
	not     struct{ operand expression }
	logical struct {
		and         bool
		left, right expression
	}
)

// reserved reports whether a word is a keyword, which cannot be a name without backticks.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
func reserved(word string) bool {
	const all = ` ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE
	CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP
	GROUPING GROUPS HASH HAVING IF IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO
	NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME
	STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN `
	return strings.Contains(strings.ReplaceAll(strings.ReplaceAll(all, "\n", " "), "\t", ""), " "+strings.ToUpper(word)+" ")
}

// parser reads a statement. The first failure sticks.
type parser struct {
	tokens     []token
	parameters map[string]literal
	failure    *failure
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) fail(t token, want string) {
	if p.failure == nil {
		got := t.text
		if t.kind == tokenEnd {
			got = "end of statement"
		}
		p.failure = invalidQuery("Syntax error: Expected %s but got %q at [%d]", want, got, t.at)
	}
	p.tokens = p.tokens[len(p.tokens)-1:]
}

// accept reads words that stand next, all or none.
func (p *parser) accept(words ...string) bool {
	for i, w := range words {
		if i >= len(p.tokens) || !p.tokens[i].is(w) {
			return false
		}
	}
	p.tokens = p.tokens[len(words):]
	return true
}

func (p *parser) expect(words ...string) {
	for _, w := range words {
		if t := p.peek(); !p.accept(w) {
			p.fail(t, w)
			return
		}
	}
}

func (p *parser) name() string {
	t := p.next()
	if t.kind == tokenQuoted || t.kind == tokenWord && !reserved(t.text) {
		return t.text
	}
	p.fail(t, "a name")
	return ""
}

func (p *parser) names() []string {
	names := []string{p.name()}
	for p.accept(",") {
		names = append(names, p.name())
	}
	return names
}

// parseStatement reads a SELECT or a MERGE.
func parseStatement(text string, parameters map[string]literal) (*selectStatement, *mergeStatement, *failure) {
	tokens, f := lex(text)
	if f != nil {
		return nil, nil, f
	}
	p := &parser{tokens: tokens, parameters: parameters}
	var q *selectStatement
	var m *mergeStatement
	switch t := p.peek(); {
	case t.is("SELECT"):
		q = p.selectStatement()
	case t.is("MERGE"):
		m = p.mergeStatement()
	default:
		p.fail(t, "SELECT or MERGE")
	}
	if t := p.peek(); t.kind != tokenEnd {
		p.fail(t, "end of statement")
	}
	return q, m, p.failure
}

func parseSelect(text string) (*selectStatement, *failure) {
	q, _, f := parseStatement(text, nil)
	if f == nil && q == nil {
		f = invalidQuery("a view needs a SELECT")
	}
	return q, f
}

func (p *parser) selectStatement() *selectStatement {
	p.expect("SELECT")
	q := &selectStatement{limit: -1}
	if p.accept("*") {
		q.star = true
		if p.accept("EXCEPT", "(") {
			q.except = p.names()
			p.expect(")")
		}
	} else {
		q.items = p.items()
	}
	if p.accept("FROM") {
		q.from = p.source()
	}
	if p.accept("WHERE") {
		q.where = p.expression()
	}
	if t := p.peek(); p.accept("QUALIFY") {
		if q.where == nil {
			p.fail(t, "WHERE before QUALIFY")
		}
		q.qualify = p.rowNumber()
	}
	if p.accept("ORDER", "BY") {
		o := p.ordering()
		q.order = &o
	}
	if p.accept("LIMIT") {
		t := p.next()
		n, err := strconv.Atoi(t.text)
		if t.kind != tokenNumber || err != nil {
			p.fail(t, "a number")
		}
		q.limit = n
	}
	return q
}

func (p *parser) items() []item {
	var items []item
	for {
		i := item{expression: p.expression()}
		if c, ok := i.expression.(columnRef); ok {
			i.name = c.name
		}
		if p.accept("AS") {
			i.name = p.name()
		}
		items = append(items, i)
		if !p.accept(",") {
			return items
		}
	}
}

func (p *parser) ordering() ordering {
	o := ordering{column: p.name()}
	o.descending = p.accept("DESC")
	return o
}

func (p *parser) rowNumber() *rowNumber {
	p.expect("ROW_NUMBER", "(", ")", "OVER", "(", "PARTITION", "BY")
	r := &rowNumber{partition: p.names()}
	p.expect("ORDER", "BY")
	r.order = p.ordering()
	p.expect(")", "=")
	if t := p.next(); t.kind != tokenNumber || t.text != "1" {
		p.fail(t, "1")
	}
	return r
}

var tablePath = regexp.MustCompile(`^([a-z][a-z0-9-]{4,28}[a-z0-9])\.([A-Za-z0-9_]+)\.([A-Za-z0-9_-]+)$`)

func (p *parser) source() *source {
	s := &source{}
	if p.accept("(") {
		s.query = p.selectStatement()
		p.expect(")")
	} else {
		t := p.next()
		path := tablePath.FindStringSubmatch(t.text)
		if t.kind != tokenQuoted || path == nil {
			p.fail(t, "`project.dataset.table`")
			return s
		}
		s.project, s.dataset, s.table = path[1], path[2], path[3]
	}
	explicit := p.accept("AS")
	if t := p.peek(); explicit || t.kind == tokenQuoted || t.kind == tokenWord && !reserved(t.text) {
		s.alias = p.name()
	}
	return s
}

func (p *parser) mergeStatement() *mergeStatement {
	p.expect("MERGE")
	p.accept("INTO")
	m := &mergeStatement{target: p.source()}
	p.expect("USING")
	m.using = p.source()
	p.expect("ON")
	m.on = p.expression()
	p.expect("WHEN", "MATCHED")
	if p.accept("AND") {
		m.matched = p.expression()
	}
	p.expect("THEN", "UPDATE", "SET")
	for {
		a := assignment{column: p.name()}
		p.expect("=")
		a.value = p.operand()
		m.set = append(m.set, a)
		if !p.accept(",") {
			break
		}
	}
	p.expect("WHEN", "NOT", "MATCHED", "THEN", "INSERT", "(")
	m.columns = p.names()
	p.expect(")", "VALUES", "(")
	for {
		m.values = append(m.values, p.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return m
}

func (p *parser) expression() expression {
	left := p.conjunction()
	for p.accept("OR") {
		left = logical{and: false, left: left, right: p.conjunction()}
	}
	return left
}

func (p *parser) conjunction() expression {
	left := p.negation()
	for p.accept("AND") {
		left = logical{and: true, left: left, right: p.negation()}
	}
	return left
}

func (p *parser) negation() expression {
	if p.accept("NOT") {
		return not{p.negation()}
	}
	left := p.operand()
	switch t := p.peek(); {
	case t.is("=", "<", ">", "<=", ">=", "!=", "<>"):
		p.next()
		return comparison{t.text, left, p.operand()}
	case p.accept("IS", "NOT", "NULL"):
		return isNull{left, true}
	case p.accept("IS", "NULL"):
		return isNull{left, false}
	}
	return left
}

func (p *parser) operand() expression {
	switch t := p.peek(); {
	case p.accept("("):
		e := p.expression()
		p.expect(")")
		return e
	case p.accept("TRUE"):
		return literal{typeBoolean, true}
	case p.accept("FALSE"):
		return literal{typeBoolean, false}
	case p.accept("NULL"):
		return literal{}
	case t.kind == tokenString:
		return literal{typeString, p.next().text}
	case t.kind == tokenParameter:
		p.next()
		value, ok := p.parameters[strings.ToLower(t.text)]
		if !ok {
			p.fail(t, "a parameter that was given")
		}
		return value
	case t.kind == tokenNumber:
		p.next()
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			p.fail(t, "a number of 64 bits")
		}
		return literal{typeInteger, n}
	}
	c := columnRef{name: p.name()}
	if p.accept(".") {
		c.qualifier, c.name = c.name, p.name()
	}
	return c
}
