package bqdouble

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// scope are the rows whose columns an expression can name.
type scope []scopeRow

type scopeRow struct {
	alias   string
	columns []*column
	cells   []any // nil while types are checked
}

// lookup finds a column.
func (s scope) lookup(c columnRef) (*column, any, *failure) {
	var found *column
	var value any
	for _, r := range s {
		if c.qualifier != "" && !strings.EqualFold(c.qualifier, r.alias) {
			continue
		}
		for i, col := range r.columns {
			if !strings.EqualFold(col.name, c.name) {
				continue
			}
			if found != nil {
				return nil, nil, invalidQuery("Column name %s is ambiguous", c.name)
			}
			found = col
			if i < len(r.cells) {
				value = r.cells[i]
			}
		}
	}
	if found == nil {
		return nil, nil, invalidQuery("Unrecognized name: %s", strings.TrimPrefix(c.qualifier+"."+c.name, "."))
	}
	return found, value, nil
}

// check returns the column that an expression would make, or why it has no type.
func (s scope) check(e expression) (*column, *failure) {
	switch x := e.(type) {
	case literal:
		return &column{typ: x.typ, mode: modeNullable}, nil
	case columnRef:
		c, _, f := s.lookup(x)
		return c, f
	case isNull:
		_, f := s.check(x.operand)
		return &column{typ: typeBoolean, mode: modeNullable}, f
	case not:
		return s.boolean(x.operand)
	case logical:
		if _, f := s.boolean(x.left); f != nil {
			return nil, f
		}
		return s.boolean(x.right)
	case comparison:
		left, f := s.check(x.left)
		if f != nil {
			return nil, f
		}
		right, f := s.check(x.right)
		if f != nil {
			return nil, f
		}
		if left.typ != right.typ || left.typ == typeJSON || left.mode == modeRepeated || right.mode == modeRepeated {
			return nil, invalidQuery("No matching signature for operator %s for argument types: %s, %s", x.sign, left.typ, right.typ)
		}
		return &column{typ: typeBoolean, mode: modeNullable}, nil
	}
	return nil, invalidQuery("an expression of an unknown form")
}

func (s scope) boolean(e expression) (*column, *failure) {
	c, f := s.check(e)
	if f == nil && (c.typ != typeBoolean || c.mode == modeRepeated) {
		f = invalidQuery("a condition should return type BOOL, but returns %s", c.typ)
	}
	return c, f
}

// value evaluates an expression that was checked. NULL is nil.
func (s scope) value(e expression) any {
	switch x := e.(type) {
	case literal:
		return x.value
	case columnRef:
		_, v, _ := s.lookup(x)
		return v
	case isNull:
		return (s.value(x.operand) == nil) != x.negated
	case not:
		b, ok := s.value(x.operand).(bool)
		if !ok {
			return nil
		}
		return !b
	case logical:
		return s.logical(x)
	case comparison:
		left, right := s.value(x.left), s.value(x.right)
		order, ok := compare(left, right)
		if left == nil || right == nil || !ok {
			return nil
		}
		switch x.sign {
		case "=":
			return order == 0
		case "<":
			return order < 0
		case ">":
			return order > 0
		case "<=":
			return order <= 0
		case ">=":
			return order >= 0
		}
		return order != 0
	}
	return nil
}

// logical is AND and OR with three values.
func (s scope) logical(x logical) any {
	left, leftKnown := s.value(x.left).(bool)
	right, rightKnown := s.value(x.right).(bool)
	decides := !x.and // TRUE decides OR, FALSE decides AND
	if leftKnown && left == decides || rightKnown && right == decides {
		return decides
	}
	if leftKnown && rightKnown {
		return !decides
	}
	return nil
}

// holds reports whether a condition is TRUE, not FALSE or NULL.
func (s scope) holds(e expression) bool { return e == nil || s.value(e) == true }

// open returns the columns and, unless only types are asked for, the rows of a source.
func (d *Double) open(src *source) (*result, *failure) {
	if src.query != nil {
		return d.query(src.query)
	}
	t, f := d.find(src.project, src.dataset, src.table)
	if f != nil {
		return nil, f
	}
	if t.view != nil {
		return d.query(t.view)
	}
	res := &result{columns: t.columns}
	for _, r := range t.rows {
		res.rows = append(res.rows, r.cells)
	}
	return res, nil
}

