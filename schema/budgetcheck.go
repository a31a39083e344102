package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CheckBudgets warns of resources whose documents may not fit MetadataLimit where
// the behavior then refuses them or cuts their texts. The place is that of the
// attribute most to blame. Numbers and versions are those of Assign. Warnings that
// a resource allows are left out.
func (s *Schema) CheckBudgets() Diagnostics {
	var found Diagnostics
	for _, r := range s.Resources {
		d, ok := s.checkBudget(r)
		if ok && !slices.Contains(r.Allow, d.Code) {
			found = append(found, d)
		}
	}
	return found
}

func (s *Schema) checkBudget(r *Resource) (Diagnostic, bool) {
	budget := r.Budget()
	if budget.Fits() {
		return Diagnostic{}, false
	}
	switch r.Behavior {
	case EnforceLimits:
		return s.overBudget(r, budget, CodeBudgetRefused, "documents of %s may be refused"), true
	case TruncateData:
		if shortest := r.budget(r.Texts()); !shortest.Fits() {
			return s.overBudget(r, shortest, CodeBudgetRefused, "documents of %s may be refused, their texts cut or not"), true
		}
		return s.overBudget(r, budget, CodeBudgetCut, "texts of %s may be cut"), true
	default: // the body holds what the headers cannot
		return Diagnostic{}, false
	}
}

// overBudget tells what is to blame for a budget that does not fit.
func (s *Schema) overBudget(r *Resource, b Budget, code Code, what string) Diagnostic {
	blamed := b.largest()
	a := blamed.Attribute
	var why string
	if blamed.open == nil {
		why = fmt.Sprintf("their attributes take up to %d bytes of metadata, which holds %d, and %s alone %d", b.Worst, MetadataLimit, quote(a.Path), blamed.Worst)
	} else {
		a = blamed.open.attribute
		why = fmt.Sprintf("%s %s, and metadata holds %d bytes", blamed.open.subject(), blamed.open.what, MetadataLimit)
	}
	var others []Related
	for _, f := range b.Fields {
		if f.open != nil && f.Attribute != blamed.Attribute {
			others = append(others, Related{Position: f.open.attribute.Pos, Message: f.open.subject() + " " + f.open.what + " either"})
		}
	}
	return s.Diagnose(code, a.Pos, fmt.Sprintf(what, quote(r.Name))+": "+why, b.advice(blamed, len(others), code), others...)
}

// subject names what is open.
func (o *openEnd) subject() string {
	if o.typ != o.attribute.Type && o.attribute.Type.Kind != KindSecret {
		return "what " + quote(o.attribute.Path) + " holds"
	}
	return quote(o.attribute.Path)
}

// advice says what would make every document fit.
func (b Budget) advice(f FieldBudget, others int, code Code) string {
	const whole = "write behavior: body-overflow, which stores every document whole"
	allow := fmt.Sprintf(", or allow: [%s] if that is what you want", code)
	var limit string
	switch {
	case others > 0:
		limit = "give each a max where it can have one, or "
	case f.open == nil:
		limit = "lower its max, or "
		if n := b.room(f); n > 0 {
			limit = "lower its max to " + strconv.Itoa(n) + ", or "
		}
	case f.open.fix != "":
		limit = "give it a max, or "
		if n := b.room(f); n > 0 {
			limit = "give it a max of " + strconv.Itoa(n) + ", or "
		}
	}
	if strings.HasPrefix(limit, "lower") && f.Attribute.Type.Rules.Max == nil {
		limit = ""
	}
	return limit + whole + allow
}

// room returns the characters that a string may have so that every document fits,
// 0 when there is no such number.
func (b Budget) room(f FieldBudget) int {
	t := f.Attribute.Type
	if !t.Kind.isText() || t.Kind == KindPassword || f.open != nil && f.open.typ != t {
		return 0
	}
	free := MetadataLimit - b.System - headerName(strconv.Itoa(f.Attribute.Number))
	for _, other := range b.Fields {
		if other.Attribute != f.Attribute {
			free -= other.rest
		}
	}
	return max(0, free/t.Rules.alphabet().one(false).wire)
}
