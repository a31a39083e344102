package bqdouble

import "strconv"

// result is what a query or a listing answers.
type result struct {
	columns []*column
	rows    [][]any
}

// page returns the rows that the parameters maxResults, pageToken and startIndex ask
// for.
func (r *result) page(params map[string]string, micros bool) map[string]any {
	from := number(params["startIndex"], 0)
	if token := params["pageToken"]; token != "" {
		from = number(token, 0)
	}
	from = min(from, len(r.rows))
	to := len(r.rows)
	if limit := number(params["maxResults"], 0); limit > 0 {
		to = min(to, from+limit)
	}
	rows := []any{}
	for _, cells := range r.rows[from:to] {
		f := []any{}
		for i, c := range r.columns {
			var v any
			if i < len(cells) {
				v = cells[i]
			}
			f = append(f, map[string]any{"v": c.wire(v, micros)})
		}
		rows = append(rows, map[string]any{"f": f})
	}
	reply := map[string]any{"totalRows": strconv.Itoa(len(r.rows)), "rows": rows}
	if to < len(r.rows) {
		reply["pageToken"] = strconv.Itoa(to)
	}
	return reply
}

// number reads a parameter that was checked; "" is the default.
func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return n
}