// resolve returns the columns that a query answers.
func (d *Double) resolve(q *selectStatement) ([]*column, *failure) {
	res, f := d.query(q)
	if f != nil {
		return nil, f
	}
	return res.columns, nil
}

// query executes a SELECT.
func (d *Double) query(q *selectStatement) (*result, *failure) {
	in := &result{rows: [][]any{{}}}
	alias := ""
	if q.from != nil {
		var f *failure
		if in, f = d.open(q.from); f != nil {
			return nil, f
		}
		if alias = q.from.alias; alias == "" {
			alias = q.from.table
		}
	}
	types := scope{{alias: alias, columns: in.columns}}
	if q.where != nil {
		if _, f := types.boolean(q.where); f != nil {
			return nil, f
		}
	}
	var rows [][]any
	for _, cells := range in.rows {
		if (scope{{alias, in.columns, cells}}).holds(q.where) {
			rows = append(rows, cells)
		}
	}
	if q.qualify != nil {
		var f *failure
		if rows, f = first(types, in.columns, rows, q.qualify); f != nil {
			return nil, f
		}
	}
	if q.order != nil {
		if f := sortRows(types, rows, *q.order); f != nil {
			return nil, f
		}
	}
	if q.limit >= 0 {
		rows = rows[:min(q.limit, len(rows))]
	}
	return project(q, types, rows)
}

// project makes the columns that a query answers.
func project(q *selectStatement, types scope, rows [][]any) (*result, *failure) {
	items := q.items
	if q.star {
		if q.from == nil {
			return nil, invalidQuery("SELECT * must have a FROM clause")
		}
		for _, name := range q.except {
			if _, _, f := types.lookup(columnRef{name: name}); f != nil {
				return nil, f
			}
		}
		for _, c := range types[0].columns {
			if !slices.ContainsFunc(q.except, func(name string) bool { return strings.EqualFold(name, c.name) }) {
				items = append(items, item{columnRef{name: c.name}, c.name})
			}
		}
	}
	res := &result{}
	for i, it := range items {
		c, f := types.check(it.expression)
		if f != nil {
			return nil, f
		}
		named := *c
		if named.name = it.name; named.name == "" {
			named.name = fmt.Sprintf("f%d_", i)
		}
		res.columns = append(res.columns, &named)
	}
	for _, cells := range rows {
		s := scope{{types[0].alias, types[0].columns, cells}}
		out := make([]any, 0, len(items))
		for _, it := range items {
			out = append(out, s.value(it.expression))
		}
		res.rows = append(res.rows, out)
	}
	return res, nil
}

// first keeps the first row of each partition.
func first(types scope, columns []*column, rows [][]any, r *rowNumber) ([][]any, *failure) {
	sorted := slices.Clone(rows)
	if f := sortRows(types, sorted, r.order); f != nil {
		return nil, f
	}
	seen := map[string]bool{}
	var kept [][]any
	for _, cells := range sorted {
		var b strings.Builder
		for _, name := range r.partition {
			c, v, f := (scope{{columns: columns, cells: cells}}).lookup(columnRef{name: name})
			if f != nil {
				return nil, f
			}
			fmt.Fprintf(&b, "%q", fmt.Sprint(c.wire(v, true)))
		}
		if key := b.String(); !seen[key] {
			seen[key] = true
			kept = append(kept, cells)
		}
	}
	return kept, nil
}

// sortRows orders rows by a column, NULL before all other values.
func sortRows(types scope, rows [][]any, o ordering) *failure {
	c, f := types.check(columnRef{name: o.column})
	if f != nil {
		return f
	}
	if c.typ == typeJSON || c.mode == modeRepeated {
		return invalidQuery("ORDER BY does not support expressions of type %s", c.typ)
	}
	key := func(cells []any) any {
		return scope{{types[0].alias, types[0].columns, cells}}.value(columnRef{name: o.column})
	}
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := key(rows[i]), key(rows[j])
		if o.descending {
			a, b = b, a
		}
		if a == nil || b == nil {
			return a == nil && b != nil
		}
		order, _ := compare(a, b)
		return order < 0
	})
	return nil
}

// merge executes a MERGE and returns how many rows it inserted and updated. All of it
// happens or nothing.
func (d *Double) merge(m *mergeStatement, dry bool) (inserted, updated int, f *failure) {
	if m.target.query != nil {
		return 0, 0, invalidQuery("the target of MERGE must be a table")
	}
	target, f := d.find(m.target.project, m.target.dataset, m.target.table)
	if f != nil {
		return 0, 0, f
	}
	if target.view != nil {
		return 0, 0, invalidQuery("MERGE cannot change the view %s", target.name())
	}
	using, f := d.open(m.using)
	if f != nil {
		return 0, 0, f
	}
	set, columns, f := m.check(target, using)
	if f != nil || dry {
		return 0, 0, f
	}
	changed := map[*row][]any{}
	matchedBefore := map[*row]bool{}
	var added []*row
	for _, cells := range using.rows {
		matches := false
		for _, r := range target.rows {
			both := m.scope(target, padded(r, target), using, cells)
			if !both.holds(m.on) {
				continue
			}
			matches = true
			if !both.holds(m.matched) {
				continue
			}
			if matchedBefore[r] {
				return 0, 0, invalidQuery("UPDATE/MERGE must match at most one source row for each target row")
			}
			matchedBefore[r] = true
			if r.streaming {
				return 0, 0, invalidQuery("UPDATE or DELETE statement over table %s would affect rows in the streaming buffer, which is not supported", target.name())
			}
			next := padded(r, target)
			for i, a := range m.set {
				next[set[i]] = both.value(a.value)
			}
			changed[r] = next
		}
		if !matches {
			r := &row{cells: make([]any, len(target.columns))}
			for i, c := range target.columns {
				if c.mode == modeRepeated {
					r.cells[i] = []any{}
				}
			}
			from := m.scope(target, nil, using, cells)
			for i, v := range m.values {
				r.cells[columns[i]] = from.value(v)
			}
			added = append(added, r)
		}
	}
	for _, cells := range changed {
		if f := target.required(cells); f != nil {
			return 0, 0, f
		}
	}
	for _, r := range added {
		if f := target.required(r.cells); f != nil {
			return 0, 0, f
		}
	}
	for r, cells := range changed {
		r.cells = cells
	}
	target.rows = append(target.rows, added...)
	return len(added), len(changed), nil
}

func (m *mergeStatement) scope(target *table, cells []any, using *result, source []any) scope {
	return scope{{orName(m.target), target.columns, cells}, {orName(m.using), using.columns, source}}
}

func orName(s *source) string {
	if s.alias == "" {
		return s.table
	}
	return s.alias
}

// padded returns the cells of a row, as many as the table has columns.
func padded(r *row, t *table) []any {
	cells := make([]any, len(t.columns))
	for i, c := range t.columns {
		if cells[i] = r.cell(i); cells[i] == nil && c.mode == modeRepeated {
			cells[i] = []any{}
		}
	}
	return cells
}

func (t *table) required(cells []any) *failure {
	for i, c := range t.columns {
		if c.mode == modeRequired && cells[i] == nil {
			return invalidQuery("Required field %s cannot be null", c.name)
		}
	}
	return nil
}

// check checks the names and types of a MERGE. It returns the indexes of the columns
// that it updates and inserts.
func (m *mergeStatement) check(target *table, using *result) (set, columns []int, f *failure) {
	both := m.scope(target, nil, using, nil)
	for _, condition := range []expression{m.on, m.matched} {
		if condition == nil {
			continue
		}
		if _, f := both.boolean(condition); f != nil {
			return nil, nil, f
		}
	}
	assign := func(list *[]int, visible scope, name string, value expression) *failure {
		i := target.column(name)
		if i < 0 {
			return invalidQuery("Column %s is not present in table %s", name, target.name())
		}
		if slices.Contains(*list, i) {
			return invalidQuery("Column %s is assigned twice", name)
		}
		c, f := visible.check(value)
		if f != nil {
			return f
		}
		if to := target.columns[i]; c.typ != "" && c.typ != to.typ || (c.mode == modeRepeated) != (to.mode == modeRepeated) {
			return invalidQuery("Value of type %s %s cannot be assigned to %s, which has type %s %s", c.mode, c.typ, name, to.mode, to.typ)
		}
		*list = append(*list, i)
		return nil
	}
	for _, a := range m.set {
		if f := assign(&set, both, a.column, a.value); f != nil {
			return nil, nil, f
		}
	}
	if len(m.columns) != len(m.values) {
		return nil, nil, invalidQuery("Inserted row has wrong column count; Has %d, expected %d", len(m.values), len(m.columns))
	}
	for i, name := range m.columns {
		if f := assign(&columns, both[1:], name, m.values[i]); f != nil {
			return nil, nil, f
		}
	}
	return set, columns, nil
}
